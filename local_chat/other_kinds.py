"""Messages that are neither text nor picture, for tests of a bot's answer to "anything else"."""

from typing import Any

from local_chat.api_error import bad_request
from local_chat.files import Files

Json = dict[str, Any]

OTHER_KINDS: dict[str, Json] = {
    "animation": {"width": 320, "height": 240, "duration": 2, "mime_type": "video/mp4"},
    "audio": {"duration": 60, "mime_type": "audio/mpeg"},
    "contact": {"phone_number": "+10000000000", "first_name": "Somebody"},
    "dice": {"emoji": "🎲", "value": 6},
    "location": {"latitude": 48.8606, "longitude": 2.3376},
    "sticker": {  # one that moves: `send_media` sends static ones
        "type": "regular",
        "width": 512,
        "height": 512,
        "is_animated": False,
        "is_video": True,
        "emoji": "🎨",
    },
    "video": {"width": 640, "height": 480, "duration": 5, "mime_type": "video/mp4"},
    "video_note": {"length": 240, "duration": 5},
    "voice": {"duration": 3, "mime_type": "audio/ogg"},
}
WITHOUT_FILE = {"contact", "dice", "location"}


def other_content(other: Any, files: Files) -> Json:
    """What a message of this kind holds; `other` is a kind and the fields that differ."""
    if not isinstance(other, dict) or len(other) != 1 or not OTHER_KINDS.keys() >= other.keys():
        raise bad_request(f"other is one of {', '.join(OTHER_KINDS)}")
    kind, fields = next(iter(other.items()))
    details = OTHER_KINDS[kind] | fields
    if kind in WITHOUT_FILE:
        return {kind: details}
    mime_type = details.get("mime_type", "video/webm")
    content = files.keep_file(kind, b"not a real recording", mime_type, details)
    if kind == "animation":  # shown as a document as well, for older bots
        content["document"] = content["animation"]
    return content
