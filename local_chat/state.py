"""What the server remembers: people, chats, files, calls. It lives in memory and is bounded.

Messages are kept as the JSON objects that the Bot API shows; the page and the bot get the same.
"""

import asyncio
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from local_chat.api_error import ApiError, bad_request
from local_chat.files import Files
from local_chat.formatting import entity_text
from local_chat.updates import Updates

Json = dict[str, Any]

MAX_MESSAGES_PER_CHAT = 1000
MAX_PEOPLE = 200
MAX_GROUPS = 50
MAX_CALLS = 300
MAX_QUERIES = 1000
MAX_EVENTS_WAITING = 1000


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
    photos: list[Json] = field(default_factory=list)  # of the profile, newest first
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
class Group:
    """A chat of several people with the bot."""

    id: int
    title: str
    members: list[Person]
    blocked: bool = False  # the bot was put out
    messages: dict[int, Json] = field(default_factory=dict)

    def chat(self) -> Json:
        return {"id": self.id, "type": "supergroup", "title": self.title}


Chat = Person | Group


@dataclass
class Query:
    """A pressed inline button that waits for `answerCallbackQuery`."""

    chat_id: int
    person_id: int
    asked_at: float


@dataclass
class InlineQuery:
    """What a person typed after the bot's name, and what the bot offers for it."""

    person_id: int
    text: str
    asked_at: float
    results: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class InlineAnswer:
    """An answer to an inline query, which Telegram gives to the next who ask the same."""

    results: list[Json]
    button: Json | None
    good_until: float


@dataclass
class Failure:
    """An answer that a test wants instead of the true one; `error` is a status code or a mishap.

    `drop` closes the connection before anything is done, `drop_after` when it is done already,
    `hang` does nothing and never answers. With a `chat_id`, only calls for that chat go wrong. A
    `body` stands instead of the Bot API's words, as a proxy's would.
    """

    method: str
    error: int | Literal["drop", "drop_after", "hang"]
    retry_after: int | None
    times: int
    chat_id: int | None = None
    body: str | None = None


Listeners = set[asyncio.Queue[Json | None]]


@dataclass
class State:
    """All that the server knows; gone with its process."""

    bot: Json
    updates: Updates
    people: dict[int, Person] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    files: Files = field(default_factory=Files)
    queries: dict[str, Query] = field(default_factory=dict)
    inline_queries: dict[str, InlineQuery] = field(default_factory=dict)
    inline_answers: dict[tuple[str, int], InlineAnswer] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)  # by scope, language
    texts: dict[tuple[str, str], str] = field(default_factory=dict)  # by kind, language
    menu_buttons: dict[int, Json] = field(default_factory=dict)  # by chat, 0 for all others
    listeners: Listeners = field(default_factory=set)
    calls: deque[Json] = field(default_factory=lambda: deque(maxlen=MAX_CALLS))
    call_listeners: Listeners = field(default_factory=set)
    started_as: str = field(default_factory=lambda: secrets.token_hex(8))  # tells a restart
    _last_message_id: int = 0
    _last_person_id: int = 100_000_000

    # Events for the page.

    def publish(self, kind: str, **details: Any) -> None:
        _tell(self.listeners, {"type": kind, **details})

    def record_call(self, call: Json) -> None:
        """Keeps a request of the bot and its answer, for the inspector."""
        self.calls.append(call)
        _tell(self.call_listeners, call)

    # People, groups and messages.

    def add_person(
        self, first_name: str, language_code: str, last_name: str = "", username: str = ""
    ) -> Person:
        if len(self.people) >= MAX_PEOPLE:
            raise bad_request("too many people")
        self._last_person_id += secrets.randbelow(1_000_000) + 1
        person = Person(self._last_person_id, first_name, language_code, last_name, username)
        self.people[person.id] = person
        return person

    def add_group(self, title: str, members: list[Person]) -> Group:
        """The first member makes the group and adds the bot, which is told so."""
        if len(self.groups) >= MAX_GROUPS:
            raise bad_request("too many groups")
        group = Group(-(10**12) - secrets.randbelow(10**11), title, members)
        self.groups[group.id] = group
        self.publish("people")
        self.bot_membership(group, members[0], member=True)
        self.receive(members[0], [{"new_chat_members": [self.bot]}], group)
        return group

    def chat(self, chat_id: int) -> Chat | None:
        return self.people.get(chat_id) or self.groups.get(chat_id)

    def bot_membership(self, chat: Chat, person: Person, *, member: bool) -> None:
        """Tells the bot that it was blocked or put out, or that it may write again."""
        outside: Json = {"status": "kicked", "user": self.bot, "until_date": 0}
        if isinstance(chat, Group):
            outside = {"status": "left", "user": self.bot}
        inside: Json = {"status": "member", "user": self.bot}
        change = {
            "chat": chat.chat(),
            "from": person.user(),
            "date": int(time.time()),
            "old_chat_member": outside if member else inside,
            "new_chat_member": inside if member else outside,
        }
        self.updates.add("my_chat_member", change, chat.id)

    def post(self, chat: Chat, sender: Json, contents: list[Json]) -> list[Json]:
        """Puts messages, one per content, at the end of a chat and shows them on the page."""
        messages = []
        for content in contents:
            self._last_message_id += 1
            message = {
                "message_id": self._last_message_id,
                "from": sender,
                "chat": chat.chat(),
                "date": int(time.time()),
                **content,
            }
            chat.messages[message["message_id"]] = message
            messages.append(message)
        while len(chat.messages) > MAX_MESSAGES_PER_CHAT:
            del chat.messages[next(iter(chat.messages))]
        self.publish("messages", chat_id=chat.id, messages=messages)
        return messages

    def receive(self, person: Person, contents: list[Json], chat: Chat | None = None) -> list[Json]:
        """What a person writes: it is shown, and the bot gets an update for what it may see."""
        chat = chat or person
        if chat is person:
            if person.blocked:
                raise ApiError(403, "Forbidden: the bot is blocked by this person")
            person.started = True
        messages = self.post(chat, person.user(), contents)
        for message in messages:
            if self.bot_sees(chat, message):
                self.updates.add("message", message, chat.id)
        return messages

    def bot_sees(self, chat: Chat, message: Json) -> bool:
        """In a group, the bot's privacy mode keeps from it what is not meant for it."""
        if isinstance(chat, Person):
            return True
        if chat.blocked:
            return False
        name = f"@{self.bot['username']}".lower()
        text = str(message.get("text", message.get("caption", "")))
        for entity in message.get("entities") or message.get("caption_entities") or []:
            word = entity_text(text, entity).lower()
            if entity["type"] == "mention" and word == name:
                return True
            # A command without a name is for all bots, and this one is alone in the group.
            if entity["type"] == "bot_command" and entity["offset"] == 0:
                return "@" not in word or word.endswith(name)
        answered = message.get("reply_to_message", {}).get("from", {}).get("id")
        return answered == self.bot["id"] or "via_bot" in message or "new_chat_members" in message

    def replace(self, chat: Chat, message: Json) -> None:
        chat.messages[message["message_id"]] = message
        self.publish("edited", chat_id=chat.id, message=message)

    def new_group_id(self) -> str:
        return str(secrets.randbits(53))

    def text(self, kind: str, language_code: str) -> str:
        """A text that the bot set for a language, else the one for all languages."""
        return self.texts.get((kind, language_code)) or self.texts.get((kind, ""), "")

    def commands_for(self, person: Person, chat: Chat | None = None) -> list[Json]:
        """The commands menu in a chat: the narrowest scope that has one, in one's language."""
        chat = chat or person
        kind = "all_group_chats" if isinstance(chat, Group) else "all_private_chats"
        scopes = (f"chat_member {chat.id} {person.id}", f"chat {chat.id}", kind, "default")
        for scope in scopes:
            for language in (person.language_code[:2], ""):
                if self.commands.get((scope, language)):
                    return self.commands[scope, language]
        return []

    def add_query(self, chat: Chat, person: Person) -> str:
        return _kept(self.queries, Query(chat.id, person.id, time.monotonic()))

    def add_inline_query(self, person: Person, chat: Chat, text: str) -> str:
        """Asks the bot, unless it said that an earlier answer is still good."""
        query_id = _kept(self.inline_queries, InlineQuery(person.id, text, time.monotonic()))
        for asked_by in (person.id, 0):
            answer = self.inline_answers.get((text, asked_by))
            if answer is not None and answer.good_until > time.monotonic():
                self.show_inline_answer(query_id, answer)
                return query_id
        query = {"id": query_id, "from": person.user(), "query": text, "offset": ""}
        where = "sender" if chat is person else "supergroup"
        self.updates.add("inline_query", {**query, "chat_type": where}, person.id)
        return query_id

    def show_inline_answer(self, query_id: str, answer: InlineAnswer) -> None:
        query = self.inline_queries[query_id]
        query.results = answer.results
        while len(self.inline_answers) > MAX_QUERIES:
            del self.inline_answers[next(iter(self.inline_answers))]
        self.publish(
            "inline_answer",
            person_id=query.person_id,
            query_id=query_id,
            results=answer.results,
            button=answer.button,
        )


def _tell(listeners: Listeners, event: Json) -> None:
    for queue in list(listeners):
        if queue.qsize() < MAX_EVENTS_WAITING:
            queue.put_nowait(event)
        else:  # a page that no longer reads; it reloads when it comes back
            listeners.discard(queue)
            queue.put_nowait(None)


def _kept(queries: dict[str, Any], query: Query | InlineQuery) -> str:
    query_id = str(secrets.randbits(62))
    queries[query_id] = query
    while len(queries) > MAX_QUERIES:
        del queries[next(iter(queries))]
    return query_id
