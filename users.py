"""What the bot remembers of a person: choices and Telegram's file ids, never a picture."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from aiogram import BaseMiddleware
from aiogram.types import Message, TelegramObject
from aiogram.types import User as TelegramUser
from aiogram.utils.i18n.middleware import I18nMiddleware

from model_cyclegan.season import Direction

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
    asked_album: str | None = None  # the album we have asked about

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
    """Hands each handler its `user`, a fresh one for somebody never seen before."""

    def __init__(self) -> None:
        self.users: dict[int, User] = {}

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        sender: TelegramUser | None = data.get("event_from_user")
        user_id = sender.id if sender else 0  # a channel's post has no sender
        user = data["user"] = self.users.setdefault(user_id, User(user_id))
        user.telegram_language = (sender.language_code if sender else None) or ""
        return await handler(event, data)


class LanguageMiddleware(I18nMiddleware):
    """Answers each update in its sender's language."""

    async def get_locale(self, event: TelegramObject, data: dict[str, Any]) -> str:
        user: User = data["user"]
        return user.speaks
