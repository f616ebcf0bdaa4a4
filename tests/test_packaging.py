"""What is installed: the lock holds the pinned requirements, and the tests run with what it has."""

import re
import tomllib
from importlib.metadata import version

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from settings import ROOT

LOCK = (ROOT / "requirements.lock").read_text("utf-8")
ENTRY = re.compile(r"^(\S.*==.*?) \\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M)
LOCKED = {
    canonicalize_name(entry.name): entry
    for entry in (Requirement(text) for text, _ in ENTRY.findall(LOCK))
}


def test_the_lock_is_nothing_but_packages_with_hashes() -> None:
    rest = [line for line in ENTRY.sub("", LOCK).splitlines() if not line.lstrip().startswith("#")]
    assert rest == []
    assert "/" not in LOCK  # no machine's path, no registry's address


def test_the_lock_holds_the_pinned_requirements() -> None:
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        pinned = Requirement(line)
        assert LOCKED[canonicalize_name(pinned.name)].specifier == pinned.specifier, "make lock"


def test_the_tests_run_with_what_is_locked() -> None:
    needed = [entry for entry in LOCKED.values() if not entry.marker or entry.marker.evaluate()]
    assert len(needed) > 20
    for entry in needed:
        assert entry.specifier.contains(version(entry.name)), entry.name


def test_the_newest_version_in_the_changelog_is_ours() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    versions = re.findall(r"^## \[(\d\S*)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert versions[0] == project["version"]
    assert Requirement(f"python{project['requires-python']}").specifier.contains(
        (ROOT / ".python-version").read_text().strip()
    )


def test_the_hooks_before_a_commit_are_those_of_make_lint() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert lint
    assert [hook["entry"] for repo in hooks for hook in repo["hooks"]] == [
        line.strip().replace("$(BIN)", ".venv/bin") for line in lint[1].splitlines()
    ]
    assert {(repo["repo"], hook["language"]) for repo in hooks for hook in repo["hooks"]} == {
        ("local", "system")
    }
