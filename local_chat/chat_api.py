"""What the chat page and the tests' client call: people, messages, buttons, events.

JSON over HTTP under `/chat/`; a refusal is `{"error": "..."}` with a status of 400 or more. Events
come from `/chat/events` as server-sent events, those of all people together.
"""

import asyncio
import json
import re
import time
from contextlib import suppress
from typing import Any

from aiohttp import web

from local_chat.api_error import ApiError, bad_request
from local_chat.message_content import caption_content, quoted, text_content
from local_chat.photo_sizes import photo_sizes, thumbnail
from local_chat.requests import read_form, read_json
from local_chat.state import Failure, Json, Person, State

HEARTBEAT_S = 15.0
LARGEST_ALBUM = 10
# Messages that are neither text nor picture, for tests of a bot's answer to "anything else".
OTHER_KINDS: dict[str, Json] = {
    "animation": {"width": 320, "height": 240, "duration": 2, "mime_type": "video/mp4"},
    "audio": {"duration": 60, "mime_type": "audio/mpeg"},
    "contact": {"phone_number": "+10000000000", "first_name": "Somebody"},
    "dice": {"emoji": "🎲", "value": 6},
    "location": {"latitude": 48.8606, "longitude": 2.3376},
    "sticker": {
        "type": "regular",
        "width": 512,
        "height": 512,
        "is_animated": False,
        "is_video": False,
        "emoji": "🎨",
    },
    "video": {"width": 640, "height": 480, "duration": 5, "mime_type": "video/mp4"},
    "video_note": {"length": 240, "duration": 5},
    "voice": {"duration": 3, "mime_type": "audio/ogg"},
}
WITHOUT_FILE = {"contact", "dice", "location"}


class ChatApi:
    def __init__(self, state: State) -> None:
        self.state = state

    def routes(self) -> list[web.RouteDef]:
        person = r"/chat/people/{person:\d+}"
        return [
            web.get("/chat/state", self.show_state),
            web.get("/chat/events", self.events),
            web.get("/chat/files/{file_id}", self.file),
            web.post("/chat/people", self.add_person),
            web.get(f"{person}/messages", self.history),
            web.post(f"{person}/messages", self.send),
            web.post(f"{person}/media", self.send_media),
            web.post(f"{person}/edit", self.edit),
            web.post(f"{person}/press", self.press),
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
                "commands": state.commands_for(person),
                "bot_name": state.text("name", person.language_code[:2]),
                "description": state.text("description", person.language_code[:2]),
                "last_message": next(reversed(person.messages.values()), None),
            }
            for person in state.people.values()
        ]
        return web.json_response(
            {"bot": state.bot, "people": people, "started_as": state.started_as}
        )

    async def history(self, request: web.Request) -> web.Response:
        return web.json_response({"messages": list(self._person(request).messages.values())})

    async def file(self, request: web.Request) -> web.Response:
        """A file's bytes: pictures to be shown, all else, and `?download=NAME`, to be saved."""
        file = self.state.files.get(request.match_info["file_id"])
        if file is None:
            raise ApiError(404, "no such file, or no longer")
        headers = {"Cache-Control": "private, max-age=86400, immutable"}
        shown = file.mime_type in ("image/jpeg", "image/png", "image/webp", "image/gif")
        if not shown or "download" in request.query:
            headers["Content-Disposition"] = "attachment"
        kind = file.mime_type if shown else "application/octet-stream"
        return web.Response(body=file.data, content_type=kind, headers=headers)

    async def events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        queue.put_nowait({"type": "hello", "started_as": self.state.started_as})
        self.state.listeners.add(queue)
        try:
            with suppress(ConnectionError):  # the page was closed
                while True:
                    try:
                        event = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
                    except TimeoutError:
                        await response.write(b": still here\n\n")
                        continue
                    if event is None:
                        break
                    await response.write(f"data: {json.dumps(event)}\n\n".encode())
        finally:
            self.state.listeners.discard(queue)
        return response

    # What a person does.

    async def add_person(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        name = _string(body, "first_name").strip()
        language = _string(body, "language_code")
        username = _string(body, "username")
        if not 1 <= len(name) <= 64 or len(_string(body, "last_name")) > 64:
            raise bad_request("a name has 1 to 64 characters")
        if not re.fullmatch(r"([a-z]{2,3}(-[A-Za-z]{2,8})?)?", language):
            raise bad_request("a language code is like en or pt-br")
        if not re.fullmatch(r"([A-Za-z]\w{3,31})?", username, re.ASCII):
            raise bad_request("a username has 4 to 32 letters, digits or underscores")
        person = self.state.add_person(name, language, _string(body, "last_name"), username)
        self.state.publish("people")
        return web.json_response(person.user())

    async def send(self, request: web.Request) -> web.Response:
        """Sends `text`, or `other`: one of `OTHER_KINDS` with fields that differ from the usual."""
        person = self._person(request)
        body = await read_json(request)
        content = _reply(person, body) | _forwarded(body)
        if "other" in body:
            content |= self._other(body["other"])
        else:
            content |= text_content(_string(body, "text"), "", [])
        return _sent(self.state.receive(person, [content]))

    async def send_media(self, request: web.Request) -> web.Response:
        """Sends the files of a form, `as` photo, document or sticker; several make albums."""
        person = self._person(request)
        fields, uploads = await read_form(request)
        kind = str(fields.get("as", "document"))
        caption = caption_content(str(fields.get("caption", "")), "", [])
        contents = []
        for upload in uploads:
            if not upload.data:
                raise bad_request("file must be non-empty")
            if kind == "photo":
                sizes = await asyncio.to_thread(photo_sizes, upload.data, sent_by_bot=False)
                contents.append(self.state.keep_photo(sizes))
            elif kind == "sticker":
                contents.append(self._other({"sticker": {}}, upload.data))
            else:
                small = await asyncio.to_thread(thumbnail, upload.data)
                contents.append(
                    self.state.keep_document(upload.name, upload.mime_type, upload.data, small)
                )
        if not contents:
            raise bad_request("there is no file in the request")
        first = _reply(person, fields) | _forwarded(fields) | caption
        messages = []
        for start in range(0, len(contents), LARGEST_ALBUM):
            album = contents[start : start + LARGEST_ALBUM]
            group = {"media_group_id": self.state.new_group_id()} if len(album) > 1 else {}
            described = [{**content, **group} for content in album]
            described[0] |= first
            first = {}
            messages += self.state.receive(person, described)
        return _sent(messages)

    async def edit(self, request: web.Request) -> web.Response:
        person = self._person(request)
        body = await read_json(request)
        message = person.messages.get(_integer(body, "message_id"))
        if message is None or message["from"]["id"] != person.id or "text" not in message:
            raise bad_request("message can't be edited")
        kept = {key: value for key, value in message.items() if key != "entities"}
        edited = {
            **kept,
            **text_content(_string(body, "text"), "", []),
            "edit_date": message["date"],
        }
        self.state.replace(person, edited)
        self.state.updates.add("edited_message", edited, person.id)
        return _sent([edited])

    async def press(self, request: web.Request) -> web.Response:
        person = self._person(request)
        body = await read_json(request)
        message = person.messages.get(_integer(body, "message_id"))
        if message is None:
            raise bad_request("message not found")
        data = _string(body, "data")
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        if data not in [button.get("callback_data") for row in rows for button in row]:
            raise bad_request("DATA_INVALID")
        query_id = self.state.add_query(person)
        query = {
            "id": query_id,
            "from": person.user(),
            "message": message,
            "chat_instance": str(person.id),
            "data": data,
        }
        self.state.updates.add("callback_query", query, person.id)
        return web.json_response({"query_id": query_id})

    async def block(self, request: web.Request) -> web.Response:
        person = self._person(request)
        blocked = (await read_json(request)).get("blocked") is True
        if blocked != person.blocked:
            person.blocked = blocked
            member = {"status": "member", "user": self.state.bot}
            kicked = {"status": "kicked", "user": self.state.bot, "until_date": 0}
            change = {
                "chat": person.chat(),
                "from": person.user(),
                "date": int(time.time()),
                "old_chat_member": member if blocked else kicked,
                "new_chat_member": kicked if blocked else member,
            }
            self.state.updates.add("my_chat_member", change, person.id)
            self.state.publish("people")
        return web.json_response({"blocked": blocked})

    # What only tests do.

    async def fail(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        error = body.get("error")
        if not isinstance(error, int) and error not in ("drop", "drop_after", "hang"):
            raise bad_request("error is a status code, drop, drop_after or hang")
        failure = Failure(
            _string(body, "method"), error, body.get("retry_after"), body.get("times", 1)
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

    def _person(self, request: web.Request) -> Person:
        person = self.state.people.get(int(request.match_info["person"]))
        if person is None:
            raise ApiError(404, "no such person")
        return person

    def _other(self, other: Any, data: bytes = b"not a real recording") -> Json:
        if not isinstance(other, dict) or len(other) != 1 or not OTHER_KINDS.keys() >= other.keys():
            raise bad_request(f"other is one of {', '.join(OTHER_KINDS)}")
        kind, fields = next(iter(other.items()))
        details = OTHER_KINDS[kind] | fields
        if kind in WITHOUT_FILE:
            return {kind: details}
        mime_type = details.get("mime_type", "image/webp")
        content = self.state.keep_file(kind, data, mime_type, details)
        if kind == "animation":  # shown as a document as well, for older bots
            content["document"] = content["animation"]
        return content


def _string(body: Json, key: str) -> str:
    value = body.get(key, "")
    if not isinstance(value, str):
        raise bad_request(f"{key} is a string")
    return value


def _integer(body: Json, key: str) -> int:
    try:
        return int(body[key])
    except (KeyError, TypeError, ValueError):
        raise bad_request(f"{key} is a number") from None


def _reply(person: Person, body: Json) -> Json:
    return quoted(person, _integer(body, "reply_to")) if body.get("reply_to") else {}


def _forwarded(body: Json) -> Json:
    name = body.get("forwarded_from")
    if not name:
        return {}
    origin = {"type": "hidden_user", "sender_user_name": str(name), "date": 1_700_000_000}
    return {"forward_origin": origin}


def _sent(messages: list[Json]) -> web.Response:
    return web.json_response({"messages": messages})
