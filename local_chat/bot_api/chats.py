"""The chat or the message that a method is about, and what it puts there."""

import re
import time
from typing import Any

from local_chat.api_error import ApiError, bad_request
from local_chat.message_content import keyboard_content, reply_content
from local_chat.state import Chat, Person, State

Json = dict[str, Any]

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


def chat_of(state: State, chat_id: str) -> Chat:
    if not chat_id:
        raise bad_request("chat_id is empty")
    is_number = re.fullmatch(r"-?\d{1,19}", chat_id)
    chat = state.chat(int(chat_id)) if is_number else None
    if chat is None or (isinstance(chat, Person) and not chat.started):
        raise bad_request("chat not found")
    if chat.blocked:
        happened = (
            "blocked by the user" if isinstance(chat, Person) else "kicked from the group chat"
        )
        raise ApiError(403, f"Forbidden: bot was {happened}")
    return chat


def own_message(state: State, chat_id: str, message_id: int) -> tuple[Chat, Json]:
    chat = chat_of(state, chat_id)
    message = chat.messages.get(message_id)
    if message is None:
        raise bad_request("message to edit not found")
    if message["from"]["id"] != state.bot["id"]:
        raise bad_request("message can't be edited")
    return chat, message


def post(
    state: State, chat: Chat, contents: list[Json], reply_parameters: Json | None
) -> list[Json]:
    chat_of(state, str(chat.id))  # who may have blocked the bot while a picture was decoded
    reply = reply_content(chat, reply_parameters or {})
    return state.post(chat, state.bot, [c | reply for c in contents])


def replace_content(
    state: State, chat: Chat, message: Json, content: Json | None, reply_markup: Json | None
) -> Json:
    """Replaces the content, unless None, and the keyboard: without one, it goes away."""
    lasting = {"message_id", "from", "chat", "date", "reply_to_message", "media_group_id"}
    edited = {key: message[key] for key in message if content is None or key in lasting}
    edited.pop("reply_markup", None)
    edited |= (content or {}) | keyboard_content(reply_markup)
    before = {key: value for key, value in message.items() if key != "edit_date"}
    if edited.get("edit_date") or content is not None:
        edited["edit_date"] = int(time.time())
    if before == {key: value for key, value in edited.items() if key != "edit_date"}:
        raise bad_request(NOT_MODIFIED)
    state.replace(chat, edited)
    return edited
