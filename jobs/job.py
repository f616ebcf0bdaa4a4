"""A job: what somebody wants done with a photo, or with the photos of an album, and its JSON.

It holds ids and choices, never a picture, so it can be written down and found again by any process.
"""

from dataclasses import dataclass
from typing import Annotated

from aiogram.types import ReplyParameters
from pydantic import Field, TypeAdapter

from languages import Language
from store import Accepted
from users import Photo
from wishes import SeasonWish, StyleWish, Wish

CLIP_STYLE, CLIP_SEASON = "clip_style", "clip_season"  # kinds


@dataclass(frozen=True)
class Picture:
    """A result that Telegram has."""

    file_id: str
    as_photo: bool
    people: bool = False  # there are some in the painting
    moves: bool = False


@dataclass(frozen=True)
class Job:
    """`id` is made of what asked for it: the same update delivered again makes the same job."""

    id: str
    chat_id: int
    user_id: int
    language: Language
    photo: Photo
    wish: Wish
    more: tuple[Photo, ...] = ()  # the others of its album, in their order
    gathered: float = 0  # when the last photo of an album came, seconds since 1970
    results: tuple[Picture | None, ...] = ()  # of the first photos of an album; None: unreadable
    # An album of results is sent once: True from before its sending. `sent` in JSON.
    album_may_be_there: Annotated[bool, Field(alias="sent")] = False

    put_off: int = 0  # how often, since Telegram was away or told to wait
    again_at: float = 0  # not to be tried before, seconds since 1970

    @property
    def photos(self) -> tuple[Photo, ...]:
        return self.photo, *self.more

    @property
    def kind(self) -> str:
        """What jobs of about the same length have in common."""
        if isinstance(self.wish, StyleWish):
            return CLIP_STYLE if self.photo.moves else "style"
        if isinstance(self.wish, SeasonWish):
            return CLIP_SEASON if self.photo.moves else "season"
        return "compare"

    @property
    def reply(self) -> ReplyParameters:
        """Its messages stand under its photo."""
        return ReplyParameters(message_id=self.photo.message_id, allow_sending_without_reply=True)


_JOB = TypeAdapter(Job)


def job_in(accepted: Accepted) -> Job:
    """Reads the job's JSON; raises `ValidationError` for one written by another version."""
    return _JOB.validate_json(accepted.job)


def to_json(job: Job) -> str:
    return _JOB.dump_json(job, by_alias=True, exclude_defaults=True).decode()
