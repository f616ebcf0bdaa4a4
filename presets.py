"""The famous paintings people can pick without sending one. All are in the public domain."""

from dataclasses import dataclass
from pathlib import Path

from settings import ROOT


@dataclass(frozen=True)
class Preset:
    """A painting; `author` and `title` are English and serve as gettext message ids."""

    name: str
    file: str
    author: str
    title: str
    year: int

    @property
    def path(self) -> Path:
        return ROOT / "images" / "styles" / self.file


def N_(message: str) -> str:
    """Marks a message id for extraction; it is translated where it is shown."""
    return message


_PAINTINGS = (
    ("starry_night", "1_starry_night.jpg", N_("Vincent van Gogh"), N_("The Starry Night"), 1889),
    (
        "great_wave",
        "2_great_wave.jpg",
        N_("Katsushika Hokusai"),
        N_("The Great Wave off Kanagawa"),
        1831,
    ),
    ("kiss", "3_kiss.jpg", N_("Gustav Klimt"), N_("The Kiss"), 1908),
    (
        "composition_viii",
        "4_composition_viii.jpg",
        N_("Wassily Kandinsky"),
        N_("Composition VIII"),
        1923,
    ),
    (
        "auvers",
        "5_village_street_in_auvers.jpg",
        N_("Vincent van Gogh"),
        N_("Village Street in Auvers"),
        1890,
    ),
    (
        "moulin_de_la_galette",
        "6_moulin_de_la_galette.jpg",
        N_("Pierre-Auguste Renoir"),
        N_("Bal du moulin de la Galette"),
        1876,
    ),
    ("summertime", "7_summertime.jpg", N_("Mary Cassatt"), N_("Summertime"), 1894),
    (
        "ejiri",
        "8_ejiri_in_suruga.jpg",
        N_("Katsushika Hokusai"),
        N_("Ejiri in Suruga Province"),
        1832,
    ),
)

PRESETS: dict[str, Preset] = {row[0]: Preset(*row) for row in _PAINTINGS}
