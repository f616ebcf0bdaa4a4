"""The files that the server keeps, in memory, the oldest dropped where they become too many."""

import re
import secrets
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from local_chat.clips import Clip
from local_chat.photo_sizes import Picture

Json = dict[str, Any]

MAX_FILE_BYTES_IN_ALL = 512 * 2**20


@dataclass(frozen=True)
class StoredFile:
    """A file of a message. `content` is what a message holds that shows it, by its kind."""

    id: str
    unique_id: str
    kind: str
    path: str
    mime_type: str
    data: bytes
    content: Json


class Files(dict[str, StoredFile]):
    """By their ids. What keeps a file returns what a message holds that shows it."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0

    def keep_photo(self, sizes: list[Picture]) -> Json:
        """Keeps a photo's sizes, smallest first; what a message holds that shows it."""
        content: Json = {"photo": []}
        for size in sizes:
            file = self._keep("photo", "photos", "image/jpeg", size.data, content, ".jpg")
            content["photo"].append(_photo_size(file, size))
        return content

    def keep_file(
        self,
        kind: str,
        data: bytes,
        mime_type: str,
        details: Json,
        thumbnail: Picture | None = None,
        suffix: str = "",
    ) -> Json:
        """Keeps a file untouched; what a message holds that shows it. `details` join its fields."""
        shown: Json = {}
        content: Json = {kind: shown}
        if thumbnail is not None:
            small = self._keep(
                "thumbnail", "thumbnails", "image/jpeg", thumbnail.data, content, ".jpg"
            )
            shown["thumbnail"] = _photo_size(small, thumbnail)
        file = self._keep(kind, f"{kind}s", mime_type, data, content, suffix)
        shown |= {"file_id": file.id, "file_unique_id": file.unique_id, "file_size": len(data)}
        shown |= details
        return content

    def keep_sticker(self, picture: Picture, emoji: str) -> Json:
        details = {
            "type": "regular",
            "width": picture.width,
            "height": picture.height,
            "is_animated": False,
            "is_video": False,
            "emoji": emoji,
        }
        return self.keep_file("sticker", picture.data, "image/webp", details, suffix=".webp")

    def keep_document(
        self, name: str, mime_type: str, data: bytes, thumbnail: Picture | None
    ) -> Json:
        details = {"file_name": name, "mime_type": mime_type}
        suffix = PurePath(name).suffix
        plain = re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) is not None
        return self.keep_file(
            "document", data, mime_type, details, thumbnail, suffix if plain else ""
        )

    def keep_clip(self, clip: Clip, data: bytes) -> Json:
        mime_type = clip.details.get("mime_type", "video/mp4")
        suffix = ".gif" if mime_type == "image/gif" else ".mp4"
        content = self.keep_file(clip.kind, data, mime_type, clip.details, clip.thumbnail, suffix)
        if clip.kind == "animation":  # shown as a document as well, for older bots
            content["document"] = content["animation"]
        return content

    def _keep(
        self, kind: str, folder: str, mime_type: str, data: bytes, content: Json, suffix: str
    ) -> StoredFile:
        file_id = f"{kind[:2].upper()}{secrets.token_urlsafe(32)}"
        unique_id = secrets.token_urlsafe(9)
        path = f"{folder}/file_{len(self)}_{unique_id}{suffix}"
        file = StoredFile(file_id, unique_id, kind, path, mime_type, data, content)
        self[file_id] = file
        self._bytes += len(data)
        while self._bytes > MAX_FILE_BYTES_IN_ALL:
            oldest = self.pop(next(iter(self)))
            self._bytes -= len(oldest.data)
        return file


def _photo_size(file: StoredFile, size: Picture) -> Json:
    return {
        "file_id": file.id,
        "file_unique_id": file.unique_id,
        "file_size": len(size.data),
        "width": size.width,
        "height": size.height,
    }
