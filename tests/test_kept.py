"""Paintings that are kept for an hour, within a bound."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from encoding import Encoded
from jobs import kept
from settings import Settings
from users import Photo
from wishes import SeasonWish, StyleWish

PHOTO = Photo("file", "unique", 5)
WISH = StyleWish("kiss", None)
SETTINGS = Settings()


def put(folder: Path, name: str, size: int = 10, age: float = 0, people: bool = False) -> None:
    kept.keep(folder, name, Encoded(bytes(size), ".png", (1, 1)), people)
    [path] = folder.glob(f"{name}*")
    os.utime(path, (time.time() - age, time.time() - age))


def test_a_photo_and_its_file_have_one_name_and_others_have_another() -> None:
    name = kept.name_of(7, PHOTO, WISH, SETTINGS)
    assert name == kept.name_of(7, PHOTO, replace(WISH, as_file=True), SETTINGS)
    others = [
        kept.name_of(8, PHOTO, WISH, SETTINGS),
        kept.name_of(7, replace(PHOTO, unique_id="other"), WISH, SETTINGS),
        kept.name_of(7, PHOTO, replace(WISH, variation=1), SETTINGS),
        kept.name_of(7, PHOTO, WISH, Settings(nst_size=256)),
    ]
    assert len({name, *others}) == 5
    assert kept.name_of(7, PHOTO, SeasonWish("summer2winter"), SETTINGS) is None


def test_what_is_kept_comes_back_for_an_hour(tmp_path: Path) -> None:
    put(tmp_path, "7-a", people=True)
    put(tmp_path, "7-b", age=kept.SECONDS + 1)
    found = kept.kept(tmp_path, "7-a")
    assert found
    assert (found.data, found.name, found.as_photo, found.people) == (
        bytes(10),
        "paintbox.png",
        False,
        True,
    )
    assert kept.kept(tmp_path, "7-b") is None
    assert len([*tmp_path.iterdir()]) == 1


def test_the_oldest_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_BYTES", 100)
    for number in range(5):
        put(tmp_path, f"7-{number}", size=40, age=100 - number)
    assert {path.stem for path in tmp_path.iterdir()} == {"7-3", "7-4"}


def test_a_disk_that_cannot_be_written_is_borne(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "paintings"
    kept.keep(folder, "7-a", Encoded(b"", ".png", (1, 1)), people=False)
    assert kept.kept(folder, "7-a") is None
    kept.forget(folder, 7)


def test_forgetting_is_about_one_person(tmp_path: Path) -> None:
    put(tmp_path, "7-a")
    put(tmp_path, "77-a")
    kept.forget(tmp_path, 7)
    assert [path.name for path in tmp_path.iterdir()] == ["77-a.png"]
