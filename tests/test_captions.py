"""Captions in every language, as people write them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiogram.utils.i18n import I18n
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers import vocabulary
from handlers.captions import understand
from languages import NAMES, code_of
from settings import ROOT
from wishes import Direction, SeasonWish, StyleWish, Wish

SEASONS: dict[Direction, str] = {"summer2winter": "winter", "winter2summer": "summer"}

I18N = I18n(path=ROOT / "locales")


def tables() -> dict[str, list[list[str]]]:
    """By language the rows of captions.txt: a caption, and what is meant."""
    read: dict[str, list[list[str]]] = {}
    for line in Path(__file__).with_name("captions.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            rows = read.setdefault(line.strip("[]"), [])
        elif " = " in line:
            rows.append(line.rsplit(" = ", 1))
    return read


TABLES = tables()


def wish_in(text: str, i18n: I18n, usual: Wish | None = None) -> StyleWish | SeasonWish | None:
    return understand(text, i18n, usual).wish


def in_short(text: str) -> str:
    """What is understood, as the table says it."""
    found = understand(text, I18N)
    wish = found.wish
    if wish is None:
        return f"?{found.near}" if found.near else "-"
    if isinstance(wish, SeasonWish):
        amount = {"light": ["soft"], "deep": ["strong"], "normal": []}[wish.amount]
        parts = [SEASONS[wish.direction], *amount]
    else:
        season = [SEASONS[wish.season]] if wish.season else []
        parts = ["+".join(style for style in (wish.style, wish.second) if style), *season]
        parts += [word for word in (wish.strength, wish.strokes) if word != "normal"]
        parts += ["colours"] if wish.keep_colours else []
        parts += [f"only_{wish.only}"] if wish.only != "all" else []
        parts += [f"background={wish.background}"] if wish.background else []
        parts += ["free"] if wish.faces == "free" else []
    return " ".join([*parts, *(["file"] if wish.as_file else [])])


def test_every_language_has_its_captions() -> None:
    assert len(TABLES["en and ru"]) >= 150
    others = [language for language in NAMES if language not in ("en", "ru")]
    assert sorted(TABLES.keys() - {"en and ru"}) == sorted(map(code_of, others))
    assert min(len(rows) for rows in TABLES.values()) >= 20


@pytest.mark.parametrize("language", TABLES)
def test_captions_are_meant_as_the_table_says(language: str) -> None:
    """At least 95% of them, and of those that name nothing none is taken for a wish."""
    table = TABLES[language]
    wrong = [(text, meant, in_short(text)) for text, meant in table if in_short(text) != meant]
    assert len(wrong) <= 0.05 * len(table), wrong
    assert not [text for text, meant, found in wrong if meant == "-" and found[0] not in "-?"]


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("klimt with purple glitter", ("purple", "glitter")),
        ("klimt autumn", ("autumn",)),
        ("Климт и дракон", ("дракон",)),
        ("klimt, please", ()),
        ("Hokusai wave", ()),
        ("Климт и чайник", ("чайник",)),
        ("Klimt avec des éléphants", ("éléphants",)),
        ("克里姆特和龙", ("龙",)),
    ],
)
def test_words_that_are_not_understood_are_told(text: str, unknown: tuple[str, ...]) -> None:
    assert understand(text, I18N).wish
    assert understand(text, I18N).unknown == unknown


@pytest.mark.parametrize("text", ["волна", "Guten Morgen", "ma famille", "jalan", "Brian"])
def test_what_resembles_an_ordinary_word_is_not_asked_about(text: str) -> None:
    """Such words are the titles of paintings too: spring, walls, a lion."""
    assert understand(text, I18N).near is None


def test_no_word_means_two_things() -> None:
    assert not vocabulary.NOT & vocabulary.FILLERS
    assert not vocabulary.NOT & vocabulary.FROM
    silent = vocabulary.FILLERS | vocabulary.NOT
    assert not [word for word in silent if vocabulary.WINTER.fullmatch(word)]
    assert not [word for word in silent if vocabulary.SUMMER.fullmatch(word)]
    assert sorted(path.stem for path in vocabulary.FOLDER.iterdir()) == sorted(NAMES)


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_borne(text: str) -> None:
    understand(text, I18N)


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


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("only the background, klimt", StyleWish("kiss", None, only="background")),
        ("Background only: great wave", StyleWish("great_wave", None, only="background")),
        ("klimt only people", StyleWish("kiss", None, only="people")),
        ("klimt background great wave", StyleWish("kiss", None, background="great_wave")),
        ("Great wave. Background: Klimt", StyleWish("great_wave", None, background="kiss")),
        ("background: great wave", StyleWish("great_wave", None, only="background")),
        ("faces free, Klimt", StyleWish("kiss", None, faces="free")),
        ("только фон, Климт", StyleWish("kiss", None, only="background")),
        ("Климт, только люди", StyleWish("kiss", None, only="people")),
        ("Климт, фон: большая волна", StyleWish("kiss", None, background="great_wave")),
        ("фон: большая волна", StyleWish("great_wave", None, only="background")),
        ("Климт, лица свободно", StyleWish("kiss", None, faces="free")),
    ],
)
def test_a_painting_of_people_or_of_what_is_behind_them(text: str, wish: StyleWish) -> None:
    assert wish_in(text, I18N) == wish


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("only people", {"only": "people"}),
        ("только люди", {"only": "people"}),
        ("just the background", {"only": "background"}),
        ("фон: большая волна", {"background": "great_wave"}),
        ("faces free", {"faces": "free"}),
        ("лица свободно", {"faces": "free"}),
    ],
)
def test_what_is_only_about_people_is_in_the_usual_style(
    text: str, options: dict[str, Any]
) -> None:
    usual = StyleWish("own", "file", second="kiss")
    assert wish_in(text, I18N, usual) == replace(usual, **options)
    if "background" not in options:
        assert wish_in(text, I18N) is None
        assert wish_in(text, I18N, SeasonWish("summer2winter")) is None


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
        "only the two of us",
        "me, with the sea in the background",
        "It was the coldest winter that anybody in our valley remembers",
    ],
)
def test_other_words_name_nothing(text: str) -> None:
    assert wish_in(text, I18N) is None
    assert wish_in(text, I18N, StyleWish("kiss", None)) is None
