"""The weights in `models_wts/` are run only when they are, byte by byte, those its README names.

`make weights` makes them anew from their sources, and the table in the README with them.
"""

import hashlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from settings import ROOT

WEIGHTS = ROOT / "models_wts"
ROW = re.compile(r"^\| `(\S+)` \| \d+ \| `(\w{64})` \|$", re.M)
# Each in a process of its own, since OpenVINO numbers what it makes: only so are its files the same
# every time. Trained season networks are their own source.
COMMANDS = (
    ("model_nst.export", "--source", "oxford"),
    ("model_nst.export",),
    ("model_nst.preset_grams",),
    ("model_cyclegan.export",),
    ("model_people.export",),
)


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


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.iterdir() if path.name != "README.md")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def write_table(folder: Path) -> None:
    """Names the files in `folder`, as they are now, in the table of its README."""
    readme = folder / "README.md"
    text = readme.read_text("utf-8")
    rows = [
        f"| `{name}` | {(folder / name).stat().st_size} | `{digest}` |"
        for name, digest in digests(folder).items()
    ]
    first, *_, last = ROW.finditer(text)
    readme.write_text(text[: first.start()] + "\n".join(rows) + text[last.end() :], "utf-8")


def main() -> None:
    before = digests(WEIGHTS)
    for command in COMMANDS:
        subprocess.run([sys.executable, "-W", "ignore", "-m", *command], check=True)  # noqa: S603
        write_table(WEIGHTS)  # the next command takes only files that the table names
    for name, digest in digests(WEIGHTS).items():
        state = "new" if name not in before else "changed" if digest != before[name] else "the same"
        sys.stdout.write(f"{name}: {state}\n")


if __name__ == "__main__":
    main()
