"""What the bot remembers of a person: choices and Telegram's file ids, never a picture."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from aiogram import BaseMiddleware
from aiogram.types import Message, TelegramObject, Update
from aiogram.types import User as TelegramUser
from aiogram.utils.i18n.middleware import I18nMiddleware
from pydantic import TypeAdapter, ValidationError

from model_cyclegan.season import Direction
from store import Store, StoreError

log = logging.getLogger(__name__)

Language = Literal["en", "ru"]
Mode = Literal["style"] | Direction

OWN_STYLES = 5  # style pictures of their own that are remembered for each user
PENDING = 10  # photos that wait for a choice; an album has at most ten


@dataclass(frozen=True)
class Photo:
    """A picture somebody sent: `as_file` when it came, and goes back, as an uncompressed file."""

    file_id: str
    unique_id: str
    message_id: int
    as_file: bool = False
    size: int = 0  # bytes, 0 where Telegram does not say


@dataclass
class User:
    """The state object of one user."""

    id: int
    telegram_language: str = ""  # IETF tag of their Telegram
    language: Language | None = None  # chosen by /language
    mode: Mode | None = None
    style: str | None = None  # a preset's name or a key of own_styles
    own_styles: dict[str, str] = field(default_factory=dict)  # unique id to file id
    pending: list[Photo] = field(default_factory=list)  # sent before anything was chosen
    answered_album: str | None = None  # the album of which we have said something

    @property
    def speaks(self) -> Language:
        """The chosen language, else Russian where their Telegram speaks it, else English."""
        return self.language or ("ru" if self.telegram_language.startswith("ru") else "en")

    def remember_style(self, photo: Photo) -> None:
        self.own_styles.pop(photo.unique_id, None)
        self.own_styles[photo.unique_id] = photo.file_id
        if len(self.own_styles) > OWN_STYLES:
            del self.own_styles[next(iter(self.own_styles))]
        self.mode, self.style = "style", photo.unique_id

    def remember_photo(self, photo: Photo) -> None:
        others = [waiting for waiting in self.pending if waiting.message_id != photo.message_id]
        self.pending = [*others, photo][-PENDING:]

    def take_pending(self) -> list[Photo]:
        photos, self.pending = self.pending, []
        return photos

    def forget_everything(self) -> None:
        vars(self).update(vars(User(self.id, self.telegram_language)))


_USER = TypeAdapter(User)


def to_json(user: User) -> str | None:
    """What is worth keeping; None of somebody who chose and sent nothing yet."""
    kept = replace(user, telegram_language="")  # each update tells it
    return None if kept == User(user.id) else _USER.dump_json(kept, exclude_defaults=True).decode()


def from_json(user_id: int, kept: str | None) -> User:
    try:
        return _USER.validate_json(kept) if kept else User(user_id)
    except ValidationError as error:  # written by another version
        log.error("user %s is forgotten: %s", user_id, error)
        return User(user_id)


def photo_in(message: Message) -> Photo | None:
    """The picture in a message, sent as a photo or as a file of type image, if there is one."""
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        return Photo(
            largest.file_id,
            largest.file_unique_id,
            message.message_id,
            size=largest.file_size or 0,
        )
    document = message.document
    if document and (document.mime_type or "").startswith("image/"):
        return Photo(
            document.file_id,
            document.file_unique_id,
            message.message_id,
            as_file=True,
            size=document.file_size or 0,
        )
    return None


class UserMiddleware(BaseMiddleware):
    """Hands each handler its `user`, a fresh one for somebody never seen before, and keeps it.

    The updates of one user are handled one after the other, and each once: one that comes again
    waits until the first is handled, and is passed over. `StoreError` goes to who brought the
    update, and nothing is kept then: it has to be brought again.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        assert isinstance(event, Update)
        sender: TelegramUser | None = data.get("event_from_user")
        user_id = sender.id if sender else 0  # a channel's post has no sender
        async with self.store.lock(user_id):
            if await self.store.is_handled(event.update_id):
                log.info("update %s of user %s came again", event.update_id, user_id)
                return None
            before = await self.store.user(user_id)
            user = data["user"] = from_json(user_id, before)
            user.telegram_language = (sender.language_code if sender else None) or ""
            try:
                result = await handler(event, data)
            except StoreError:
                raise
            except Exception:  # the user is told, and the update is done with
                await self.store.save(user_id, before, event.update_id)
                raise
            await self.store.save(user_id, to_json(user), event.update_id)
            return result


class LanguageMiddleware(I18nMiddleware):
    """Answers each update in its sender's language."""

    async def get_locale(self, event: TelegramObject, data: dict[str, Any]) -> str:
        user: User = data["user"]
        return user.speaks
