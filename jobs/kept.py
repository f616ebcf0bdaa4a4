"""Paintings of the last hour without loss, in `DATA_DIR`: as a file they need not be painted again.

What is not there, since another machine painted it or it had to make room, is painted again.
"""

import hashlib
import logging
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from encoding import Encoded
from jobs.answer import Result
from settings import ROOT, Settings
from users import Photo
from wishes import StyleWish, Wish

log = logging.getLogger(__name__)

SECONDS = 3600.0
MOST_BYTES = 256 * 2**20


def folder_of(settings: Settings) -> Path:
    return ROOT / settings.data_dir / "paintings"


def name_of(user_id: int, photo: Photo, wish: Wish, settings: Settings) -> str | None:
    """One name for a painting as a photo and as a file; None for what is made in a moment."""
    if not isinstance(wish, StyleWish) or photo.moves:
        return None
    made_of = (photo.unique_id, replace(wish, as_file=False), settings.nst_size, settings.quality)
    return f"{user_id}-{hashlib.sha256(repr(made_of).encode()).hexdigest()[:32]}"


def keep(folder: Path, name: str, painting: Encoded, people: bool) -> None:
    """A disk that is full or read-only costs no more than the time to paint again."""
    path = folder / f"{name}{'-people' if people else ''}{painting.extension}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        beside.write_bytes(painting.data)
        beside.chmod(0o600)
        beside.replace(path)
    except OSError as error:
        log.info("a painting could not be kept: %s", error.strerror)
    drop_old(folder)


def kept(folder: Path, name: str) -> Result | None:
    drop_old(folder)
    for path in folder.glob(f"{name}*"):
        with suppress(OSError):
            return Result(
                path.read_bytes(),
                f"paintbox{path.suffix}",
                as_photo=False,
                people="-people" in path.stem,
            )
    return None


def drop_old(folder: Path) -> None:
    """Also the oldest of what is too much."""
    left = MOST_BYTES
    with suppress(OSError):  # another process was quicker
        paths = {path: path.stat() for path in folder.iterdir()}
        for path in sorted(paths, key=lambda path: paths[path].st_mtime, reverse=True):
            left -= paths[path].st_size
            if left < 0 or time.time() - paths[path].st_mtime > SECONDS:
                path.unlink(missing_ok=True)


def forget(folder: Path, user_id: int) -> None:
    for path in folder.glob(f"{user_id}-*"):
        path.unlink(missing_ok=True)
