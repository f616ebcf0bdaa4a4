"""What Telegram does with clips: it finds out their size and length, and makes a thumbnail.

This decodes, so call it in a worker thread.
"""

import io
from dataclasses import dataclass
from typing import Any

import av
from PIL import Image

from local_chat.api_error import bad_request
from local_chat.photo_sizes import Picture, thumbnail

Json = dict[str, Any]

KINDS = ("animation", "video", "video_note")


@dataclass(frozen=True)
class Clip:
    """`details` are the fields that a message shows, by its kind."""

    kind: str
    details: Json
    thumbnail: Picture | None


def clip_of(kind: str, data: bytes, name: str, *, sent_by_bot: bool) -> Clip:
    """Looks a clip over. An animation with sound is a video to Telegram.

    From a bot it must be what its users' apps can play, MP4 with H.264 (or a GIF as an animation);
    Telegram would send anything else as a file. Raises `ApiError`.
    """
    try:
        rules = {"format_whitelist": "mov,mp4,gif,matroska,webm"}
        with av.open(io.BytesIO(data), "r", container_options=rules) as container:
            stream = container.streams.video[0]
            frame = next(container.decode(stream))
            duration = max(float(container.duration or 0) / av.time_base, 0)
            container_name, codec = container.format.name, stream.codec.name
            pixels, has_sound = stream.codec_context.pix_fmt, bool(container.streams.audio)
            picture = io.BytesIO()
            Image.fromarray(frame.to_ndarray(format="rgb24")).save(picture, "JPEG")
            width, height = frame.width, frame.height
    except (av.FFmpegError, ValueError, IndexError, StopIteration) as error:
        raise bad_request("VIDEO_CONTENT_TYPE_INVALID") from error
    plays = codec == "gif" if kind == "animation" else False
    plays |= "mp4" in container_name and codec == "h264" and pixels == "yuv420p"
    if sent_by_bot and not plays:
        raise bad_request("VIDEO_CONTENT_TYPE_INVALID")
    details: Json = {"duration": int(duration + 0.5)}
    if kind == "video_note":
        return Clip(kind, {**details, "length": min(width, height)}, thumbnail(picture.getvalue()))
    mime_type = {"gif": "image/gif", "matroska,webm": "video/webm"}.get(container_name, "video/mp4")
    details |= {"width": width, "height": height, "mime_type": mime_type, "file_name": name}
    kind = "video" if has_sound else kind
    return Clip(kind, details, thumbnail(picture.getvalue()))
