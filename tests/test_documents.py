"""The documents tell the truth where a machine can check it, and both READMEs tell the same."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import AliasChoices

from settings import ROOT, Settings

READMES = ("README.md", "README.ru.md")
TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
).stdout.splitlines()
DOCUMENTS = [name for name in TRACKED if name.endswith(".md")]
MARKDOWN = MarkdownIt("commonmark").enable("table")


def tokens(document: Path) -> Iterator[Token]:
    """Blocks, and what stands within them, in order."""
    for block in MARKDOWN.parse(document.read_text("utf-8")):
        yield block
        yield from block.children or []


def links(document: Path) -> list[str]:
    """Where links lead and pictures lie, those in HTML too."""
    found: list[str] = []
    for token in tokens(document):
        if token.type == "link_open":
            found.append(str(token.attrs["href"]))
        elif token.type == "image":
            found.append(str(token.attrs["src"]))
        elif token.type in ("html_block", "html_inline"):
            found += re.findall(r'(?:href|src|srcset)="([^"]+)"', token.content)
    return found


def anchors(document: Path) -> list[str]:
    """Of its headings, as GitHub makes them."""
    found: list[str] = []
    heading = False
    for token in tokens(document):
        if token.type == "inline" and heading:
            slug = re.sub(r"[^\w\- ]", "", token.content.lower()).replace(" ", "-")
            before = sum(re.fullmatch(rf"{slug}(-\d+)?", other) is not None for other in found)
            found.append(f"{slug}-{before}" if before else slug)
        heading = token.type == "heading_open"
    return found


def code(document: Path, *kinds: str) -> list[str]:
    """The contents of its tokens of these types, such as "fence" and "code_inline"."""
    return [token.content for token in tokens(document) if token.type in kinds]


def problem(document: Path, link: str) -> str | None:
    """What is wrong with a link; an address outside is only looked at, not asked for."""
    url = urlsplit(link)
    if url.scheme:
        local = url.hostname == "localhost"
        named = local or re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", url.hostname or "")
        return None if named and url.scheme == ("http" if local else "https") else "odd address"
    target = (document.parent / url.path).resolve() if url.path else document
    if target != document and str(target.relative_to(ROOT)) not in TRACKED and not target.is_dir():
        return "no such file"
    if url.fragment and url.fragment not in anchors(target):
        return "no such heading"
    return None


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    document = ROOT / name
    problems = [(link, problem(document, link)) for link in links(document)]
    assert [found for found in problems if found[1]] == []


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("LICENSE", None),
        ("#settings", None),
        ("docs/scaling.md#how-many", None),
        ("https://example.org/a", None),
        ("gone.md", "no such file"),
        ("#gone", "no such heading"),
        ("docs/scaling.md#gone", "no such heading"),
        ("https://example", "odd address"),
        ("http://example.org", "odd address"),
    ],
)
def test_a_dead_link_is_found(link: str, expected: str | None) -> None:
    assert problem(ROOT / "README.md", link) == expected


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_modules_and_targets_that_are_named_exist(name: str) -> None:
    document = ROOT / name
    makefile = (ROOT / "Makefile").read_text()
    for text in code(document, "code_inline", "fence"):
        for target in re.findall(r"^make ([a-z-]+)", text, re.M):
            assert re.search(rf"^{target}:", makefile, re.M), target
        for module in re.findall(r"python -m ((?:benchmarks|tools|model_\w+)\.\w+)", text):
            assert f"{module.replace('.', '/')}.py" in TRACKED, module
    folders = {name.split("/")[0] for name in TRACKED if "/" in name}
    for text in code(document, "code_inline"):
        if text.split("/")[0] in folders and re.fullmatch(r"[\w./@-]+", text):
            assert (ROOT / text).exists() or text in ("tests/", "runs/"), text


def test_architecture_knows_every_file_in_the_root() -> None:
    told = set(re.findall(r"`([\w]+(?:\.py|/))`", (ROOT / "docs" / "architecture.md").read_text()))
    root = {f"{name.split('/')[0]}/" if "/" in name else name for name in TRACKED}
    assert {name for name in root if name.endswith((".py", "/"))} - {".ci/"} <= told


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
def test_the_command_line_s_options_are_told(readme: str) -> None:
    told = "\n".join(code(ROOT / readme, "fence"))
    exist: set[str] = set()
    for command in ("style", "summer2winter"):
        program = [sys.executable, "image_processing.py", command, "--help"]
        help_text = subprocess.run(program, cwd=ROOT, check=True, capture_output=True, text=True)
        exist |= set(re.findall(r"--[a-z-]+", help_text.stdout))
    assert exist - {"--help"} == set(re.findall(r"--[a-z-]+", told))


def test_both_readmes_are_one() -> None:
    """The same headings, links, commands and rows of tables; the words are another matter."""
    english, russian = (ROOT / readme for readme in READMES)

    def bare(document: Path) -> list[str]:
        return [re.sub(r"\s+#.*", "", text) for text in code(document, "fence")][:2]

    def shape(document: Path) -> list[tuple[str, str]]:
        kinds = ("heading_open", "tr_open", "fence", "paragraph_open", "list_item_open")
        return [(token.type, token.tag) for token in tokens(document) if token.type in kinds]

    def targets(document: Path) -> list[str]:
        """A heading's anchor is in its document's language: only the file counts."""
        return [link.partition("#")[0] for link in links(document) if not link.startswith("README")]

    assert bare(english) == bare(russian)
    assert shape(english) == shape(russian)
    assert targets(english) == targets(russian)
