"""What the bot remembers of a person: choices and Telegram's file ids, never a picture."""

import logging
import time
from dataclasses import dataclass, field, replace
from typing import Literal

from aiogram.types import Animation, Document, Message, PhotoSize, Sticker, Video, VideoNote
from pydantic import TypeAdapter, ValidationError

from languages import Language, language_of
from wishes import (
    Amount,
    Direction,
    Faces,
    Only,
    SeasonWish,
    Share,
    Strength,
    Strokes,
    StyleWish,
    Wish,
)

log = logging.getLogger(__name__)

Mode = Literal["style"] | Direction

ASKED_SECONDS = 600.0  # for which the next picture is taken for a style
OWN_STYLES = 6  # style pictures of their own that are remembered for each user
# Of a `StyleWish`, which stay with the next photos, and what is usual.
KEPT_OPTIONS = {
    "strength": "normal",
    "strokes": "normal",
    "keep_colours": False,
    "faces": "keep",
    "only": "all",
    "season": None,
    "share": 50,
}
PENDING = 10  # photos that wait for a choice; an album has at most ten


@dataclass(frozen=True)
class Photo:
    """A picture somebody sent: `as_file` when it came, and goes back, as an uncompressed file.

    `moves` where it is a clip: a GIF or a video. Each clip is for itself, in albums too.
    """

    file_id: str
    unique_id: str
    message_id: int
    as_file: bool = False
    size: int = 0  # bytes, 0 where Telegram does not say
    chat_id: int = 0
    album: str | None = None  # Telegram's id of the album that it came in
    thumbnail: str | None = None  # file id
    moves: bool = False
    seconds: int = 0  # of a clip, 0 where Telegram does not say


@dataclass
class User:
    """The state object of one user."""

    id: int
    telegram_language: str = ""  # IETF tag of their Telegram
    language: Language | None = None  # chosen by /language
    mode: Mode | None = None
    style: str | None = None  # a preset's name or a key of own_styles
    second_style: str | None = None  # mixed with it
    background: str | None = None  # likewise, behind people
    only: Only = "all"
    faces: Faces = "keep"
    strength: Strength = "normal"
    strokes: Strokes = "normal"
    keep_colours: bool = False
    season: Direction | None = None  # of a photo that is painted
    share: Share = 50  # of the second style
    amount: Amount = "normal"  # of a season
    own_styles: dict[str, str] = field(default_factory=dict)  # unique id to file id
    thumbnails: dict[str, str] = field(default_factory=dict)  # of own_styles, likewise
    pending: list[Photo] = field(default_factory=list)  # sent before anything was chosen
    recent: list[Photo] = field(default_factory=list)  # worked on lately
    answered_album: str | None = None  # the album of which we have said something
    style_album: str | None = None  # the album whose first picture has just become the style
    style_answer: int | None = None  # the message in which we said so
    seen: str = ""  # the last day on which they were counted
    asked: float = 0  # when a style picture was asked for, seconds since 1970

    @property
    def speaks(self) -> Language:
        """The chosen language, else that of their Telegram."""
        return self.language or language_of(self.telegram_language)

    @property
    def wish(self) -> Wish | None:
        """What is to be done with photos, if that is chosen."""
        if self.mode is not None and self.mode != "style":
            return SeasonWish(self.mode, self.amount)
        if self.style is None:
            return None
        second = self.second_style
        return StyleWish(
            self.style,
            self.own_styles.get(self.style),
            second=second,
            second_file_id=self.own_styles.get(second) if second else None,
            background=self.background,
            background_file_id=self.own_styles.get(self.background or ""),
            **{option: getattr(self, option) for option in KEPT_OPTIONS},
        )

    @property
    def awaits_style(self) -> bool:
        """Whether the next picture is taken for a style: what is asked for long ago is not."""
        is_asked = self.mode == "style" and self.style is None
        return is_asked and time.time() - self.asked < ASKED_SECONDS

    def ask_no_longer(self) -> None:
        """The next picture is no style, if one was expected."""
        if self.wish is None:
            self.mode = None

    def choose(self, wish: Wish | None) -> None:
        """The wish for photos to come; None: a style picture is expected."""
        self.asked = 0 if wish else time.time()
        self.mode, self.style, self.second_style = "style", None, None
        self.background, self.amount = None, "normal"
        if isinstance(wish, SeasonWish):
            self.mode, self.amount = wish.direction, wish.amount
        elif isinstance(wish, StyleWish):
            self.style, self.second_style = wish.style, wish.second
            self.background = wish.background
        for option, usual in KEPT_OPTIONS.items():
            setattr(self, option, getattr(wish, option, usual))

    def keep_style(self, photo: Photo) -> None:
        """As the newest of their own styles; the oldest makes room."""
        for kept, file_id in (
            (self.own_styles, photo.file_id),
            (self.thumbnails, photo.thumbnail or photo.file_id),
        ):
            kept.pop(photo.unique_id, None)
            kept[photo.unique_id] = file_id
            if len(kept) > OWN_STYLES:
                del kept[next(iter(kept))]

    def remember_photo(self, photo: Photo) -> None:
        """Among those that wait for a choice; the oldest makes room."""
        others = [waiting for waiting in self.pending if not is_same_message(waiting, photo)]
        self.pending = [*others, photo][-PENDING:]

    def take_pending(self, chat_id: int) -> list[Photo]:
        """Returns the photos that wait in this chat, which wait no longer."""
        photos = [photo for photo in self.pending if photo.chat_id == chat_id]
        self.pending = [photo for photo in self.pending if photo.chat_id != chat_id]
        return photos

    def no_longer_pending(self, photos: list[Photo]) -> None:
        """They do not wait for a choice, where they did."""
        self.pending = [p for p in self.pending if not any(is_same_message(p, q) for q in photos)]

    def note_recent(self, photos: list[Photo]) -> None:
        """Among those worked on lately, which buttons under albums need; the oldest make room."""
        others = [old for old in self.recent if not any(is_same_message(old, p) for p in photos)]
        self.recent = [*others, *photos][-PENDING:]

    def forget_everything(self) -> None:
        vars(self).update(vars(User(self.id, self.telegram_language)))


def is_same_message(one: Photo, other: Photo) -> bool:
    return (one.chat_id, one.message_id) == (other.chat_id, other.message_id)


_USER = TypeAdapter(User)


def to_json(user: User) -> str | None:
    """The JSON to keep; None for somebody who has chosen and sent nothing yet."""
    kept = replace(user, telegram_language="")  # each update tells it
    return None if kept == User(user.id) else _USER.dump_json(kept, exclude_defaults=True).decode()


def from_json(user_id: int, kept: str | None) -> User:
    """The user whose JSON is `kept`; a new one for None and for JSON of another version."""
    try:
        return _USER.validate_json(kept) if kept else User(user_id)
    except ValidationError:  # its words would hold what the user chose
        log.error("user %s is forgotten: another version wrote of them", user_id)
        return User(user_id)


def photo_in(message: Message) -> Photo | None:
    """The picture in a message, if there is one: a photo, a clip, a file of type image or video, a
    sticker that does not move.
    """
    if clip := message.animation or message.video or message.video_note:
        return _clip_in(message, clip, clip.duration)
    file: PhotoSize | Document | Sticker
    document, sticker = message.document, message.sticker
    if message.photo:
        sizes = sorted(message.photo, key=lambda size: size.width * size.height)
        file, thumbnail = sizes[-1], next((s for s in sizes if max(s.width, s.height) >= 200), None)
    elif document and is_clip(document):
        return _clip_in(message, document, 0)
    elif document and (document.mime_type or "").startswith("image/"):
        file, thumbnail = document, document.thumbnail
    elif sticker and not sticker.is_animated and not sticker.is_video:
        file, thumbnail = sticker, sticker.thumbnail
    else:
        return None
    return Photo(
        file.file_id,
        file.file_unique_id,
        message.message_id,
        as_file=file is document,
        size=file.file_size or 0,
        chat_id=message.chat.id,
        album=message.media_group_id,
        thumbnail=thumbnail.file_id if thumbnail else None,
    )


def is_clip(document: Document) -> bool:
    """A GIF may hold a single frame: who works on it will see."""
    mime_type = document.mime_type or ""
    return mime_type == "image/gif" or mime_type.startswith("video/")


def _clip_in(
    message: Message, clip: Animation | Video | VideoNote | Document, seconds: int
) -> Photo:
    return Photo(
        clip.file_id,
        clip.file_unique_id,
        message.message_id,
        as_file=isinstance(clip, Document),
        size=clip.file_size or 0,
        chat_id=message.chat.id,
        thumbnail=clip.thumbnail.file_id if clip.thumbnail else None,
        moves=True,
        seconds=seconds,
    )
