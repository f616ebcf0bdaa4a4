"""How the cost of a painting grows: `python -m benchmarks.growth --out DIR`.

Seconds and peak RSS of painting one photo at several sizes on all cores, and at 512 px on one core
and on two, each in a fresh process. Into DIR go `growth.json` and the plot `growth.png`.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image, ImageDraw

from settings import ROOT

SIDES = (256, 512, 1024, 2048)
SHORT = SIDES[:2]
PLOT = (480, 320)  # pixels


def once(side: int) -> dict[str, float]:
    """In the fresh process; a square photo."""
    from benchmarks.nst import load, photo_path
    from image_processing import paint
    from presets import PRESETS

    photo = load(photo_path("astronaut")).resize((side, side))
    style = load(PRESETS["great_wave"].path)
    start = time.perf_counter()
    paint(photo, style, size=side)
    seconds = time.perf_counter() - start
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    return {"side": side, "seconds": seconds, "peak_mb": peak}


def in_fresh_process(side: int, cores: int) -> dict[str, float]:
    available = sorted(os.sched_getaffinity(0))[:cores]
    command = [sys.executable, "-m", "benchmarks.growth", "--once", str(side)]
    result = subprocess.run(
        ["taskset", "--cpu-list", ",".join(map(str, available)), *command],
        cwd=ROOT,
        env=os.environ | {"MEMORY_MB": "4096"},  # so that every size is worked at as asked
        check=True,
        stdout=subprocess.PIPE,
    )
    row: dict[str, float] = {"cores": len(available), **json.loads(result.stdout)}
    sys.stdout.write(
        f"{row['cores']} cores {side:4} px {row['seconds']:7.1f} s {row['peak_mb']:6.0f} MB\n"
    )
    sys.stdout.flush()
    return row


def plot(rows: list[dict[str, float]], path: Path) -> None:
    """Seconds against megapixels; the line is what the first size would give in proportion."""
    (width, height), margin = PLOT, 40
    image = Image.new("RGB", PLOT, "white")
    draw = ImageDraw.Draw(image)
    most = max(row["side"] ** 2 for row in rows)
    slowest = max(max(row["seconds"] for row in rows), 1)

    def place(pixels: float, seconds: float) -> tuple[float, float]:
        x = margin + (width - 2 * margin) * pixels / most
        return x, height - margin - (height - 2 * margin) * min(seconds / slowest, 1)

    draw.line([place(0, slowest), place(0, 0), place(most, 0)], fill="black")
    first = rows[0]
    slope = first["seconds"] / first["side"] ** 2
    draw.line([place(0, 0), place(min(most, slowest / slope), min(slope * most, slowest))], "grey")
    for row in rows:
        x, y = place(row["side"] ** 2, row["seconds"])
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill="firebrick")
        draw.text((x - 30, y - 18), f"{row['side']} px, {row['seconds']:.0f} s", fill="black")
    draw.text((margin, height - margin + 8), "megapixels; grey: in proportion", fill="black")
    image.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--out", type=Path, metavar="DIR")
    parser.add_argument("--short", action="store_true", help="256 and 512 px only")
    parser.add_argument("--once", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        sys.stdout.write(json.dumps(once(arguments.once)))
        return
    if arguments.out is None:
        parser.error("--out is missing")
    out: Path = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    cores = len(os.sched_getaffinity(0))
    by_size = [in_fresh_process(side, cores) for side in (SHORT if arguments.short else SIDES)]
    by_cores = [in_fresh_process(512, count) for count in (1, 2) if count <= cores]
    facts = {"by_size": by_size, "by_cores": by_cores}
    (out / "growth.json").write_text(json.dumps(facts, indent=2) + "\n")
    plot(by_size, out / "growth.png")


if __name__ == "__main__":
    main()
