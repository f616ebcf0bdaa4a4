"""Makes the weights in `models_wts/` anew from their sources, and the table in their README.

Run by `make weights`, which prints of each file whether it changed.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from weights import ROW, WEIGHTS

# Each in a process of its own, since OpenVINO numbers what it makes: only so are its files the same
# every time. Trained networks are their own source.
COMMANDS = (
    ("model_nst.export", "--source", "oxford"),
    ("model_nst.export",),
    ("model_nst.preset_grams",),
    ("model_nst.quick_export",),
    ("model_cyclegan.export",),
    ("model_people.export",),
)


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
        subprocess.run([sys.executable, "-W", "ignore", "-m", *command], check=True)
        write_table(WEIGHTS)  # the next command takes only files that the table names
    for name, digest in digests(WEIGHTS).items():
        state = "new" if name not in before else "changed" if digest != before[name] else "the same"
        sys.stdout.write(f"{name}: {state}\n")


if __name__ == "__main__":
    main()
