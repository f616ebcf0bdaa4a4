"""Every text the bot can say is translated, and the compiled catalogue is that of the sources."""

import gettext
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from aiogram.utils.i18n import I18n
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

import texts
from languages import NAMES, language_of

ROOT = Path(__file__).parents[1]
# The folders with messages in their modules.
SPEAKING = ("handlers", "jobs", "moving_pictures", "telegram_api")
KEYWORDS = {**DEFAULT_KEYWORDS, "translatable": None}
LOCALES = sorted(path.parents[1].name for path in (ROOT / "locales").glob("*/LC_MESSAGES/*.po"))


def catalogue(locale: str) -> Catalog:
    with (ROOT / "locales" / locale / "LC_MESSAGES" / "messages.po").open("rb") as po:
        return read_po(po, locale=locale)


def message_ids() -> set[str | tuple[str, ...]]:
    """Of a message with a plural, both."""
    files = [
        *ROOT.glob("*.py"),
        *(path for name in SPEAKING for path in (ROOT / name).glob("*.py")),
    ]
    rows = [row for path in files for row in extract_from_file("python", path, keywords=KEYWORDS)]
    return {message for _line, message, *_ in rows}


def test_make_gathers_what_the_tests_look_at() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("pybabel extract")[2].partition("pybabel")[0]
    assert "-k translatable" in recipe
    assert f"*.py {' '.join(SPEAKING)}" in recipe


def test_every_language_has_its_catalogue() -> None:
    assert {"en", *LOCALES} == set(NAMES)


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en", "en"), ("ru", "ru"), ("es-419", "es"), ("fa-IR", "fa"), ("pt-br", "pt_BR"),
        ("pt", "pt_BR"), ("zh-hans", "zh"), ("fil", "en"), ("", "en"),
    ],
)  # fmt: skip
def test_telegrams_language_is_spoken_where_we_have_it(tag: str, language: str) -> None:
    assert language_of(tag) == language


@pytest.mark.parametrize("locale", LOCALES)
def test_catalogue_holds_just_the_messages_of_the_sources(locale: str) -> None:
    held = {message.id for message in catalogue(locale) if message.id}
    assert not message_ids() - held, f"{locale} lacks these"
    assert not held - message_ids(), f"{locale} has these for nothing"


def forms_of(message: Message) -> list[str]:
    string = message.string
    return [string] if isinstance(string, str) else list(string or [])


def translated(locale: str) -> Iterator[tuple[str, list[str]]]:
    """The English, of a plural the last form, and the translation's forms."""
    for message in catalogue(locale):
        if message.id:
            english = message.id if isinstance(message.id, str) else message.id[-1]
            yield english, forms_of(message)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_message_is_translated(locale: str) -> None:
    assert not [message.id for message in catalogue(locale) if message.id and message.fuzzy]
    missing = [english for english, forms in translated(locale) if not forms or not all(forms)]
    assert not missing, f"{locale} lacks these"


@pytest.mark.parametrize("locale", LOCALES)
def test_nothing_is_said_twice(locale: str) -> None:
    """As where the parts of a long message are put in a second time."""
    for _, forms in translated(locale):
        for form in forms:
            assert len(form) < 10 or form[: len(form) // 2] != form[-(len(form) // 2) :], form


@pytest.mark.parametrize("locale", LOCALES)
def test_placeholders_tags_and_commands_are_those_of_the_english(locale: str) -> None:
    special = re.compile(r"{[^}]+}|</?\w+>|/\w+\b(?!>)")
    for english, forms in translated(locale):
        for form in forms:
            assert sorted(special.findall(english)) == sorted(special.findall(form)), form
            assert form == form.strip() or english == ", "
            assert "  " not in form


@pytest.mark.parametrize("locale", LOCALES)
def test_plurals_are_those_of_the_language(locale: str) -> None:
    """Numbers share a form where they share the category that CLDR gives them."""
    kept = catalogue(locale)
    assert all(len(forms_of(m)) == kept.num_plurals for m in kept if m.pluralizable)
    form_of = gettext.c2py(kept.plural_expr)
    pairs = {(form_of(n), Locale.parse(locale).plural_form(n)) for n in range(200)}
    forms, categories = zip(*pairs, strict=True)
    assert len(pairs) == len(set(forms)) == len(set(categories)) == kept.num_plurals


@pytest.mark.parametrize("language", NAMES)
def test_what_telegram_bounds_is_short_enough(language: str) -> None:
    i18n = I18n(path=ROOT / "locales")
    with i18n.context(), i18n.use_locale(language):
        assert len(texts.description()) <= 512
        assert len(texts.short_description()) <= 120
        assert len(texts.not_yours()) <= 200
        assert all(len(said) <= 60 for said in texts.command_descriptions().values())


@pytest.mark.parametrize("locale", LOCALES)
def test_compiled_catalogue_is_up_to_date(locale: str) -> None:
    compiled = BytesIO()
    write_mo(compiled, catalogue(locale))
    compiled.seek(0)
    with (ROOT / "locales" / locale / "LC_MESSAGES" / "messages.mo").open("rb") as mo:
        shipped, made = ({str(m.id): m.string for m in read_mo(f)} for f in (mo, compiled))
    assert shipped == made
