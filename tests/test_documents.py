"""The READMEs tell the truth where a machine can check it."""

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices

from settings import Settings

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.ru.md")


def variables() -> dict[str, str]:
    """Each environment variable with its default, as a README writes it."""
    found = {}
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        names = alias.choices if isinstance(alias, AliasChoices) else [name]
        value = field.default
        default = f"{value:g}" if isinstance(value, float) else "" if value is None else f"{value}"
        default = {"False": "off", "True": "on"}.get(default, default)
        found.update({str(variable).upper(): default for variable in names})
    return found


@pytest.mark.parametrize("readme", READMES)
def test_the_settings_table_is_complete_and_right(readme: str) -> None:
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| (.*?) \|", (ROOT / readme).read_text("utf-8"), re.M)
    told: dict[str, str] = {}
    for names, defaults in rows:
        values = re.findall(r"`([^`]+)`", defaults) or [""]
        told.update(zip(re.findall(r"[A-Z_]+", names), values, strict=False))
    expected = variables()
    del expected["PORT"]  # told in the text of its row
    assert told == expected


@pytest.mark.parametrize("readme", READMES)
def test_links_within_the_repository_lead_somewhere(readme: str) -> None:
    text = (ROOT / readme).read_text("utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text) + re.findall(r'src="([^"]+)"', text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("readme", READMES)
def test_the_commands_exist(readme: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", (ROOT / readme).read_text("utf-8"), re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target
