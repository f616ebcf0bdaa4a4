"""What a bot offers when someone types its name: results of an inline query, checked."""

from collections.abc import Mapping
from typing import Any

from local_chat.api_error import bad_request
from local_chat.formatting import utf16_length
from local_chat.message_content import caption_content, keyboard_content, text_content
from local_chat.state import State

Json = dict[str, Any]

MAX_RESULTS = 50
MAX_ID_BYTES = 64
CACHED = {"photo": "photo_file_id", "document": "document_file_id", "sticker": "sticker_file_id"}


def offered(results: list[Json], state: State) -> list[Json]:
    """For each result its `id`, what the page shows, and the `message` that choosing it sends.

    Articles, and photos, documents and stickers that Telegram has already; this server fetches
    nothing from addresses. Raises `ApiError`.
    """
    if len(results) > MAX_RESULTS:
        raise bad_request("RESULTS_TOO_MUCH")
    ids = [str(result.get("id") or "") for result in results]
    if any(not 1 <= len(name.encode()) <= MAX_ID_BYTES for name in ids):
        raise bad_request("RESULT_ID_INVALID")
    if len(set(ids)) < len(ids):
        raise bad_request("RESULT_ID_DUPLICATE")
    return [_offer(name, result, state) for name, result in zip(ids, results, strict=True)]


def _offer(name: str, result: Json, state: State) -> Json:
    kind = str(result.get("type"))
    content = _written(result)
    media: Json = {}
    if kind in CACHED:
        media = _sent_before(kind, str(result.get(CACHED[kind]) or ""), state)
        content = content or media | _caption(result)
    elif kind != "article":
        raise bad_request(f"can't parse inline query result: type {kind!r} is not supported")
    title = str(result.get("title") or "")
    if not content:
        raise bad_request("message text is empty")
    if kind in ("article", "document") and not 1 <= utf16_length(title) <= 256:
        raise bad_request("ARTICLE_TITLE_EMPTY" if not title else "title is too long")
    return {
        "id": name,
        "title": title,
        "description": str(result.get("description") or ""),
        **media,
        "message": content | keyboard_content(result.get("reply_markup")),
    }


def _written(result: Mapping[str, Any]) -> Json:
    """The text that is sent instead of the result."""
    text = result.get("input_message_content")
    if text is None:
        return {}
    if not isinstance(text, dict) or "message_text" not in text:
        raise bad_request("can't parse inline query result: only text is supported")
    return text_content(str(text["message_text"]), str(text.get("parse_mode") or ""), [])


def _caption(result: Mapping[str, Any]) -> Json:
    return caption_content(
        str(result.get("caption") or ""), str(result.get("parse_mode") or ""), []
    )


def _sent_before(kind: str, file_id: str, state: State) -> Json:
    file = state.files.get(file_id)
    if file is None or file.kind != kind:
        raise bad_request(f"{kind.upper()}_INVALID")
    return file.content
