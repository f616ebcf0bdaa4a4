"""The parts of a message that text, captions, replies and keyboards make, checked as Telegram does.

Each function returns the fields that the part adds to a message, and raises `ApiError`.
"""

from typing import Any
from urllib.parse import urlsplit

from local_chat.api_error import bad_request
from local_chat.formatting import formatted, utf16_length
from local_chat.state import Chat

Json = dict[str, Any]

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_CALLBACK_DATA_BYTES = 64
MAX_BUTTONS = 100
# What is the message's own and does not go along when it is copied or forwarded.
ENVELOPE = {
    "chat", "date", "edit_date", "forward_origin", "from", "media_group_id", "message_id",
    "reply_markup", "reply_to_message", "via_bot",
}  # fmt: skip
OTHER_ACTIONS = {
    "callback_game", "copy_text", "login_url", "pay", "switch_inline_query",
    "switch_inline_query_chosen_chat", "switch_inline_query_current_chat", "web_app",
}  # fmt: skip


def content_of(message: Json) -> Json:
    """What a copy of the message shows."""
    return {key: value for key, value in message.items() if key not in ENVELOPE}


def text_content(text: str, parse_mode: str, entities: list[Json]) -> Json:
    shown, found = formatted(text, parse_mode, entities)
    if not shown:
        raise bad_request("message text is empty")
    if utf16_length(shown) > MAX_TEXT:
        raise bad_request("message is too long")
    return {"text": shown, "entities": found} if found else {"text": shown}


def caption_content(caption: str, parse_mode: str, entities: list[Json]) -> Json:
    shown, found = formatted(caption, parse_mode, entities)
    if utf16_length(shown) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    if not shown:
        return {}
    return {"caption": shown, "caption_entities": found} if found else {"caption": shown}


def reply_content(chat: Chat, parameters: Json) -> Json:
    """The message that `reply_parameters` name, quoted."""
    message_id = parameters.get("message_id") or 0
    if not isinstance(message_id, int):
        raise bad_request("can't parse reply_parameters: message_id must be a number")
    may_be_missing = parameters.get("allow_sending_without_reply") is True
    if not message_id or (message_id not in chat.messages and may_be_missing):
        return {}
    return quoted(chat, message_id)


def quoted(chat: Chat, message_id: int) -> Json:
    original = chat.messages.get(message_id)
    if original is None:
        raise bad_request("message to be replied not found")
    shown = {key: value for key, value in original.items() if key != "reply_to_message"}
    return {"reply_to_message": shown}


def keyboard_content(markup: Json | None) -> Json:
    """An inline keyboard, checked; other keyboards are taken and not shown in a message."""
    if not markup:
        return {}
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if any(key in markup for key in ("keyboard", "remove_keyboard", "force_reply")):
        return {}
    rows = markup.get("inline_keyboard")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("object expected as reply markup")
    buttons = [button for row in rows for button in row]
    if len(buttons) > MAX_BUTTONS:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    for button in buttons:
        _check_button(button)
    filled = [row for row in rows if row]
    return {"reply_markup": {"inline_keyboard": filled}} if filled else {}


def _check_button(button: Any) -> None:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: expected an Object")
    if not str(button.get("text") or "").strip():
        raise bad_request("can't parse inline keyboard button: Can't find field \"text\"")
    if "callback_data" in button:
        if not 1 <= len(str(button["callback_data"]).encode()) <= MAX_CALLBACK_DATA_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
    elif "url" in button:
        url = urlsplit(str(button["url"]))
        web = url.scheme in ("http", "https") and "." in (url.hostname or "")
        if not web and url.scheme not in ("tg", "ton"):
            raise bad_request(
                f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL"
            )
    elif not OTHER_ACTIONS & set(button):
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
