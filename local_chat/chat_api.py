"""What the chat page and the tests' client call: people, messages, buttons, events.

JSON over HTTP under `/chat/`; a refusal is `{"error": "..."}` with a status of 400 or more. What a
person does happens in their private chat with the bot, or in the group that `?chat=` names. Events
come from `/chat/events` as server-sent events, those of all chats together; the bot's requests and
the answers to them come from `/chat/calls`.
"""

import asyncio
import re

from aiohttp import web

from local_chat.api_error import ApiError, bad_request
from local_chat.clips import KINDS as CLIPS
from local_chat.clips import clip_of
from local_chat.event_stream import event_stream
from local_chat.message_content import caption_content, content_of, quoted, text_content
from local_chat.other_kinds import other_content
from local_chat.photo_sizes import photo_sizes, sticker, thumbnail
from local_chat.requests import (
    Upload,
    integer,
    language_in,
    name_in,
    read_form,
    read_json,
    string,
)
from local_chat.state import Chat, Failure, InlineQuery, Json, Person, State

LARGEST_ALBUM = 10
EDITABLE = ("photo", "animation", "video", "document")  # an animation is both
ALONE = ("sticker", "animation", "video_note", "voice")  # not in albums
SHOWN = {
    "image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4", "video/webm", "audio/mp4",
    "audio/ogg", "audio/webm",
}  # fmt: skip


class ChatApi:
    """What the chat page and `local_chat/client.py` call: what a person sees and does."""

    def __init__(self, state: State) -> None:
        self.state = state

    def routes(self) -> list[web.RouteDef]:
        person = r"/chat/people/{person:\d+}"
        return [
            web.get("/chat/state", self.show_state),
            web.get("/chat/events", self.events),
            web.get("/chat/calls", self.calls),
            web.get("/chat/files/{file_id}", self.file),
            web.post("/chat/people", self.add_person),
            web.post("/chat/groups", self.add_group),
            web.post(person, self.change_person),
            web.get(f"{person}/messages", self.history),
            web.post(f"{person}/messages", self.send),
            web.post(f"{person}/media", self.send_media),
            web.post(f"{person}/edit", self.edit),
            web.post(f"{person}/forward", self.forward),
            web.post(f"{person}/press", self.press),
            web.post(f"{person}/inline", self.ask_inline),
            web.post(f"{person}/inline/choose", self.choose_inline),
            web.post(f"{person}/block", self.block),
            web.post("/chat/fail", self.fail),
            web.post("/chat/repeat", self.repeat),
        ]

    # Reading.

    async def show_state(self, request: web.Request) -> web.Response:
        state = self.state
        people = [
            {
                **person.user(),
                "blocked": person.blocked,
                "photo": person.photos[0]["photo"][0]["file_id"] if person.photos else None,
                "commands": state.commands_for(person),
                "bot_name": state.text("name", person.language_code[:2]),
                "description": state.text("description", person.language_code[:2]),
                "last_message": _last(person),
            }
            for person in state.people.values()
        ]
        groups = [
            {
                "id": group.id,
                "title": group.title,
                "members": [member.id for member in group.members],
                "blocked": group.blocked,
                "commands": state.commands_for(group.members[0], group),
                "last_message": _last(group),
            }
            for group in state.groups.values()
        ]
        return web.json_response(
            {"bot": state.bot, "people": people, "groups": groups, "started_as": state.started_as}
        )

    async def history(self, request: web.Request) -> web.Response:
        _, chat = self._place(request)
        return web.json_response({"messages": list(chat.messages.values())})

    async def file(self, request: web.Request) -> web.Response:
        """A file's bytes: pictures to be shown, all else, and `?download=NAME`, to be saved."""
        file = self.state.files.get(request.match_info["file_id"])
        if file is None:
            raise ApiError(404, "no such file, or no longer")
        headers = {"Cache-Control": "private, max-age=86400, immutable"}
        shown = file.mime_type in SHOWN
        if not shown or "download" in request.query:
            headers["Content-Disposition"] = "attachment"
        kind = file.mime_type if shown else "application/octet-stream"
        return _part_of(file.data, request, kind, headers)

    async def events(self, request: web.Request) -> web.StreamResponse:
        hello = {"type": "hello", "started_as": self.state.started_as}
        return await event_stream(request, self.state.listeners, [hello])

    async def calls(self, request: web.Request) -> web.StreamResponse:
        return await event_stream(request, self.state.call_listeners, list(self.state.calls))

    # What a person does.

    async def add_person(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        username = string(body, "username")
        if not re.fullmatch(r"([A-Za-z]\w{3,31})?", username, re.ASCII):
            raise bad_request("a username has 4 to 32 letters, digits or underscores")
        name, language = name_in(body), language_in(body)
        person = self.state.add_person(name, language, string(body, "last_name")[:64], username)
        self.state.publish("people")
        return web.json_response(person.user())

    async def change_person(self, request: web.Request) -> web.Response:
        """Another `first_name`, another `language_code`, and a file as the new profile photo."""
        person, _ = self._place(request)
        fields, uploads = await read_form(request)
        if "first_name" in fields:
            person.first_name = name_in(fields)
        if "language_code" in fields:
            person.language_code = language_in(fields)
        for upload in uploads:
            sizes = await asyncio.to_thread(photo_sizes, upload.data, sent_by_bot=False)
            person.photos.insert(0, self.state.files.keep_photo(sizes))
        self.state.publish("people")
        return web.json_response(person.user())

    async def add_group(self, request: web.Request) -> web.Response:
        """A group of `members`, by their ids, and the bot; the one who came first makes it."""
        body = await read_json(request)
        title = string(body, "title").strip()
        if not 1 <= len(title) <= 128:
            raise bad_request("a title has 1 to 128 characters")
        ids = body.get("members")
        ids = ids if isinstance(ids, list) else []
        members = [person for person in self.state.people.values() if person.id in ids]
        if not members or len(members) < len(ids):
            raise bad_request("members are the ids of people")
        return web.json_response({"id": self.state.add_group(title, members).id})

    async def send(self, request: web.Request) -> web.Response:
        """Sends `text`, or `other`: one of `other_kinds` with fields that differ from the usual."""
        person, chat = self._place(request)
        body = await read_json(request)
        content = _reply(chat, body) | _forwarded(body)
        if "other" in body:
            content |= other_content(body["other"], self.state.files)
        else:
            content |= text_content(string(body, "text"), "", [])
        return _sent(self.state.receive(person, [content], chat))

    async def send_media(self, request: web.Request) -> web.Response:
        """Sends the files of a form, `as` photo, document, sticker, voice with its `duration`, or a
        kind of clip; several make albums.
        """
        person, chat = self._place(request)
        fields, uploads = await read_form(request)
        kind = str(fields.get("as", "document"))
        first = _reply(chat, fields) | _forwarded(fields)
        if kind not in ("sticker", "video_note"):
            first |= caption_content(str(fields.get("caption", "")), "", [])
        if kind == "voice":
            seconds = integer(fields, "duration")
            contents = [self._keep_voice(upload, seconds) for upload in uploads]
        else:
            contents = [await self._keep(kind, upload) for upload in uploads]
        if not contents:
            raise bad_request("there is no file in the request")
        largest = 1 if kind in ALONE else LARGEST_ALBUM
        messages = []
        for start in range(0, len(contents), largest):
            album = contents[start : start + largest]
            group = {"media_group_id": self.state.new_group_id()} if len(album) > 1 else {}
            described = [{**content, **group} for content in album]
            described[0] |= first
            first = {}
            messages += self.state.receive(person, described, chat)
        return _sent(messages)

    async def edit(self, request: web.Request) -> web.Response:
        """Changes the `text`, or the caption, and, with a file, what is over it."""
        person, chat = self._place(request)
        fields, uploads = await read_form(request)
        message = chat.messages.get(integer(fields, "message_id"))
        if message is None or message["from"]["id"] != person.id or "forward_origin" in message:
            raise bad_request("message can't be edited")
        text = string(fields, "text")
        if "text" in message:
            content = text_content(text, "", [])
        else:
            content = {kind: message[kind] for kind in EDITABLE if kind in message}
            if not content:
                raise bad_request("message can't be edited")
            if uploads:
                content = dict(await self._keep(next(iter(content)), uploads[0]))
            content |= caption_content(text, "", [])
        shown = content_of(message)
        if shown == content:
            raise bad_request("message is not modified")
        kept = {key: value for key, value in message.items() if key not in shown}
        edited = {**kept, **content, "edit_date": message["date"]}
        self.state.replace(chat, edited)
        if self.state.bot_sees(chat, edited):
            self.state.updates.add("edited_message", edited, chat.id)
        return _sent([edited])

    async def forward(self, request: web.Request) -> web.Response:
        """Forwards a message, `message_id` of the chat `from`, to this chat."""
        person, chat = self._place(request)
        body = await read_json(request)
        source = self._chat_of(person, integer(body, "from"))
        message = source.messages.get(integer(body, "message_id"))
        if message is None or "new_chat_members" in message:
            raise bad_request("message to forward not found")
        origin = message.get("forward_origin") or {
            "type": "user",
            "sender_user": message["from"],
            "date": message["date"],
        }
        content = {**content_of(message), "forward_origin": origin}
        return _sent(self.state.receive(person, [content], chat))

    async def press(self, request: web.Request) -> web.Response:
        person, chat = self._place(request)
        body = await read_json(request)
        message = chat.messages.get(integer(body, "message_id"))
        if message is None:
            raise bad_request("message not found")
        data = string(body, "data")
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        if data not in [button.get("callback_data") for row in rows for button in row]:
            raise bad_request("DATA_INVALID")
        query_id = self.state.add_query(chat, person)
        # The bot does not see messages that people sent through it.
        where: Json = {"message": message}
        if "via_bot" in message:
            where = {"inline_message_id": f"{chat.id}_{message['message_id']}"}
        query = {
            "id": query_id,
            "from": person.user(),
            **where,
            "chat_instance": str(chat.id),
            "data": data,
        }
        self.state.updates.add("callback_query", query, chat.id)
        return web.json_response({"query_id": query_id})

    async def ask_inline(self, request: web.Request) -> web.Response:
        """Types the bot's name and a `query`; what it offers comes as an `inline_answer` event."""
        person, chat = self._place(request)
        query = string(await read_json(request), "query")[:256]
        return web.json_response({"query_id": self.state.add_inline_query(person, chat, query)})

    async def choose_inline(self, request: web.Request) -> web.Response:
        """Sends one of the offered results, by `query_id` and `result_id`."""
        person, chat = self._place(request)
        body = await read_json(request)
        query = self.state.inline_queries.get(string(body, "query_id"))
        if query is None or query.person_id != person.id:
            raise bad_request("QUERY_ID_INVALID")
        message = _chosen(query, string(body, "result_id"))
        content = {**message, "via_bot": self.state.bot}
        return _sent(self.state.receive(person, [content], chat))

    async def block(self, request: web.Request) -> web.Response:
        """Blocks the bot, or puts it out of the group; `blocked: false` takes it back."""
        person, chat = self._place(request)
        blocked = (await read_json(request)).get("blocked") is True
        if blocked != chat.blocked:
            chat.blocked = blocked
            self.state.bot_membership(chat, person, member=not blocked)
            self.state.publish("people")
        return web.json_response({"blocked": blocked})

    # What only tests do.

    async def fail(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        error = body.get("error")
        if not isinstance(error, int) and error not in ("drop", "drop_after", "hang"):
            raise bad_request("error is a status code, drop, drop_after or hang")
        failure = Failure(
            string(body, "method"),
            error,
            body.get("retry_after"),
            body.get("times", 1),
            body.get("chat_id"),
        )
        self.state.failures.append(failure)
        return web.json_response({})

    async def repeat(self, request: web.Request) -> web.Response:
        try:
            self.state.updates.repeat_last()
        except ValueError as error:
            raise bad_request(str(error)) from None
        return web.json_response({})

    # Steps.

    def _place(self, request: web.Request) -> tuple[Person, Chat]:
        """Who does something, and the chat it is done in."""
        person = self.state.people.get(int(request.match_info["person"]))
        if person is None:
            raise ApiError(404, "no such person")
        named = request.query.get("chat", "")
        return person, self._chat_of(person, integer({"chat": named}, "chat") if named else 0)

    def _chat_of(self, person: Person, chat_id: int) -> Chat:
        if chat_id in (0, person.id):
            return person
        group = self.state.groups.get(chat_id)
        if group is None or person not in group.members:
            raise ApiError(404, "no such chat")
        return group

    def _keep_voice(self, upload: Upload, seconds: int) -> Json:
        """As the browser recorded it; Telegram's apps record Ogg."""
        if not upload.data or not upload.mime_type.startswith("audio/"):
            raise bad_request("a voice message is a recording")
        details = {"duration": seconds, "mime_type": upload.mime_type}
        return self.state.files.keep_file("voice", upload.data, upload.mime_type, details)

    async def _keep(self, kind: str, upload: Upload) -> Json:
        if not upload.data:
            raise bad_request("file must be non-empty")
        if kind == "photo":
            sizes = await asyncio.to_thread(photo_sizes, upload.data, sent_by_bot=False)
            return self.state.files.keep_photo(sizes)
        if kind == "sticker":
            return self.state.files.keep_sticker(
                await asyncio.to_thread(sticker, upload.data), "🎨"
            )
        if kind in CLIPS:
            details = kind, upload.data, upload.name
            clip = await asyncio.to_thread(clip_of, *details, sent_by_bot=False)
            return self.state.files.keep_clip(clip, upload.data)
        small = await asyncio.to_thread(thumbnail, upload.data)
        return self.state.files.keep_document(upload.name, upload.mime_type, upload.data, small)


def _part_of(data: bytes, request: web.Request, kind: str, headers: dict[str, str]) -> web.Response:
    """All of it, or the range that is asked for: browsers ask for clips piece by piece."""
    headers["Accept-Ranges"] = "bytes"
    try:
        asked = request.http_range
    except ValueError:
        raise web.HTTPRequestRangeNotSatisfiable from None
    if asked.start is None and asked.stop is None:
        return web.Response(body=data, content_type=kind, headers=headers)
    start, stop, _ = asked.indices(len(data))
    if start >= stop:
        raise web.HTTPRequestRangeNotSatisfiable
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return web.Response(body=data[start:stop], status=206, content_type=kind, headers=headers)


def _last(chat: Chat) -> Json | None:
    return next(reversed(chat.messages.values()), None)


def _chosen(query: InlineQuery, result_id: str) -> Json:
    for result in query.results:
        if result["id"] == result_id:
            message: Json = result["message"]
            return message
    raise bad_request("RESULT_ID_INVALID")


def _reply(chat: Chat, body: Json) -> Json:
    return quoted(chat, integer(body, "reply_to")) if body.get("reply_to") else {}


def _forwarded(body: Json) -> Json:
    name = body.get("forwarded_from")
    if not name:
        return {}
    origin = {"type": "hidden_user", "sender_user_name": str(name), "date": 1_700_000_000}
    return {"forward_origin": origin}


def _sent(messages: list[Json]) -> web.Response:
    return web.json_response({"messages": messages})
