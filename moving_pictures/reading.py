"""From hostile bytes to the frames of a clip, one after the other, within limits."""

import ctypes
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import cast

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream
from PIL import Image

from decoding import BadImage, Limits, check_file, check_size
from untranslated import translatable
from wishes import MOST_CLIP_SECONDS

GRACE = 0.5  # seconds; what phones and Telegram call ten seconds may be a little more
MOST_FRAMES = 1300  # that are decoded: ten seconds at 120 a second
MOST_RATE = 15.0  # frames a second of the result
LEAST_RATE = 10.0
LONG_SIDE = 640  # pixels of the result, whose area is at most `AREA`, painted in one piece
AREA = 640 * 512
MOST_DECODER_MB = 128  # for the frames that a decoder may hold on to, `HELD` of them
HELD = 17
LARGEST_LOOKED_AT = 2**25  # pixels of a clip of which we say that it is too large
LARGEST_ALLOCATION = 16 * 2**20  # bytes that FFmpeg may ask for at once: headers promise anything
CONTAINERS = "mov,mp4,matroska,webm,gif"
CODECS = "h264,hevc,vp8,vp9,libdav1d,av1,mpeg4,gif,aac,mp3,mp3float,opus,vorbis,flac,pcm_s16le"


@dataclass(frozen=True)
class Clip:
    """What is known of a clip before a frame of it is decoded."""

    data: bytes
    size: tuple[int, int]  # of its frames as they are shown, upright: width and height
    start: float  # seconds on the clip's own clock
    seconds: float  # from the start of the first to the end of the last frame
    rate: float  # frames a second of the result, at most `MOST_RATE`
    frames: int
    has_sound: bool

    @property
    def working_size(self) -> tuple[int, int]:
        """Width and height, both even, in which the clip is repainted."""
        width, height = self.size
        scale = min(1, LONG_SIDE / max(self.size), math.sqrt(AREA / (width * height)))
        return max(2, int(width * scale / 2) * 2), max(2, int(height * scale / 2) * 2)


def read_clip(data: bytes, limits: Limits) -> Clip:
    """Looks a clip over without decoding it. Raises `BadImage`, and nothing else, for bytes that
    are none, or one that is too long, too large, or of too many frames.
    """
    check_file(data, limits)
    with opened(data) as (container, stream):
        size = _shown_size(stream)
        check_size(*size, replace(limits, max_pixels=_most_pixels(stream)))
        times, last_takes = _times(container, stream)
        sound = bool(container.streams.audio)
    if not times:
        raise _damaged()
    with opened(data) as (container, stream):
        first, _ = next(_decoded(container, stream), (None, 0))
        if first is None:
            raise _damaged()
        size = size[::-1] if first.rotation % 180 == 90 else size
    pauses = sorted(after - before for before, after in pairwise(times) if after > before) or [0.1]
    seconds = times[-1] - times[0] + (last_takes or median(pauses))
    if seconds > MOST_CLIP_SECONDS + GRACE:
        raise BadImage(
            translatable(
                "This clip lasts {seconds:.0f} seconds, the limit is {limit}. Please cut it."
            ),
            seconds=seconds,
            limit=MOST_CLIP_SECONDS,
        )
    return Clip(
        data, size, times[0], seconds, _rate(1 / pauses[len(pauses) // 10]), len(times), sound
    )


def frames(clip: Clip) -> Iterator[tuple[float, Image.Image, int]]:
    """The frames as RGB pictures in the clip's working size, upright, on white.

    With each comes the share of the clip that is over, and for how many frames of the result it is
    shown, at least one; frames that are not shown are not made pictures of. What is damaged is
    skipped. Raises `BadImage` where no frame can be decoded.
    """
    shown = 0
    with opened(clip.data) as (container, stream):
        limit = math.ceil((MOST_CLIP_SECONDS + GRACE) * clip.rate)
        last = min(limit, max(1, round(clip.seconds * clip.rate)))
        before: VideoFrame | None = None
        for frame, time in _decoded(container, stream):
            until = min(last, round((time - clip.start) * clip.rate))
            if before is not None and until > shown:
                yield shown / last, picture(before, clip.working_size), until - shown
                shown = until
            before = frame
        if before is None:
            raise _damaged()
        if shown < last:
            yield shown / last, picture(before, clip.working_size), last - shown


@contextmanager
def opened(data: bytes) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The file and its first video stream; what FFmpeg raises becomes `BadImage`."""
    _limit_allocations()
    # A playlist could else have it open other files; more streams only cost memory.
    rules = {"format_whitelist": CONTAINERS, "codec_whitelist": CODECS, "max_streams": "8"}
    # One thread: each further one would hold frames of its own.
    options = {"max_pixels": str(LARGEST_LOOKED_AT), "threads": "1"}
    try:
        with av.open(BytesIO(data), "r", container_options=rules, options=options) as container:
            stream = next(iter(container.streams.video), None)
            if stream is None:
                raise BadImage(
                    translatable("There is no video in this file. Please send another one.")
                )
            decoder = cast(VideoCodecContext | None, stream.codec_context)
            if decoder is None:
                raise _damaged()
            decoder.options = {"max_pixels": str(_most_pixels(stream))}
            decoder.thread_type, decoder.thread_count = "NONE", 1
            yield container, stream
    except BadImage:
        raise
    except (av.FFmpegError, ValueError, MemoryError, OverflowError) as error:
        raise _damaged() from error


def picture(frame: VideoFrame, size: tuple[int, int]) -> Image.Image:
    """The frame in RGB, upright, in this size, on white."""
    turned = frame.rotation % 180 == 90
    width, height = reversed(size) if turned else size
    alpha = any(part.is_alpha for part in frame.format.components) or frame.format.name == "pal8"
    mode = "RGBA" if alpha else "RGB"
    pixels = frame.to_ndarray(
        width=width,
        height=height,
        format=mode.lower() if alpha else "rgb24",
        interpolation=Interpolation.AREA if width < frame.width else Interpolation.BICUBIC,
    )
    image = Image.fromarray(pixels, mode)
    if alpha:
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        image = white
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image


def _damaged() -> BadImage:
    return BadImage(
        translatable(
            "This is not a clip that I can read. Please send a GIF, or a video as MP4 or WebM."
        )
    )


def _most_pixels(stream: VideoStream) -> int:
    """Of a frame, so that all that the decoder may hold on to fit into `MOST_DECODER_MB`."""
    layout = stream.codec_context.format
    bits = layout.padded_bits_per_pixel if layout else 12
    return MOST_DECODER_MB * 2**20 * 8 // (HELD * max(bits, 12))


def _shown_size(stream: VideoStream) -> tuple[int, int]:
    """Width and height as they are shown, before a rotation: pixels need not be square."""
    width, height = stream.width, stream.height
    ratio = stream.sample_aspect_ratio
    if ratio and 0 < ratio != 1:
        width = round(width * ratio) if ratio < 1 else width
        height = height if ratio < 1 else round(height / ratio)
    if width < 1 or height < 1:
        raise _damaged()
    return width, height


def _times(container: InputContainer, stream: VideoStream) -> tuple[list[float], float]:
    """When each frame is to be shown, in seconds, and for how long the last one, or 0."""
    times: list[tuple[float, float]] = []
    for packet in container.demux(stream):
        pts = packet.dts if packet.pts is None else packet.pts
        if pts is None or packet.is_discard or packet.time_base is None:
            continue
        times.append(
            (float(pts * packet.time_base), float((packet.duration or 0) * packet.time_base))
        )
        if len(times) > MOST_FRAMES:
            raise BadImage(
                translatable("This clip has more than {limit} frames. Please send a shorter one."),
                limit=MOST_FRAMES,
            )
    times.sort()
    return [time for time, _ in times], times[-1][1] if times else 0


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[tuple[VideoFrame, float]]:
    """The frames in their order, and when each is to be shown; damaged packets are skipped."""
    latest = -math.inf
    for number, packet in enumerate(container.demux(stream)):
        if number > 2 * MOST_FRAMES:
            return
        try:
            decoded = packet.decode()
        except av.FFmpegError:
            continue
        for frame in decoded:
            if isinstance(frame, VideoFrame) and frame.time is not None and frame.time > latest:
                latest = frame.time
                yield frame, frame.time


def _rate(of_clip: float) -> float:
    """An even share of the clip's frames a second, or a multiple where they are few."""
    if of_clip < LEAST_RATE:
        return of_clip * math.ceil(LEAST_RATE / of_clip)
    share = of_clip / math.ceil(of_clip / MOST_RATE - 0.1)  # clocks tell milliseconds at best
    return min(share, MOST_RATE) if share >= LEAST_RATE else MOST_RATE


@cache
def _limit_allocations() -> None:
    """A few bytes of a header can ask for gigabytes; FFmpeg refuses what is above its limit."""
    with suppress(OSError, AttributeError, StopIteration):  # another build of PyAV
        library = next(Path(av.__file__).parents[1].glob("av.libs/libavutil-*"))
        ctypes.CDLL(str(library)).av_max_alloc(ctypes.c_size_t(LARGEST_ALLOCATION))
