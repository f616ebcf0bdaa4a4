"""Changing and deleting what was sent."""

import time
from typing import Any

from local_chat.api_error import bad_request
from local_chat.bot_api.chats import chat_of, own_message, replace_content
from local_chat.bot_api.media import Uploads, input_media
from local_chat.message_content import caption_content, text_content
from local_chat.state import Group, State

Json = dict[str, Any]

DELETABLE_S = 48 * 3600
SHOWN = ("photo", "document", "animation", "video")  # over a caption


async def edit_message_text(
    state: State,
    chat_id: str = "",
    message_id: int = 0,
    text: str = "",
    parse_mode: str = "",
    entities: list[Json] | None = None,
    link_preview_options: Json | None = None,
    reply_markup: Json | None = None,
) -> Json:
    chat, message = own_message(state, chat_id, message_id)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    content = text_content(text, parse_mode, entities or [])
    if link_preview_options:
        content["link_preview_options"] = link_preview_options
    return replace_content(state, chat, message, content, reply_markup)


async def edit_message_caption(
    state: State,
    chat_id: str = "",
    message_id: int = 0,
    caption: str = "",
    parse_mode: str = "",
    caption_entities: list[Json] | None = None,
    show_caption_above_media: bool = False,
    reply_markup: Json | None = None,
) -> Json:
    chat, message = own_message(state, chat_id, message_id)
    content = caption_content(caption, parse_mode, caption_entities or [])
    if show_caption_above_media:
        content["show_caption_above_media"] = True
    media: Json = {key: message[key] for key in SHOWN if key in message}
    if not media:
        raise bad_request("there is no caption in the message to edit")
    return replace_content(state, chat, message, {**media, **content}, reply_markup)


async def edit_message_media(
    state: State,
    uploads: Uploads,
    media: Json,
    chat_id: str = "",
    message_id: int = 0,
    reply_markup: Json | None = None,
) -> Json:
    """Also makes a photo, a clip or a document of a text; what an album holds keeps its kind."""
    chat, message = own_message(state, chat_id, message_id)
    if "media_group_id" in message and media.get("type") not in message:
        raise bad_request("the type of an album's message can't be changed")
    content = await input_media(state, media, uploads)
    # The message may have changed, or be gone, while the picture was decoded.
    chat, message = own_message(state, chat_id, message_id)
    return replace_content(state, chat, message, content, reply_markup)


async def edit_message_reply_markup(
    state: State, chat_id: str = "", message_id: int = 0, reply_markup: Json | None = None
) -> Json:
    chat, message = own_message(state, chat_id, message_id)
    return replace_content(state, chat, message, None, reply_markup)


async def delete_message(state: State, chat_id: str = "", message_id: int = 0) -> bool:
    chat = chat_of(state, chat_id)
    message = chat.messages.get(message_id)
    if message is None:
        raise bad_request("message to delete not found")
    if isinstance(chat, Group) and message["from"]["id"] != state.bot["id"]:
        raise bad_request("message can't be deleted")  # the bot is no administrator
    if time.time() - message["date"] > DELETABLE_S:
        raise bad_request("message can't be deleted for everyone")
    del chat.messages[message_id]
    state.publish("deleted", chat_id=chat.id, message_ids=[message_id])
    return True
