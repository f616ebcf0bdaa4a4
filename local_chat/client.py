"""A person at the other end of the chat, for tests: says, sends, presses and reads.

async with join(chat.url, "Anna", "ru") as anna:
    await anna.say("/start")
    menu = await anna.next_message()
    await anna.press(menu, "Help")

A group is seen by each member's eyes: `anna, boris = await open_group("Friends", anna, boris)`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from aiohttp import ClientResponse, ClientSession, ClientTimeout, FormData

Json = dict[str, Any]
CLIPS = ("animation", "video", "video_note")


class ChatError(Exception):
    """The server refused what the person wanted to do."""


@dataclass(frozen=True)
class Message:
    """A message as it stands in the chat; `raw` is the Bot API's object."""

    raw: Json

    @property
    def id(self) -> int:
        return int(self.raw["message_id"])

    @property
    def by_bot(self) -> bool:
        return bool(self.raw["from"]["is_bot"])

    @property
    def text(self) -> str:
        """The text, or the caption."""
        return str(self.raw.get("text", self.raw.get("caption", "")))

    @property
    def entities(self) -> list[Json]:
        found: list[Json] = self.raw.get("entities") or self.raw.get("caption_entities") or []
        return found

    @property
    def buttons(self) -> list[list[str]]:
        """The texts of the inline keyboard, row by row."""
        rows = self.raw.get("reply_markup", {}).get("inline_keyboard", [])
        return [[button["text"] for button in row] for row in rows]

    @property
    def album(self) -> str | None:
        return self.raw.get("media_group_id")

    @property
    def photo(self) -> Json | None:
        """The largest size of a photo."""
        return self.raw["photo"][-1] if "photo" in self.raw else None

    @property
    def document(self) -> Json | None:
        return self.raw.get("document")

    @property
    def clip(self) -> Json | None:
        """An animation, a video or a video note."""
        return next((self.raw[kind] for kind in CLIPS if kind in self.raw), None)

    def button(self, text: str) -> Json:
        """The button with this text, or else the only one that has it within."""
        rows = self.raw.get("reply_markup", {}).get("inline_keyboard", [])
        buttons: list[Json] = [button for row in rows for button in row]
        found = [b for b in buttons if b["text"] == text] or [
            b for b in buttons if text in b["text"]
        ]
        if len(found) != 1:
            raise LookupError(f"{len(found)} buttons match {text!r} among {self.buttons}")
        return found[0]


@dataclass
class Person:
    """Someone in a chat: `join` makes one in their private chat with the bot, `open_group` one in
    a group. `history` is the chat as it stands, by message id.
    """

    id: int
    url: str
    session: ClientSession
    chat_id: int
    history: dict[int, Message] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)  # chat actions that the bot showed
    answers: dict[str, Json] = field(default_factory=dict)  # to buttons and inline queries, by id
    in_groups: list["Person"] = field(default_factory=list)  # the same person
    _unread: list[Message] = field(default_factory=list)
    _changed_at: dict[int, int] = field(default_factory=dict)
    _event_number: int = 0
    _acted_at: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    # What a person does. Each returns the messages as they stand in the chat.

    async def say(self, text: str, *, reply_to: Message | None = None, **options: Any) -> Message:
        """Sends text; `forwarded_from="Name"` marks it as forwarded."""
        body = {"text": text, "reply_to": reply_to.id if reply_to else None, **options}
        return (await self._messages("messages", body))[0]

    async def send_photo(
        self, *photos: bytes, caption: str = "", reply_to: Message | None = None, **options: Any
    ) -> list[Message]:
        """Sends pictures as photos; several make an album."""
        files = [(photo, "photo.jpg") for photo in photos]
        return await self._send_media("photo", files, caption, reply_to, options)

    async def send_clip(
        self,
        data: bytes,
        kind: str = "video",
        *,
        caption: str = "",
        reply_to: Message | None = None,
    ) -> Message:
        """As one of `CLIPS`."""
        name = "clip.gif" if data.startswith(b"GIF8") else "clip.mp4"
        return (await self._send_media(kind, [(data, name)], caption, reply_to, {}))[0]

    async def send_document(
        self, data: bytes, name: str, *, caption: str = "", reply_to: Message | None = None
    ) -> Message:
        return (await self._send_media("document", [(data, name)], caption, reply_to, {}))[0]

    async def send_documents(
        self, files: Sequence[tuple[bytes, str]], *, caption: str = ""
    ) -> list[Message]:
        return await self._send_media("document", files, caption, None, {})

    async def send_sticker(self, webp: bytes) -> Message:
        return (await self._send_media("sticker", [(webp, "sticker.webp")], "", None, {}))[0]

    async def forward(self, message: Message) -> Message:
        """Forwards a message of any of the person's chats to this one."""
        origin = {"from": message.raw["chat"]["id"], "message_id": message.id}
        return (await self._messages("forward", origin))[0]

    async def send_other(self, kind: str, **fields: Any) -> Message:
        """Sends a voice message, a location or another of `other_kinds.OTHER_KINDS`."""
        return (await self._messages("messages", {"other": {kind: fields}}))[0]

    async def edit(self, message: Message, text: str, photo: bytes | None = None) -> Message:
        """Gives a message another text or caption, and another photo."""
        if photo is None:
            return (await self._messages("edit", {"message_id": message.id, "text": text}))[0]
        form = FormData({"message_id": str(message.id), "text": text}, quote_fields=False)
        form.add_field("files", BytesIO(photo), filename="photo.jpg")
        return (await self._messages("edit", form))[0]

    async def set_profile_photo(self, photo: bytes) -> None:
        form = FormData(quote_fields=False)
        form.add_field("files", BytesIO(photo), filename="me.jpg")
        await self._post("", form)

    async def speak(self, language_code: str) -> None:
        """Changes the language of one's Telegram."""
        await self._post("", {"language_code": language_code})

    async def ask_inline(self, query: str = "", timeout_s: float = 10) -> Json:
        """Types the bot's name and a query; returns what is offered (`results`, `button`)."""
        query_id: str = (await self._post("inline", {"query": query}))["query_id"]
        await self._until(lambda: query_id in self.answers, timeout_s, f"results for {query!r}")
        return self.answers[query_id]

    async def choose_inline(self, offer: Json, number: int = 0) -> Message:
        """Sends the n-th of the results that `ask_inline` returned."""
        chosen = {"query_id": offer["query_id"], "result_id": offer["results"][number]["id"]}
        return (await self._messages("inline/choose", chosen))[0]

    async def press(
        self, message: Message, text: str, *, wait: bool = True, timeout_s: float = 10
    ) -> str:
        """Presses an inline button and waits for the bot's answer to it; returns its text."""
        self._acted_at = self._event_number
        pressed = {"message_id": message.id, "data": message.button(text)["callback_data"]}
        query_id: str = (await self._post("press", pressed))["query_id"]
        if not wait:
            return ""
        await self._until(lambda: query_id in self.answers, timeout_s, f"an answer to {text!r}")
        return str(self.answers[query_id]["text"])

    async def block_bot(self, blocked: bool = True) -> None:
        await self._post("block", {"blocked": blocked})

    # What a person sees.

    async def next_message(self, timeout_s: float = 10) -> Message:
        """The bot's next message not yet returned by this or `next_album`, as it is now."""
        await self._until(lambda: bool(self._unread), timeout_s, "a message")
        message = self._unread.pop(0)
        return self.history.get(message.id, message)

    async def next_album(self, timeout_s: float = 10) -> list[Message]:
        """The bot's next message and those of the same album."""
        first = await self.next_message(timeout_s)
        album = [first]
        while first.album and self._unread and self._unread[0].album == first.album:
            album.append(await self.next_message())
        return album

    async def wait_for(
        self, predicate: Callable[[Message], Any], timeout_s: float = 10, what: str = ""
    ) -> Message:
        """The first of the bot's messages, new or edited since the person's last act, that fits."""

        def fitting() -> Message | None:
            recent = (m for m in self.history.values() if m.by_bot)
            return next(
                (m for m in recent if self._changed_at[m.id] > self._acted_at and predicate(m)),
                None,
            )

        await self._until(lambda: fitting() is not None, timeout_s, what or "a message that fits")
        message = fitting()
        assert message is not None
        return message

    async def wait_until_gone(self, message: Message, timeout_s: float = 10) -> None:
        """Until the bot deletes a message."""
        await self._until(
            lambda: message.id not in self.history, timeout_s, f"{message.text!r} to go"
        )

    async def download(self, message: Message) -> bytes:
        """The message's document, clip, or the largest size of its photo."""
        shown = message.clip or message.document or message.photo
        if shown is None:
            raise LookupError("the message holds no file")
        return await self.download_file(shown["file_id"])

    async def download_file(self, file_id: str) -> bytes:
        async with self.session.get(f"{self.url}/chat/files/{file_id}") as response:
            if not response.ok:
                raise ChatError((await response.json())["error"])
            return await response.read()

    # Steps.

    async def _until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    await self._news.wait()
        except TimeoutError:
            tail = [(m.text[:80], m.buttons) for m in list(self.history.values())[-5:]]
            raise TimeoutError(f"waited {timeout_s} s for {what}; the chat ends: {tail}") from None

    async def _send_media(
        self,
        kind: str,
        files: Sequence[tuple[bytes, str]],
        caption: str,
        reply_to: Message | None,
        options: Json,
    ) -> list[Message]:
        form = FormData({"as": kind, "caption": caption, **options}, quote_fields=False)
        if reply_to is not None:
            form.add_field("reply_to", str(reply_to.id))
        for data, name in files:
            form.add_field(
                "files", BytesIO(data), filename=name, content_type="application/octet-stream"
            )
        return await self._messages("media", form)

    async def _messages(self, path: str, body: Json | FormData) -> list[Message]:
        self._acted_at = self._event_number
        sent = (await self._post(path, body))["messages"]
        return [Message(raw) for raw in sent]

    async def _post(self, path: str, body: Json | FormData) -> Json:
        url = f"{self.url}/chat/people/{self.id}/{path}".rstrip("/")
        return await _post(self.session, f"{url}?chat={self.chat_id}", body)

    def see(self, event: Json) -> None:
        """Takes in an event of this person's chat."""
        self._event_number += 1
        if event["type"] in ("messages", "edited"):
            for raw in event.get("messages") or [event["message"]]:
                message = Message(raw)
                self.history[message.id] = message
                self._changed_at[message.id] = self._event_number
                if event["type"] == "messages" and message.by_bot:
                    self._unread.append(message)
        elif event["type"] == "deleted":
            for message_id in event["message_ids"]:
                self.history.pop(message_id, None)
        elif event["type"] == "action":
            self.actions.append(event["action"])
        elif event["type"] in ("callback_answer", "inline_answer"):
            self.answers[event["query_id"]] = event
        self._news.set()
        self._news = asyncio.Event()


@asynccontextmanager
async def join(
    url: str, first_name: str = "Anna", language_code: str = "en", **names: str
) -> AsyncIterator[Person]:
    """A new person in the chat at `url`, who reads along until the block ends."""
    no_limit = ClientTimeout(total=None)
    async with (
        ClientSession(timeout=no_limit, read_bufsize=2**20) as session,  # an event is one line
        session.get(f"{url}/chat/events") as events,
    ):
        await events.content.readline()  # the server listens: nothing is missed from here on
        body = {"first_name": first_name, "language_code": language_code, **names}
        user = await _post(session, f"{url}/chat/people", body)
        person = Person(user["id"], url, session, user["id"])
        reading = asyncio.create_task(_read(events, person))
        try:
            yield person
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading


async def open_group(title: str, *people: Person) -> list[Person]:
    """A new group of these people and the bot: the same people, who see and write there."""
    maker = people[0]
    body = {"title": title, "members": [person.id for person in people]}
    group = await _post(maker.session, f"{maker.url}/chat/groups", body)
    members = [Person(p.id, p.url, p.session, group["id"]) for p in people]
    for person, member in zip(people, members, strict=True):
        person.in_groups.append(member)
    return members


async def _read(events: ClientResponse, person: Person) -> None:
    async for line in events.content:
        if line.startswith(b"data: "):
            event = json.loads(line.removeprefix(b"data: "))
            for place in (person, *person.in_groups):
                answer = event.get("person_id", person.id) == person.id
                if answer and event.get("chat_id", place.chat_id) == place.chat_id:
                    place.see(event)


async def _post(session: ClientSession, url: str, body: Json | FormData) -> Json:
    sent = {"data": body} if isinstance(body, FormData) else {"json": body}
    async with session.post(url, **sent) as response:
        answer: Json = await response.json()
        if not response.ok:
            raise ChatError(answer["error"])
        return answer
