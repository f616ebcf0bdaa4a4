"""What somebody may want done with a photo: choices and Telegram's file ids, never a picture."""

from dataclasses import dataclass
from typing import Literal, get_args

Strength = Literal["soft", "normal", "strong"]
Strokes = Literal["fine", "normal", "large"]
Direction = Literal["summer2winter", "winter2summer"]
Faces = Literal["keep", "free"]
Only = Literal["all", "people", "background"]
Amount = Literal["light", "normal", "deep"]
Share = Literal[50, 25, 75]  # percent

STRENGTHS: tuple[Strength, ...] = get_args(Strength)
STROKES: tuple[Strokes, ...] = get_args(Strokes)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
FACES: tuple[Faces, ...] = get_args(Faces)
ONLY: tuple[Only, ...] = get_args(Only)
SHARES: tuple[Share, ...] = get_args(Share)
MOST_CLIP_SECONDS = 10  # of what is repainted frame by frame
AMOUNTS: dict[Amount, float] = {"light": 0.6, "normal": 1, "deep": 1.4}  # of `change_season`


@dataclass(frozen=True, kw_only=True)
class PaintingOptions:
    """How a photo is painted, in whatever style. Each option is listed here and nowhere else.

    `paint` takes it as it is; stored jobs keep it under its name; the command line offers what is
    a literal or a bool. So a new option needs a default, which is what older jobs mean.
    """

    strength: Strength = "normal"
    strokes: Strokes = "normal"
    keep_colours: bool = False  # the photo's own
    variation: int = 0  # another one is another painting
    faces: Faces = "keep"  # as they are in the photo, or painted like everything else
    only: Only = "all"  # the rest stays a photograph


USUAL = PaintingOptions()


@dataclass(frozen=True)
class StyleWish(PaintingOptions):
    """To be painted in a style: a preset's name, or the unique id of a picture of the user's own,
    which Telegram then has under `file_id`. A `second` style is mixed with it by its `share`. What
    is behind the people may be in a style of its own, the `background`.
    """

    style: str
    file_id: str | None
    second: str | None = None
    second_file_id: str | None = None
    as_file: bool = False  # without loss, also where the photo came as a photo
    background: str | None = None
    background_file_id: str | None = None
    season: Direction | None = None  # first
    share: Share = 50  # of the second style, in percent

    @property
    def is_parted(self) -> bool:
        """Whether people and what is behind them are treated differently."""
        return self.only != "all" or self.background is not None


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
