"""The weights in `models_wts/` are run only when they are, byte by byte, those its README names."""

import hashlib
import re
from functools import cache
from pathlib import Path

from settings import ROOT

WEIGHTS = ROOT / "models_wts"
ROW = re.compile(r"^\| `(\S+)` \| \d+ \| `(\w{64})` \|$", re.M)


@cache
def checked(*names: str) -> Path:
    """Checks these files against the README, once for each process; returns the first one's path.

    Raises `ValueError` for one that was changed or cut short, `OSError` for one that is missing.
    """
    told = dict(ROW.findall((WEIGHTS / "README.md").read_text("utf-8")))
    for name in names:
        if hashlib.sha256((WEIGHTS / name).read_bytes()).hexdigest() != told.get(name):
            raise ValueError(f"models_wts/{name} is not the file that models_wts/README.md names")
    return WEIGHTS / names[0]
