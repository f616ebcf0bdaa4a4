"""What the server remembers: people, their chats, files. Everything lives in memory and is bounded.

Messages are kept as the JSON objects that the Bot API shows; the page and the bot get the same.
"""

import asyncio
import re
import secrets
import time
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal

from local_chat.api_error import ApiError, bad_request
from local_chat.photo_sizes import Jpeg
from local_chat.updates import Updates

Json = dict[str, Any]

MAX_FILE_BYTES_IN_ALL = 512 * 2**20
MAX_MESSAGES_PER_CHAT = 1000
MAX_PEOPLE = 200
MAX_QUERIES = 1000
MAX_EVENTS_WAITING = 1000


@dataclass(frozen=True)
class StoredFile:
    """A file of a message. `content` is what a message holds that shows it, by its kind."""

    id: str
    unique_id: str
    kind: str
    path: str
    mime_type: str
    data: bytes
    content: Json


@dataclass
class Person:
    """Someone who talks to the bot, and their private chat with it."""

    id: int
    first_name: str
    language_code: str
    last_name: str = ""
    username: str = ""
    started: bool = False  # a bot may not write to someone who never wrote to it
    blocked: bool = False
    messages: dict[int, Json] = field(default_factory=dict)

    def names(self) -> Json:
        names = {"first_name": self.first_name}
        if self.last_name:
            names["last_name"] = self.last_name
        if self.username:
            names["username"] = self.username
        return names

    def user(self) -> Json:
        named = {"id": self.id, "is_bot": False, **self.names()}
        return {**named, "language_code": self.language_code} if self.language_code else named

    def chat(self) -> Json:
        return {"id": self.id, "type": "private", **self.names()}


@dataclass
class Query:
    """A pressed inline button that waits for `answerCallbackQuery`."""

    chat_id: int
    asked_at: float


@dataclass
class Failure:
    """An answer that a test wants instead of the true one; `error` is a status code or a mishap.

    `drop` closes the connection before anything is done, `drop_after` when it is done already,
    `hang` does nothing and never answers.
    """

    method: str
    error: int | Literal["drop", "drop_after", "hang"]
    retry_after: int | None
    times: int


@dataclass
class State:
    bot: Json
    updates: Updates
    people: dict[int, Person] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    queries: dict[str, Query] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)  # by scope, language
    texts: dict[tuple[str, str], str] = field(default_factory=dict)  # by kind, language
    menu_buttons: dict[int, Json] = field(default_factory=dict)  # by chat, 0 for all others
    listeners: set[asyncio.Queue[Json | None]] = field(default_factory=set)
    started_as: str = field(default_factory=lambda: secrets.token_hex(8))  # tells a restart
    _file_bytes: int = 0
    _last_message_id: int = 0
    _last_person_id: int = 100_000_000

    # Events for the page.

    def publish(self, kind: str, **details: Any) -> None:
        for queue in list(self.listeners):
            if queue.qsize() < MAX_EVENTS_WAITING:
                queue.put_nowait({"type": kind, **details})
            else:  # a page that no longer reads; it reloads when it comes back
                self.listeners.discard(queue)
                queue.put_nowait(None)

    # People and messages.

    def add_person(
        self, first_name: str, language_code: str, last_name: str = "", username: str = ""
    ) -> Person:
        if len(self.people) >= MAX_PEOPLE:
            raise bad_request("too many people")
        self._last_person_id += secrets.randbelow(1_000_000) + 1
        person = Person(self._last_person_id, first_name, language_code, last_name, username)
        self.people[person.id] = person
        return person

    def post(self, person: Person, sender: Json, contents: list[Json]) -> list[Json]:
        """Puts messages, one per content, at the end of a chat and shows them on the page."""
        messages = []
        for content in contents:
            self._last_message_id += 1
            message = {
                "message_id": self._last_message_id,
                "from": sender,
                "chat": person.chat(),
                "date": int(time.time()),
                **content,
            }
            person.messages[message["message_id"]] = message
            messages.append(message)
        while len(person.messages) > MAX_MESSAGES_PER_CHAT:
            del person.messages[next(iter(person.messages))]
        self.publish("messages", chat_id=person.id, messages=messages)
        return messages

    def receive(self, person: Person, contents: list[Json]) -> list[Json]:
        """What a person writes: it is shown, and the bot gets an update for each message."""
        if person.blocked:
            raise ApiError(403, "Forbidden: the bot is blocked by this person")
        person.started = True
        messages = self.post(person, person.user(), contents)
        for message in messages:
            self.updates.add("message", message, person.id)
        return messages

    def replace(self, person: Person, message: Json) -> None:
        person.messages[message["message_id"]] = message
        self.publish("edited", chat_id=person.id, message=message)

    def new_group_id(self) -> str:
        return str(secrets.randbits(53))

    def text(self, kind: str, language_code: str) -> str:
        """A text that the bot set for a language, else the one for all languages."""
        return self.texts.get((kind, language_code)) or self.texts.get((kind, ""), "")

    def commands_for(self, person: Person) -> list[Json]:
        """The commands menu of a person: the narrowest scope that has one, in their language."""
        for scope in (f"chat {person.id}", "all_private_chats", "default"):
            for language in (person.language_code[:2], ""):
                if self.commands.get((scope, language)):
                    return self.commands[scope, language]
        return []

    def add_query(self, person: Person) -> str:
        query_id = str(secrets.randbits(62))
        self.queries[query_id] = Query(person.id, time.monotonic())
        while len(self.queries) > MAX_QUERIES:
            del self.queries[next(iter(self.queries))]
        return query_id

    # Files.

    def keep_photo(self, sizes: list[Jpeg]) -> Json:
        """Keeps a photo's sizes, smallest first; what a message holds that shows it."""
        content: Json = {"photo": []}
        for size in sizes:
            file = self._keep("photo", "photos", "image/jpeg", size.data, content, ".jpg")
            content["photo"].append(_photo_size(file, size))
        return content

    def keep_file(
        self,
        kind: str,
        data: bytes,
        mime_type: str,
        details: Json,
        thumbnail: Jpeg | None = None,
        suffix: str = "",
    ) -> Json:
        """Keeps a file untouched; what a message holds that shows it. `details` join its fields."""
        shown: Json = {}
        content: Json = {kind: shown}
        if thumbnail is not None:
            small = self._keep(
                "thumbnail", "thumbnails", "image/jpeg", thumbnail.data, content, ".jpg"
            )
            shown["thumbnail"] = _photo_size(small, thumbnail)
        file = self._keep(kind, f"{kind}s", mime_type, data, content, suffix)
        shown |= {"file_id": file.id, "file_unique_id": file.unique_id, "file_size": len(data)}
        shown |= details
        return content

    def keep_document(self, name: str, mime_type: str, data: bytes, thumbnail: Jpeg | None) -> Json:
        details = {"file_name": name, "mime_type": mime_type}
        suffix = PurePath(name).suffix
        plain = re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) is not None
        return self.keep_file(
            "document", data, mime_type, details, thumbnail, suffix if plain else ""
        )

    def _keep(
        self, kind: str, folder: str, mime_type: str, data: bytes, content: Json, suffix: str
    ) -> StoredFile:
        file_id = f"{kind[:2].upper()}{secrets.token_urlsafe(32)}"
        unique_id = secrets.token_urlsafe(9)
        path = f"{folder}/file_{len(self.files)}_{unique_id}{suffix}"
        file = StoredFile(file_id, unique_id, kind, path, mime_type, data, content)
        self.files[file_id] = file
        self._file_bytes += len(data)
        while self._file_bytes > MAX_FILE_BYTES_IN_ALL:
            oldest = self.files.pop(next(iter(self.files)))
            self._file_bytes -= len(oldest.data)
        return file


def _photo_size(file: StoredFile, size: Jpeg) -> Json:
    return {
        "file_id": file.id,
        "file_unique_id": file.unique_id,
        "file_size": len(size.data),
        "width": size.width,
        "height": size.height,
    }
