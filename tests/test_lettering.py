"""The names under pictures can be drawn in every language."""

import pytest
from aiogram.utils.i18n import I18n
from PIL import Image, ImageFont

import texts
from languages import NAMES
from lettering import as_drawn, font_for
from settings import ROOT
from sheet import numbered

I18N = I18n(path=ROOT / "locales")


def drawn(letter: str, font: ImageFont.FreeTypeFont) -> bytes:
    return bytes(font.getmask(letter))


@pytest.mark.parametrize("language", NAMES)
def test_fonts_have_the_letters_of_all_titles(language: str) -> None:
    """One that a font lacks is drawn as a character that no font has."""
    with I18N.context(), I18N.use_locale(language):
        titles = texts.titles()
    for title in map(as_drawn, titles):
        font = font_for(title, 30)
        missing = [letter for letter in title if drawn(letter, font) == drawn("\U000fffff", font)]
        assert not missing, title


def test_other_letters_stay_as_they_are() -> None:
    assert as_drawn("Дорога, 1890 – Öpücük 星夜") == "Дорога, 1890 – Öpücük 星夜"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u0633\u0628", "\ufe90\ufeb3"),  # initial, final; from the right
        ("\u0628\u0633\u0628", "\ufe90\ufeb4\ufe91"),
        ("\u062f\u0628", "\ufe8f\ufea9"),  # dal joins nothing after it
        ("\u0633\u200c\u0628", "\ufe8f\ufeb1"),  # kept apart
        ("\u0644\u0627", "\ufefb"),  # one sign for both
        ("\u0628\u0644\u0627", "\ufefc\ufe91"),
        ("\u0628 12", "12 \ufe8f"),
        ("\u0633\u0650\u0628", "\ufe90\ufeb3"),  # a vowel sign parts nothing
        ("\u06a9\u06cc", "\ufbfd\ufb90"),  # Persian ones
    ],
)
def test_arabic_letters_are_joined_from_right_to_left(text: str, shown: str) -> None:
    assert as_drawn(text) == shown


@pytest.mark.parametrize("language", ["fa", "zh"])
def test_a_sheet_bears_its_names(language: str) -> None:
    tiles = [Image.new("RGB", (320, 240), "white")] * 2
    with I18N.context(), I18N.use_locale(language):
        names = texts.titles()[:2]
    sheet = numbered(tiles, 2, names)
    below = sheet.crop((0, 248, sheet.width, sheet.height)).convert("L")
    assert min(below.tobytes()) < 64
