"""The methods that a bot calls.

A method is a coroutine whose name is the Bot API's in snake case and whose signature is its schema:
`execute` converts parameters (strings when they come as a form) to the annotated types. What a
method returns is the `result` of the answer; a refusal is an `ApiError`.
"""

import asyncio
import inspect
import json
import re
import time
from collections.abc import Mapping
from types import UnionType
from typing import Any, get_origin
from urllib.parse import urlsplit

from local_chat.api_error import ApiError, bad_request
from local_chat.formatting import utf16_length
from local_chat.inline_mode import offered
from local_chat.message_content import (
    caption_content,
    content_of,
    keyboard_content,
    reply_content,
    text_content,
)
from local_chat.photo_sizes import photo_sizes, sticker, thumbnail
from local_chat.requests import Upload
from local_chat.state import Chat, Group, InlineAnswer, Person, State
from local_chat.updates import Webhook

Json = dict[str, Any]

MAX_CALLBACK_ANSWER = 200
MAX_UPLOAD_BYTES = 50 * 2**20
MAX_DOWNLOAD_BYTES = 20 * 2**20
QUERY_LIFETIME_S = 60.0
DELETABLE_S = 48 * 3600
WEBHOOK_PORTS = {None, 80, 88, 443, 8443}
ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
    "upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note",
}  # fmt: skip
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


class Uploads(dict[str, Upload]):
    """A request's files by the name of their form field."""


class BotApi:
    """The methods that a bot calls, as Telegram's server answers them."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.methods = {
            name.replace("_", ""): method
            for name, method in inspect.getmembers(self, inspect.iscoroutinefunction)
            if not name.startswith("_") and name != "execute"
        }

    async def execute(self, method: str, params: Mapping[str, Any], uploads: Uploads) -> Any:
        """Calls a method by its name in any case; raises `ApiError`, 404 for an unknown one."""
        function = self.methods.get(method.lower())
        if function is None:
            raise ApiError(404, "Not Found: method not found")
        arguments: Json = {}
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.annotation is Uploads:
                arguments[name] = uploads
            elif params.get(name) is not None:
                arguments[name] = converted(name, params[name], parameter.annotation)
            elif parameter.default is parameter.empty:
                raise bad_request(f'parameter "{name}" is required')
        return await function(**arguments)

    # Updates.

    async def get_me(self) -> Json:
        return {
            **self.state.bot,
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": True,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    async def get_updates(
        self,
        offset: int = 0,
        limit: int = 100,
        timeout: int = 0,  # noqa: ASYNC109 the Bot API's name
        allowed_updates: list[str] | None = None,
    ) -> list[Json]:
        if allowed_updates is not None:
            self.state.updates.allowed = allowed_updates
        return await self.state.updates.get(offset, min(max(limit, 1), 100), min(timeout, 50))

    async def set_webhook(
        self,
        url: str = "",
        secret_token: str = "",
        max_connections: int = 40,
        allowed_updates: list[str] | None = None,
        drop_pending_updates: bool = False,
    ) -> bool:
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret_token):
            raise bad_request("secret token contains unallowed characters")
        if url and not (urlsplit(url).scheme == "https" or _is_loopback(url)):
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        if url and not _is_loopback(url) and urlsplit(url).port not in WEBHOOK_PORTS:
            raise bad_request(
                "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"
            )
        if not 1 <= max_connections <= 100:
            raise bad_request("max_connections must be between 1 and 100")
        if drop_pending_updates:
            self.state.updates.clear()
        if allowed_updates is not None:
            self.state.updates.allowed = allowed_updates
        webhook = Webhook(url, secret_token, max_connections) if url else None
        await self.state.updates.set_webhook(webhook)
        return True

    async def delete_webhook(self, drop_pending_updates: bool = False) -> bool:
        return await self.set_webhook(drop_pending_updates=drop_pending_updates)

    async def get_webhook_info(self) -> Json:
        updates = self.state.updates
        webhook = updates.webhook
        info: Json = {
            "url": webhook.url if webhook else "",
            "has_custom_certificate": False,
            "pending_update_count": len(updates.pending),
        }
        if webhook is not None:
            info["max_connections"] = webhook.max_connections
            if webhook.last_error_date is not None:
                info["last_error_date"] = webhook.last_error_date
                info["last_error_message"] = webhook.last_error_message
        if updates.allowed:
            info["allowed_updates"] = updates.allowed
        return info

    # Sending.

    async def send_message(
        self,
        chat_id: str = "",
        text: str = "",
        parse_mode: str = "",
        entities: list[Json] | None = None,
        link_preview_options: Json | None = None,
        reply_parameters: Json | None = None,
        reply_markup: Json | None = None,
    ) -> Json:
        chat = self._chat(chat_id)
        content = text_content(text, parse_mode, entities or [])
        if link_preview_options:
            content["link_preview_options"] = link_preview_options
        return self._post(chat, [content | keyboard_content(reply_markup)], reply_parameters)[0]

    async def send_photo(
        self,
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
        chat = self._chat(chat_id)
        description = caption_content(caption, parse_mode, caption_entities or [])
        description |= keyboard_content(reply_markup)
        content = await self._media("photo", photo, "photo", uploads)
        if show_caption_above_media:
            description["show_caption_above_media"] = True
        if has_spoiler:
            description["has_media_spoiler"] = True
        return self._post(chat, [content | description], reply_parameters)[0]

    async def send_document(
        self,
        uploads: Uploads,
        chat_id: str = "",
        document: str = "",
        caption: str = "",
        parse_mode: str = "",
        caption_entities: list[Json] | None = None,
        reply_parameters: Json | None = None,
        reply_markup: Json | None = None,
    ) -> Json:
        chat = self._chat(chat_id)
        description = caption_content(caption, parse_mode, caption_entities or [])
        description |= keyboard_content(reply_markup)
        content = await self._media("document", document, "document", uploads)
        return self._post(chat, [content | description], reply_parameters)[0]

    async def send_sticker(
        self,
        uploads: Uploads,
        chat_id: str = "",
        sticker: str = "",
        emoji: str = "",
        reply_parameters: Json | None = None,
        reply_markup: Json | None = None,
    ) -> Json:
        chat = self._chat(chat_id)
        keyboard = keyboard_content(reply_markup)
        content = await self._media("sticker", sticker, "sticker", uploads)
        if emoji:
            content = {"sticker": content["sticker"] | {"emoji": emoji}}
        return self._post(chat, [content | keyboard], reply_parameters)[0]

    async def send_media_group(
        self,
        uploads: Uploads,
        media: list[Json],
        chat_id: str = "",
        reply_parameters: Json | None = None,
    ) -> list[Json]:
        """All of an album, or nothing."""
        chat = self._chat(chat_id)
        if not 2 <= len(media) <= 10:
            raise bad_request("album must contain 2-10 items")
        if len({str(item.get("type")) for item in media}) > 1:
            raise bad_request("document can't be mixed with other media types")
        group = {"media_group_id": self.state.new_group_id()}
        contents = [await self._input_media(item, uploads) | group for item in media]
        return self._post(chat, contents, reply_parameters)

    async def copy_message(
        self,
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
        chat = self._chat(chat_id)
        original = self._chat(from_chat_id).messages.get(message_id)
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
        return {"message_id": self._post(chat, [content], reply_parameters)[0]["message_id"]}

    async def send_chat_action(self, chat_id: str = "", action: str = "") -> bool:
        chat = self._chat(chat_id)
        if action not in ACTIONS:
            raise bad_request("wrong parameter action in request")
        self.state.publish("action", chat_id=chat.id, action=action)
        return True

    # Changing what was sent.

    async def edit_message_text(
        self,
        chat_id: str = "",
        message_id: int = 0,
        text: str = "",
        parse_mode: str = "",
        entities: list[Json] | None = None,
        link_preview_options: Json | None = None,
        reply_markup: Json | None = None,
    ) -> Json:
        chat, message = self._own_message(chat_id, message_id)
        if "text" not in message:
            raise bad_request("there is no text in the message to edit")
        content = text_content(text, parse_mode, entities or [])
        if link_preview_options:
            content["link_preview_options"] = link_preview_options
        return self._edit(chat, message, content, reply_markup)

    async def edit_message_caption(
        self,
        chat_id: str = "",
        message_id: int = 0,
        caption: str = "",
        parse_mode: str = "",
        caption_entities: list[Json] | None = None,
        show_caption_above_media: bool = False,
        reply_markup: Json | None = None,
    ) -> Json:
        chat, message = self._own_message(chat_id, message_id)
        content = caption_content(caption, parse_mode, caption_entities or [])
        if show_caption_above_media:
            content["show_caption_above_media"] = True
        media: Json = {key: message[key] for key in ("photo", "document") if key in message}
        if not media:
            raise bad_request("there is no caption in the message to edit")
        return self._edit(chat, message, {**media, **content}, reply_markup)

    async def edit_message_media(
        self,
        uploads: Uploads,
        media: Json,
        chat_id: str = "",
        message_id: int = 0,
        reply_markup: Json | None = None,
    ) -> Json:
        """Also makes a photo or a document of a text; what an album holds keeps its kind."""
        chat, message = self._own_message(chat_id, message_id)
        if "media_group_id" in message and media.get("type") not in message:
            raise bad_request("the type of an album's message can't be changed")
        content = await self._input_media(media, uploads)
        # The message may have changed, or be gone, while the picture was decoded.
        chat, message = self._own_message(chat_id, message_id)
        return self._edit(chat, message, content, reply_markup)

    async def edit_message_reply_markup(
        self, chat_id: str = "", message_id: int = 0, reply_markup: Json | None = None
    ) -> Json:
        chat, message = self._own_message(chat_id, message_id)
        return self._edit(chat, message, None, reply_markup)

    async def delete_message(self, chat_id: str = "", message_id: int = 0) -> bool:
        chat = self._chat(chat_id)
        message = chat.messages.get(message_id)
        if message is None:
            raise bad_request("message to delete not found")
        if isinstance(chat, Group) and message["from"]["id"] != self.state.bot["id"]:
            raise bad_request("message can't be deleted")  # the bot is no administrator
        if time.time() - message["date"] > DELETABLE_S:
            raise bad_request("message can't be deleted for everyone")
        del chat.messages[message_id]
        self.state.publish("deleted", chat_id=chat.id, message_ids=[message_id])
        return True

    # Answering.

    async def answer_callback_query(
        self,
        callback_query_id: str = "",
        text: str = "",
        show_alert: bool = False,
        url: str = "",
        cache_time: int = 0,
    ) -> bool:
        query = self.state.queries.get(callback_query_id)
        if query is None or time.monotonic() - query.asked_at > QUERY_LIFETIME_S:
            raise bad_request(
                "query is too old and response timeout expired or query ID is invalid"
            )
        if utf16_length(text) > MAX_CALLBACK_ANSWER:
            raise bad_request("MESSAGE_TOO_LONG")
        if url:
            raise bad_request("URL_INVALID")  # only games and t.me links of the bot may open one
        del self.state.queries[callback_query_id]
        self.state.publish(
            "callback_answer",
            chat_id=query.chat_id,
            person_id=query.person_id,
            query_id=callback_query_id,
            text=text,
            show_alert=show_alert,
        )
        return True

    async def answer_inline_query(
        self,
        results: list[Json],
        inline_query_id: str = "",
        cache_time: int = 300,
        is_personal: bool = False,
        next_offset: str = "",
        button: Json | None = None,
    ) -> bool:
        query = self.state.inline_queries.get(inline_query_id)
        if query is None or time.monotonic() - query.asked_at > QUERY_LIFETIME_S:
            raise bad_request(
                "query is too old and response timeout expired or query ID is invalid"
            )
        start = str((button or {}).get("start_parameter", "x"))
        if button is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", start):
            raise bad_request("START_PARAM_INVALID")
        if next_offset:
            raise bad_request("this server shows one page of results")
        answer = InlineAnswer(
            offered(results, self.state), button, time.monotonic() + max(cache_time, 0)
        )
        # For all who ask the same, unless the answer is personal.
        self.state.inline_answers[query.text, query.person_id if is_personal else 0] = answer
        self.state.show_inline_answer(inline_query_id, answer)
        return True

    # Files.

    async def get_user_profile_photos(
        self, user_id: int, offset: int = 0, limit: int = 100
    ) -> Json:
        person = self.state.people.get(user_id)
        if person is None:
            raise bad_request("user not found")
        if offset < 0 or not 1 <= limit <= 100:
            raise bad_request("wrong offset or limit")
        shown = [photo["photo"] for photo in person.photos[offset : offset + limit]]
        return {"total_count": len(person.photos), "photos": shown}

    async def get_file(self, file_id: str = "") -> Json:
        file = self.state.files.get(file_id)
        if file is None:
            raise bad_request("invalid file_id")
        if len(file.data) > MAX_DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        return {
            "file_id": file.id,
            "file_unique_id": file.unique_id,
            "file_size": len(file.data),
            "file_path": file.path,
        }

    # What a bot says of itself.

    async def get_chat(self, chat_id: str = "") -> Json:
        return {
            **self._chat(chat_id).chat(),
            "accent_color_id": 0,
            "max_reaction_count": 11,
            "accepted_gift_types": dict.fromkeys(
                (
                    "unlimited_gifts",
                    "limited_gifts",
                    "unique_gifts",
                    "premium_subscription",
                    "gifts_from_channels",
                ),
                False,
            ),
        }

    async def set_my_commands(
        self, commands: list[Json], scope: Json | None = None, language_code: str = ""
    ) -> bool:
        if len(commands) > 100:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command", "")).lstrip("/")):
                raise bad_request("BOT_COMMAND_INVALID")
            if not 1 <= len(str(command.get("description", "")).strip()) <= 256:
                raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        kept = [
            {"command": str(c["command"]).lstrip("/"), "description": str(c["description"]).strip()}
            for c in commands
        ]
        self.state.commands[_scope(scope), _language(language_code)] = kept
        self.state.publish("profile")
        return True

    async def get_my_commands(
        self, scope: Json | None = None, language_code: str = ""
    ) -> list[Json]:
        return self.state.commands.get((_scope(scope), _language(language_code)), [])

    async def delete_my_commands(self, scope: Json | None = None, language_code: str = "") -> bool:
        self.state.commands.pop((_scope(scope), _language(language_code)), None)
        self.state.publish("profile")
        return True

    async def set_my_name(self, name: str = "", language_code: str = "") -> bool:
        return self._set_text("name", name, 64, language_code)

    async def get_my_name(self, language_code: str = "") -> Json:
        name = self.state.text("name", language_code)
        return {"name": name or self.state.bot["first_name"]}

    async def set_my_description(self, description: str = "", language_code: str = "") -> bool:
        return self._set_text("description", description, 512, language_code)

    async def get_my_description(self, language_code: str = "") -> Json:
        return {"description": self.state.text("description", language_code)}

    async def set_my_short_description(
        self, short_description: str = "", language_code: str = ""
    ) -> bool:
        return self._set_text("short_description", short_description, 120, language_code)

    async def get_my_short_description(self, language_code: str = "") -> Json:
        return {"short_description": self.state.text("short_description", language_code)}

    async def set_chat_menu_button(self, chat_id: int = 0, menu_button: Json | None = None) -> bool:
        button = menu_button or {"type": "default"}
        if button.get("type") not in ("default", "commands", "web_app"):
            raise bad_request("MenuButton has unsupported type")
        self.state.menu_buttons[chat_id] = button
        return True

    async def get_chat_menu_button(self, chat_id: int = 0) -> Json:
        everyone = self.state.menu_buttons.get(0, {"type": "default"})
        return self.state.menu_buttons.get(chat_id, everyone)

    # Steps that several methods take.

    def _set_text(self, kind: str, text: str, longest: int, language_code: str) -> bool:
        if utf16_length(text) > longest:
            raise bad_request(f"{kind.replace('_', ' ')} is too long")
        self.state.texts[kind, _language(language_code)] = text
        self.state.publish("profile")
        return True

    def _chat(self, chat_id: str) -> Chat:
        if not chat_id:
            raise bad_request("chat_id is empty")
        is_number = re.fullmatch(r"-?\d{1,19}", chat_id)
        chat = self.state.chat(int(chat_id)) if is_number else None
        if chat is None or (isinstance(chat, Person) and not chat.started):
            raise bad_request("chat not found")
        if chat.blocked:
            happened = (
                "blocked by the user" if isinstance(chat, Person) else "kicked from the group chat"
            )
            raise ApiError(403, f"Forbidden: bot was {happened}")
        return chat

    def _own_message(self, chat_id: str, message_id: int) -> tuple[Chat, Json]:
        chat = self._chat(chat_id)
        message = chat.messages.get(message_id)
        if message is None:
            raise bad_request("message to edit not found")
        if message["from"]["id"] != self.state.bot["id"]:
            raise bad_request("message can't be edited")
        return chat, message

    def _post(self, chat: Chat, contents: list[Json], reply_parameters: Json | None) -> list[Json]:
        self._chat(str(chat.id))  # who may have blocked the bot while a picture was decoded
        reply = reply_content(chat, reply_parameters or {})
        return self.state.post(chat, self.state.bot, [c | reply for c in contents])

    def _edit(
        self, chat: Chat, message: Json, content: Json | None, reply_markup: Json | None
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
        self.state.replace(chat, edited)
        return edited

    async def _input_media(self, item: Json, uploads: Uploads) -> Json:
        kind = item.get("type")
        if kind not in ("photo", "document"):
            raise bad_request(f"can't parse InputMedia: media type {kind!r} is not supported")
        description = caption_content(
            str(item.get("caption") or ""),
            str(item.get("parse_mode") or ""),
            converted("caption_entities", item.get("caption_entities") or [], list[Json]),
        )
        content = await self._media(kind, str(item.get("media") or ""), "", uploads)
        if item.get("show_caption_above_media"):
            description["show_caption_above_media"] = True
        if kind == "photo" and item.get("has_spoiler"):
            description["has_media_spoiler"] = True
        return {**content, **description}

    async def _media(self, kind: str, value: str, form_field: str, uploads: Uploads) -> Json:
        """A picture or file by upload (`attach://name` or its own form field) or by `file_id`."""
        name = value.removeprefix("attach://") if value.startswith("attach://") else form_field
        upload = uploads.get(name)
        if upload is None:
            return self._sent_before(kind, value)
        if not upload.data:
            raise bad_request("file must be non-empty")
        if len(upload.data) > MAX_UPLOAD_BYTES:
            raise ApiError(413, "Request Entity Too Large")
        if kind == "photo":
            sizes = await asyncio.to_thread(photo_sizes, upload.data, sent_by_bot=True)
            return self.state.keep_photo(sizes)
        if kind == "sticker":
            return self.state.keep_sticker(await asyncio.to_thread(sticker, upload.data), "")
        small = await asyncio.to_thread(thumbnail, upload.data)
        return self.state.keep_document(upload.name, upload.mime_type, upload.data, small)

    def _sent_before(self, kind: str, file_id: str) -> Json:
        if not file_id:
            raise bad_request(f"there is no {kind} in the request")
        if urlsplit(file_id).scheme in ("http", "https"):
            raise bad_request("failed to get HTTP URL content")  # this server fetches nothing
        file = self.state.files.get(file_id)
        if file is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        if file.kind != kind:
            raise bad_request(f"can't use file of type {file.kind.title()} as {kind.title()}")
        return file.content


def converted(name: str, value: Any, annotation: Any) -> Any:
    """A parameter as the annotated type; forms carry everything but text as JSON."""
    if isinstance(annotation, UnionType):
        annotation = annotation.__args__[0]  # of `X | None`
    kind = get_origin(annotation) or annotation
    if kind is bool:
        return value is True or str(value).lower() in ("true", "1", "yes", "y", "t")
    try:
        if kind is int:
            return int(value)
        if kind is str and not isinstance(value, str):
            value = json.dumps(value)
        elif kind is not str and isinstance(value, str):
            value = json.loads(value) if value else kind()
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates are no UTF-8
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise bad_request(f"can't parse {name}: {str(value)[:50]!r}") from None
    of_objects = annotation == list[Json]
    if not isinstance(value, kind) or (of_objects and not all(isinstance(v, dict) for v in value)):
        raise bad_request(f"can't parse {name}: expected {kind.__name__}")
    return value


def _scope(scope: Json | None) -> str:
    """A name for the scope: its type, and whom it is for."""
    scope = scope or {}
    return (
        " ".join(str(scope[key]) for key in ("type", "chat_id", "user_id") if key in scope)
        or "default"
    )


def _language(code: str) -> str:
    if not re.fullmatch(r"([a-z]{2})?", code):
        raise bad_request("invalid language code specified")
    return code


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
