"""The famous paintings people can pick without sending one. All are in the public domain."""

from dataclasses import dataclass
from pathlib import Path

from settings import ROOT
from untranslated import translatable


@dataclass(frozen=True)
class Preset:
    """A painting; `author`, `title` and `short` are English and serve as gettext message ids.

    `short` is the title on half a row of buttons. `focus` is which part is left of a painting that
    is cut to another shape, from the left and the top, 0 to 1.
    """

    name: str
    file: str
    author: str
    title: str
    short: str
    year: int
    focus: tuple[float, float] = (0.5, 0.1)

    @property
    def path(self) -> Path:
        return ROOT / "images" / "styles" / self.file


_PAINTINGS = (
    (
        "starry_night",
        "1_starry_night.jpg",
        translatable("Vincent van Gogh"),
        translatable("The Starry Night"),
        translatable("The Starry Night"),
        1889,
    ),
    (
        "great_wave",
        "2_great_wave.jpg",
        translatable("Katsushika Hokusai"),
        translatable("The Great Wave off Kanagawa"),
        translatable("The Great Wave"),
        1831,
        (0.3, 0.5),
    ),
    (
        "kiss",
        "3_kiss.jpg",
        translatable("Gustav Klimt"),
        translatable("The Kiss"),
        translatable("The Kiss"),
        1908,
        (0.5, 0.0),
    ),
    (
        "composition_viii",
        "4_composition_viii.jpg",
        translatable("Wassily Kandinsky"),
        translatable("Composition VIII"),
        translatable("Composition VIII"),
        1923,
        (0.0, 0.5),
    ),
    (
        "auvers",
        "5_village_street_in_auvers.jpg",
        translatable("Vincent van Gogh"),
        translatable("Village Street in Auvers"),
        translatable("Street in Auvers"),
        1890,
    ),
    (
        "moulin_de_la_galette",
        "6_moulin_de_la_galette.jpg",
        translatable("Pierre-Auguste Renoir"),
        translatable("Bal du moulin de la Galette"),
        translatable("La Galette"),
        1876,
    ),
    (
        "summertime",
        "7_summertime.jpg",
        translatable("Mary Cassatt"),
        translatable("Summertime"),
        translatable("Summertime"),
        1894,
    ),
    (
        "ejiri",
        "8_ejiri_in_suruga.jpg",
        translatable("Katsushika Hokusai"),
        translatable("Ejiri in Suruga Province"),
        translatable("Ejiri"),
        1832,
        (0.4, 0.5),
    ),
    (
        "mona_lisa",
        "9_mona_lisa.jpg",
        translatable("Leonardo da Vinci"),
        translatable("Mona Lisa"),
        translatable("Mona Lisa"),
        1503,
    ),
    (
        "lion",
        "10_lion.jpg",
        translatable("Albrecht Dürer"),
        translatable("Lion"),
        translatable("Lion"),
        1494,
    ),
    (
        "harvesters",
        "11_harvesters.jpg",
        translatable("Pieter Bruegel"),
        translatable("The Harvesters"),
        translatable("The Harvesters"),
        1565,
    ),
    (
        "spring",
        "12_spring.jpg",
        translatable("Giuseppe Arcimboldo"),
        translatable("Spring"),
        translatable("Spring"),
        1573,
        (0.5, 0.0),
    ),
    (
        "girls_at_the_piano",
        "13_girls_at_the_piano.jpg",
        translatable("Pierre-Auguste Renoir"),
        translatable("Girls at the Piano"),
        translatable("At the Piano"),
        1892,
    ),
    (
        "ramparts",
        "14_ramparts.jpg",
        translatable("Frédéric Bazille"),
        translatable("The Ramparts at Aigues-Mortes"),
        translatable("The Ramparts"),
        1867,
        (0.9, 0.5),
    ),
    (
        "poppies",
        "15_poppies.jpg",
        translatable("Katsushika Hokusai"),
        translatable("Poppies"),
        translatable("Poppies"),
        1833,
        (0.8, 0.5),
    ),
    (
        "horse_mackerel",
        "16_horse_mackerel.jpg",
        translatable("Utagawa Hiroshige"),
        translatable("Horse Mackerel and Prawns"),
        translatable("Horse Mackerel"),
        1840,
    ),
)

PRESETS: dict[str, Preset] = {row[0]: Preset(*row) for row in _PAINTINGS}
