"""Captions in both languages, as people write them."""

import pytest
from aiogram.utils.i18n import I18n

from handlers.captions import wish_in
from settings import ROOT
from wishes import SeasonWish, StyleWish

I18N = I18n(path=ROOT / "locales")


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("Klimt", "kiss"),
        ("in the style of KLIMT", "kiss"),
        ("the kiss", "kiss"),
        ("в стиле Климта, пожалуйста", "kiss"),
        ("great wave", "great_wave"),
        ("great_wave", "great_wave"),
        ("Большая волна", "great_wave"),
        ("Хокусая", "great_wave"),
        ("Hokusai, Ejiri", "ejiri"),
        ("Звездную ночь!", "starry_night"),
        ("Ван Гог", "starry_night"),
        ("деревенская улица", "auvers"),
        ("Renoir's", "moulin_de_la_galette"),
        ("composition viii", "composition_viii"),
        ("Мэри Кассат", "summertime"),
    ],
)
def test_a_painting_is_named(text: str, style: str) -> None:
    assert wish_in(text, I18N) == StyleWish(style, None)


@pytest.mark.parametrize("text", ["Winter", "сделай зиму", "зимой", "from summer to winter"])
def test_winter_is_named(text: str) -> None:
    assert wish_in(text, I18N) == SeasonWish("summer2winter")


@pytest.mark.parametrize("text", ["SUMMER", "лето", "из зимы в лето", "make it summer, please"])
def test_summer_is_named(text: str) -> None:
    assert wish_in(text, I18N) == SeasonWish("winter2summer")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "🎨",
        "What a day",
        "Мне 5 лет",
        "ночь",
        "a street in the village",
        "It was the coldest winter that anybody in our valley remembers",
    ],
)
def test_other_words_name_nothing(text: str) -> None:
    assert wish_in(text, I18N) is None
