"""Our own photos, and what was made of each; `python -m tools.examples` paints them anew."""

from dataclasses import dataclass
from pathlib import Path

from settings import ROOT

PHOTOS = ROOT / "images" / "photos"
PEOPLE = ROOT / "images" / "people"


@dataclass(frozen=True)
class Example:
    """A photo of ours and what was made of it: a preset's name, or a direction."""

    photo: str
    made: str
    folder: Path = PHOTOS  # of the photo

    @property
    def path(self) -> Path:
        return ROOT / "images" / "examples" / f"{self.photo}_{self.made}.jpg"


EXAMPLES = (
    Example("summer_palace", "great_wave"),
    Example("astronaut", "starry_night"),
    Example("chelsea", "kiss"),
    Example("summer_rice_fields", "summer2winter"),
    Example("winter_slope", "winter2summer"),
    Example("summer_valley", "auvers"),
    Example("coffee", "summertime"),
    Example("grace_hopper", "great_wave", PEOPLE),
)
