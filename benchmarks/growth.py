"""How the cost grows: `python -m benchmarks.growth --out DIR`.

- with pixels: a painting of 256, 512, 1024 and 2048 px on all cores;
- with the jobs that wait: the seconds until 1, 10 and 100 people who send a photo at once all have
  its season changed, by the bot, against the local Bot API server;
- with cores: a painting of 512 px on one core and on two.

Each painting, and each bot, is a fresh process; of several rounds the medians count. Into DIR go
`growth.json` and the plot `growth.svg`, both axes logarithmic: what grows in proportion lies on the
grey line, what is better below it.
"""

import argparse
import asyncio
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.start import choose_season, seconds_to_answer, seconds_to_result, webhook_bot
from local_chat.client import join
from local_chat.server import start
from settings import ROOT

SIDES = (256, 512, 1024, 2048)  # pixels
JOBS = (1, 10, 100)
CORES = (1, 2)
TOGETHER = 10  # people who look for the button at once
PANEL = (300, 260)  # of the plot, in pixels
MARGIN = 46


@dataclass(frozen=True)
class Point:
    """`amount` is pixels, jobs or cores."""

    amount: int
    seconds: float  # the median
    fastest: float
    slowest: float
    peak_mb: float | None = None  # the highest


def once(side: int) -> None:
    """In the fresh process: paints a square photo, prints seconds and peak RSS as JSON."""
    from benchmarks.nst import load, peak_mb, photo_path
    from image_processing import paint, room_for_painting
    from model_nst.style_transfer import Style
    from presets import PRESETS
    from settings import Settings

    photo = load(photo_path("astronaut")).resize((side, side))
    style = load(PRESETS["great_wave"].path)
    begin = time.perf_counter()
    paint(photo, [Style(style)], size=side, megabytes=room_for_painting(Settings()))
    seconds = time.perf_counter() - begin
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


def paintings(amount: int, side: int, cores: int, rounds: int) -> Point:
    available = sorted(os.sched_getaffinity(0))[:cores]
    command = [sys.executable, "-m", "benchmarks.growth", "--once", str(side)]
    runs = []
    for _ in range(rounds):
        result = subprocess.run(
            ["taskset", "--cpu-list", ",".join(map(str, available)), *command],
            cwd=ROOT,
            env=os.environ | {"MEMORY_MB": "4096"},  # so that every size is worked at as asked
            check=True,
            stdout=subprocess.PIPE,
        )
        runs.append(json.loads(result.stdout))
    return point(amount, [run["seconds"] for run in runs], max(run["peak_mb"] for run in runs))


async def seasons(jobs: int, rounds: int) -> Point:
    """All people have chosen before the clock starts."""
    times = []
    for _ in range(rounds):
        chat = await start(port=0, first_webhook_pause_s=0.1)
        try:
            async with AsyncExitStack() as stack:
                _, url = await stack.enter_async_context(webhook_bot(chat))
                await seconds_to_answer(url)
                people = [
                    await stack.enter_async_context(join(chat.url, f"Ann {i}", "en"))
                    for i in range(jobs)
                ]
                for i in range(0, jobs, TOGETHER):
                    await asyncio.gather(*map(choose_season, people[i : i + TOGETHER]))
                await seconds_to_result(people[0])  # the networks are loaded now
                times.append(max(await asyncio.gather(*map(seconds_to_result, people))))
        finally:
            await chat.close()
    return point(jobs, times)


def point(amount: int, seconds: Sequence[float], peak_mb: float | None = None) -> Point:
    return Point(amount, median(seconds), min(seconds), max(seconds), peak_mb)


def exponent(points: Sequence[Point]) -> float:
    """p of the power law `seconds ~ amount^p` between the first point and the last."""
    first, last = points[0], points[-1]
    return math.log(last.seconds / first.seconds) / math.log(last.amount / first.amount)


def show(title: str, points: Sequence[Point]) -> None:
    sys.stdout.write(f"{title:16} {'median s':>9} {'from':>7} {'to':>7} {'peak MB':>8}\n")
    for p in points:
        peak = f"{p.peak_mb:8.0f}" if p.peak_mb else ""
        sys.stdout.write(
            f"{p.amount:16,} {p.seconds:9.2f} {p.fastest:7.2f} {p.slowest:7.2f} {peak}\n"
        )
    if len(points) > 1:
        sys.stdout.write(f"seconds ~ amount^{exponent(points):.2f}\n")
    sys.stdout.flush()


def panel(title: str, points: Sequence[Point], slope: int, left: int) -> list[str]:
    """SVG: dots with their spread, and the grey line through the first of them."""
    (width, height), first = PANEL, points[0]
    seconds = [s for p in points for s in (p.fastest, p.slowest)]
    seconds.append(first.seconds * (points[-1].amount / first.amount) ** slope)
    low, high = math.log(min(seconds)), math.log(max(seconds))
    span = math.log(points[-1].amount / first.amount) or 1

    def x(amount: float) -> float:
        return left + MARGIN + (width - 2 * MARGIN) * math.log(amount / first.amount) / span

    def y(value: float) -> float:
        return height - MARGIN - (height - 2 * MARGIN) * (math.log(value) - low) / (high - low)

    bottom = height - MARGIN + 14
    lines = [
        f'<text x="{left + width / 2:.0f}" y="16" class="title">{title}</text>',
        f'<path class="axis" d="M{left + MARGIN - 14} 26 V{bottom} H{left + width - 14}"/>',
        f'<path class="proportion" d="M{x(first.amount):.1f} {y(first.seconds):.1f}'
        f' L{x(points[-1].amount):.1f} {y(seconds[-1]):.1f}"/>',
    ]
    for p in points:
        beside, above, anchor = x(p.amount) - 8, 7, "end"
        if p is first:  # away from the axis and from the line
            beside, above, anchor = x(p.amount) + 9, -5 if slope > 0 else 7, "start"
        lines += [
            f'<path class="spread" d="M{x(p.amount):.1f} {y(p.fastest):.1f} V{y(p.slowest):.1f}"/>',
            f'<circle cx="{x(p.amount):.1f}" cy="{y(p.seconds):.1f}" r="4"/>',
            f'<text x="{beside:.1f}" y="{y(p.seconds) - above:.1f}" class="{anchor}">'
            f"{p.seconds:.3g} s</text>",
            f'<text x="{x(p.amount):.1f}" y="{bottom + 16}" class="middle">'
            f"{label(p.amount)}</text>",
        ]
    return lines


def label(amount: int) -> str:
    return f"{amount / 1e6:.2g}" if amount > 1000 else str(amount)


def plot(by_pixels: list[Point], by_jobs: list[Point], by_cores: list[Point], path: Path) -> None:
    panels = [
        ("seconds by megapixels", by_pixels, 1),
        ("seconds by jobs at once", by_jobs, 1),
        ("seconds by cores, 512 px", by_cores, -1),
    ]
    shown = [(title, points, slope) for title, points, slope in panels if len(points) > 1]
    width, height = PANEL[0] * len(shown), PANEL[1]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}">',
        "<style>text { font: 12px sans-serif } .title, .middle { text-anchor: middle }"
        " .title { font-weight: bold } .end { text-anchor: end }"
        " path { fill: none; stroke: #888 } .axis { stroke: black }"
        " .proportion { stroke: #bbb; stroke-width: 2 } circle { fill: firebrick }"
        " .spread { stroke: firebrick }</style>",
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for i, (title, points, slope) in enumerate(shown):
        lines += panel(title, points, slope, i * PANEL[0])
    path.write_text("\n".join([*lines, "</svg>\n"]))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("out/growth"))
    parser.add_argument("--short", action="store_true", help="no more than 512 px and 10 jobs")
    parser.add_argument("--repeats", type=int, default=1, help="rounds, 1 if none")
    parser.add_argument("--once", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        once(arguments.once)
        return
    out: Path = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    rounds, all_cores = arguments.repeats, len(os.sched_getaffinity(0))
    sides, jobs = (SIDES[:2], JOBS[:2]) if arguments.short else (SIDES, JOBS)
    by_pixels = [paintings(side**2, side, all_cores, rounds) for side in sides]
    show("pixels", by_pixels)
    by_jobs = [asyncio.run(seasons(count, rounds)) for count in jobs]
    show("jobs", by_jobs)
    by_cores = [paintings(count, 512, count, rounds) for count in CORES if count <= all_cores]
    show("cores", by_cores)
    facts = {
        name: [asdict(p) for p in points]
        for name, points in (("pixels", by_pixels), ("jobs", by_jobs), ("cores", by_cores))
    }
    (out / "growth.json").write_text(json.dumps(facts, indent=2) + "\n")
    plot(by_pixels, by_jobs, by_cores, out / "growth.svg")


if __name__ == "__main__":
    main()
