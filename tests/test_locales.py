"""Every text the bot can say is translated, and the compiled catalogue is that of the sources."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

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


def test_russian_is_there() -> None:
    assert LOCALES == ["ru"]


@pytest.mark.parametrize("locale", LOCALES)
def test_catalogue_holds_just_the_messages_of_the_sources(locale: str) -> None:
    assert {message.id for message in catalogue(locale) if message.id} == message_ids()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_message_is_translated_with_its_placeholders_and_tags(locale: str) -> None:
    special = re.compile(r"{\w+}|</?\w+>|/\w+\b(?!>)")
    for message in catalogue(locale):
        if not message.id:
            continue
        assert not message.fuzzy
        wanted = message.id if isinstance(message.id, str) else message.id[-1]
        forms = [message.string] if isinstance(message.string, str) else message.string or []
        assert len(forms) == (catalogue(locale).num_plurals if message.pluralizable else 1)
        for form in forms:
            assert form, f"not translated: {message.id}"
            assert sorted(special.findall(wanted)) == sorted(special.findall(form))


@pytest.mark.parametrize("locale", LOCALES)
def test_compiled_catalogue_is_up_to_date(locale: str) -> None:
    compiled = BytesIO()
    write_mo(compiled, catalogue(locale))
    compiled.seek(0)
    with (ROOT / "locales" / locale / "LC_MESSAGES" / "messages.mo").open("rb") as mo:
        shipped, made = ({str(m.id): m.string for m in read_mo(f)} for f in (mo, compiled))
    assert shipped == made
