"""What somebody may want done with a photo: choices and Telegram's file ids, never a picture."""

from dataclasses import dataclass
from typing import Literal, get_args

Strength = Literal["soft", "normal", "strong"]
Strokes = Literal["fine", "normal", "large"]
Direction = Literal["summer2winter", "winter2summer"]
Amount = Literal["light", "normal", "deep"]

STRENGTHS: tuple[Strength, ...] = get_args(Strength)
STROKES: tuple[Strokes, ...] = get_args(Strokes)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
AMOUNTS: dict[Amount, float] = {"light": 0.6, "normal": 1, "deep": 1.4}  # of `change_season`


@dataclass(frozen=True)
class StyleWish:
    """To be painted in a style: a preset's name, or the unique id of a picture of the user's own,
    which Telegram then has under `file_id`. A `second` style is mixed with it half and half.
    Another `variation` is another painting.
    """

    style: str
    file_id: str | None
    strength: Strength = "normal"
    variation: int = 0
    strokes: Strokes = "normal"
    keep_colours: bool = False  # the photo's own
    second: str | None = None
    second_file_id: str | None = None
    as_file: bool = False  # without loss, also where the photo came as a photo


@dataclass(frozen=True)
class SeasonWish:
    """To be shown half a year later."""

    direction: Direction
    amount: Amount = "normal"
    as_file: bool = False


@dataclass(frozen=True)
class CompareWish:
    """To be shown beside what became of it, which Telegram has under the file id `result`."""

    result: str


Wish = StyleWish | SeasonWish | CompareWish
