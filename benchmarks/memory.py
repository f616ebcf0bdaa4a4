"""Peak RSS of painting in fresh processes: `python -m benchmarks.memory [--out FILE]`.

Each line is a process that imports what the command line or the whole bot imports, paints one
photo, and tells its peak, in MB; `limit` is its MEMORY_MB. Where the memory does not suffice for
the size asked for, it is worked on smaller: `worked at` says how large.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from settings import ROOT

CASES = (  # imports, long side, limit in MB
    ("command line", 512, None),
    ("bot", 512, None),
    ("bot", 1024, None),
    ("bot", 1024, 1024),
    ("season", 512, None),
)


def once(imports: str, size: int) -> dict[str, float]:
    """In the fresh process."""
    if imports == "bot":
        import bot  # noqa: F401
    from benchmarks.nst import load, photo_path
    from image_processing import change_season, paint
    from presets import PRESETS

    photo = load(photo_path("astronaut")).resize((size, size))
    seen: list[int] = []
    start = time.perf_counter()
    if imports == "season":
        change_season(photo, "summer2winter", size=size)
        seen.append(size)
    else:
        style = load(PRESETS["great_wave"].path)
        paint(photo, style, size=size, on_preview=lambda preview: seen.append(max(preview.size)))
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    return {"peak_mb": peak, "seconds": seconds, "worked_at": seen[-1]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--out", type=Path, metavar="FILE")
    parser.add_argument("--once", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        imports, size = arguments.once
        sys.stdout.write(json.dumps(once(imports, int(size))))
        return
    rows = []
    sys.stdout.write("process        size  limit  worked at  peak MB  seconds\n")
    for imports, size, limit in CASES:
        environment = os.environ | ({"MEMORY_MB": str(limit)} if limit else {})
        command = [sys.executable, "-m", "benchmarks.memory", "--once", imports, str(size)]
        result = subprocess.run(
            command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE
        )
        row = {"process": imports, "size": size, "limit": limit, **json.loads(result.stdout)}
        rows.append(row)
        sys.stdout.write(
            f"{imports:14} {size:4} {limit or 'none':>6} {row['worked_at']:10}"
            f" {row['peak_mb']:8.0f} {row['seconds']:8.1f}\n"
        )
        sys.stdout.flush()
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
