"""Sending messages."""

from typing import Any

from local_chat.api_error import bad_request
from local_chat.bot_api.chats import chat_of, post
from local_chat.bot_api.media import Uploads, input_media, media_content
from local_chat.message_content import (
    caption_content,
    content_of,
    keyboard_content,
    text_content,
)
from local_chat.state import State

Json = dict[str, Any]

ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
    "upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note",
}  # fmt: skip


async def send_message(
    state: State,
    chat_id: str = "",
    text: str = "",
    parse_mode: str = "",
    entities: list[Json] | None = None,
    link_preview_options: Json | None = None,
    reply_parameters: Json | None = None,
    reply_markup: Json | None = None,
) -> Json:
    chat = chat_of(state, chat_id)
    content = text_content(text, parse_mode, entities or [])
    if link_preview_options:
        content["link_preview_options"] = link_preview_options
    return post(state, chat, [content | keyboard_content(reply_markup)], reply_parameters)[0]


async def send_photo(
    state: State,
    uploads: Uploads,
    chat_id: str = "",
    photo: str = "",
    caption: str = "",
    parse_mode: str = "",
    caption_entities: list[Json] | None = None,
    show_caption_above_media: bool = False,
    has_spoiler: bool = False,
    reply_parameters: Json | None = None,
    reply_markup: Json | None = None,
) -> Json:
    chat = chat_of(state, chat_id)
    description = caption_content(caption, parse_mode, caption_entities or [])
    description |= keyboard_content(reply_markup)
    content = await media_content(state, "photo", photo, "photo", uploads)
    if show_caption_above_media:
        description["show_caption_above_media"] = True
    if has_spoiler:
        description["has_media_spoiler"] = True
    return post(state, chat, [content | description], reply_parameters)[0]


async def send_video(
    state: State,
    uploads: Uploads,
    chat_id: str = "",
    video: str = "",
    caption: str = "",
    parse_mode: str = "",
    caption_entities: list[Json] | None = None,
    reply_parameters: Json | None = None,
    reply_markup: Json | None = None,
) -> Json:
    chat = chat_of(state, chat_id)
    description = caption_content(caption, parse_mode, caption_entities or [])
    description |= keyboard_content(reply_markup)
    content = await media_content(state, "video", video, "video", uploads)
    return post(state, chat, [content | description], reply_parameters)[0]


async def send_animation(
    state: State,
    uploads: Uploads,
    chat_id: str = "",
    animation: str = "",
    caption: str = "",
    parse_mode: str = "",
    caption_entities: list[Json] | None = None,
    reply_parameters: Json | None = None,
    reply_markup: Json | None = None,
) -> Json:
    chat = chat_of(state, chat_id)
    description = caption_content(caption, parse_mode, caption_entities or [])
    description |= keyboard_content(reply_markup)
    content = await media_content(state, "animation", animation, "animation", uploads)
    return post(state, chat, [content | description], reply_parameters)[0]


async def send_document(
    state: State,
    uploads: Uploads,
    chat_id: str = "",
    document: str = "",
    caption: str = "",
    parse_mode: str = "",
    caption_entities: list[Json] | None = None,
    reply_parameters: Json | None = None,
    reply_markup: Json | None = None,
) -> Json:
    chat = chat_of(state, chat_id)
    description = caption_content(caption, parse_mode, caption_entities or [])
    description |= keyboard_content(reply_markup)
    content = await media_content(state, "document", document, "document", uploads)
    return post(state, chat, [content | description], reply_parameters)[0]


async def send_sticker(
    state: State,
    uploads: Uploads,
    chat_id: str = "",
    sticker: str = "",
    emoji: str = "",
    reply_parameters: Json | None = None,
    reply_markup: Json | None = None,
) -> Json:
    chat = chat_of(state, chat_id)
    keyboard = keyboard_content(reply_markup)
    content = await media_content(state, "sticker", sticker, "sticker", uploads)
    if emoji:
        content = {"sticker": content["sticker"] | {"emoji": emoji}}
    return post(state, chat, [content | keyboard], reply_parameters)[0]


async def send_media_group(
    state: State,
    uploads: Uploads,
    media: list[Json],
    chat_id: str = "",
    reply_parameters: Json | None = None,
) -> list[Json]:
    """All of an album, or nothing."""
    chat = chat_of(state, chat_id)
    if not 2 <= len(media) <= 10:
        raise bad_request("album must contain 2-10 items")
    if len({str(item.get("type")) for item in media}) > 1:
        raise bad_request("document can't be mixed with other media types")
    if any(item.get("type") == "animation" for item in media):
        raise bad_request("animations can't be sent in an album")
    group = {"media_group_id": state.new_group_id()}
    contents = [await input_media(state, item, uploads) | group for item in media]
    return post(state, chat, contents, reply_parameters)


async def copy_message(
    state: State,
    chat_id: str = "",
    from_chat_id: str = "",
    message_id: int = 0,
    caption: str | None = None,
    parse_mode: str = "",
    caption_entities: list[Json] | None = None,
    show_caption_above_media: bool = False,
    reply_parameters: Json | None = None,
    reply_markup: Json | None = None,
) -> Json:
    chat = chat_of(state, chat_id)
    original = chat_of(state, from_chat_id).messages.get(message_id)
    if original is None:
        raise bad_request("message to copy not found")
    content = content_of(original)
    if "new_chat_members" in content:
        raise bad_request("message can't be copied")
    if caption is not None and "text" not in content:
        for field in ("caption", "caption_entities", "show_caption_above_media"):
            content.pop(field, None)
        content |= caption_content(caption, parse_mode, caption_entities or [])
        if show_caption_above_media:
            content["show_caption_above_media"] = True
    content |= keyboard_content(reply_markup)
    return {"message_id": post(state, chat, [content], reply_parameters)[0]["message_id"]}


async def send_chat_action(state: State, chat_id: str = "", action: str = "") -> bool:
    chat = chat_of(state, chat_id)
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    state.publish("action", chat_id=chat.id, action=action)
    return True
