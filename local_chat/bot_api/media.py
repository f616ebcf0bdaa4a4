"""Pictures, clips and files that a request uploads, or names by their id."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from local_chat.api_error import ApiError, bad_request
from local_chat.bot_api.parameters import converted
from local_chat.clips import KINDS as CLIPS
from local_chat.clips import clip_of
from local_chat.message_content import caption_content
from local_chat.photo_sizes import photo_sizes, sticker, thumbnail
from local_chat.requests import Upload
from local_chat.state import State

Json = dict[str, Any]

MAX_UPLOAD_BYTES = 50 * 2**20


class Uploads(dict[str, Upload]):
    """A request's files by the name of their form field."""


async def input_media(state: State, item: Json, uploads: Uploads) -> Json:
    kind = item.get("type")
    if kind not in ("photo", "document", "animation", "video"):
        raise bad_request(f"can't parse InputMedia: media type {kind!r} is not supported")
    description = caption_content(
        str(item.get("caption") or ""),
        str(item.get("parse_mode") or ""),
        converted("caption_entities", item.get("caption_entities") or [], list[Json]),
    )
    content = await media_content(state, kind, str(item.get("media") or ""), "", uploads)
    if item.get("show_caption_above_media"):
        description["show_caption_above_media"] = True
    if kind != "document" and item.get("has_spoiler"):
        description["has_media_spoiler"] = True
    return {**content, **description}


async def media_content(
    state: State, kind: str, value: str, form_field: str, uploads: Uploads
) -> Json:
    """A picture, clip or file by upload (`attach://name` or its own form field) or by `file_id`."""
    name = value.removeprefix("attach://") if value.startswith("attach://") else form_field
    upload = uploads.get(name)
    if upload is None:
        return _sent_before(state, kind, value)
    if not upload.data:
        raise bad_request("file must be non-empty")
    if len(upload.data) > MAX_UPLOAD_BYTES:
        raise ApiError(413, "Request Entity Too Large")
    if kind == "photo":
        sizes = await asyncio.to_thread(photo_sizes, upload.data, sent_by_bot=True)
        return state.files.keep_photo(sizes)
    if kind == "sticker":
        return state.files.keep_sticker(await asyncio.to_thread(sticker, upload.data), "")
    if kind in CLIPS:
        clip = await asyncio.to_thread(clip_of, kind, upload.data, upload.name, sent_by_bot=True)
        return state.files.keep_clip(clip, upload.data)
    small = await asyncio.to_thread(thumbnail, upload.data)
    return state.files.keep_document(upload.name, upload.mime_type, upload.data, small)


def _sent_before(state: State, kind: str, file_id: str) -> Json:
    if not file_id:
        raise bad_request(f"there is no {kind} in the request")
    if urlsplit(file_id).scheme in ("http", "https"):
        raise bad_request("failed to get HTTP URL content")  # this server fetches nothing
    file = state.files.get(file_id)
    if file is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if file.kind != kind:
        raise bad_request(f"can't use file of type {file.kind.title()} as {kind.title()}")
    return file.content
