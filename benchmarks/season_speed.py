"""A season of ours beside the authors' form: `python -m benchmarks.season_speed --out DIR`.

The rival is the 9-block, 64-filter generator in torch, fp32, as its authors publish it; its weights
are random here, which costs the same time. Each takes the same photo of 512 px, from RGB picture to
RGB picture, in fresh processes that alternate. Measured are

- first: the seconds of the first photo, the network's loading included;
- seconds: the median of the photos after it;
- MB: the process's peak RSS.

Into DIR goes `season_speed.json`.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

from PIL import Image

from engines import native_precision
from model_cyclegan.season import translate
from settings import ROOT

PHOTO = ROOT / "images" / "photos" / "summer_valley.jpg"
SIDE = 512  # pixels, both sides
METHODS = ("official form, torch fp32", "ours")
REPEATS = 5  # photos after the first


@dataclass(frozen=True)
class Run:
    """What one process measured."""

    method: str
    first: float
    seconds: float
    peak_mb: float


def official_form() -> Callable[[Image.Image], Image.Image]:
    import numpy as np
    import torch  # would count in our own memory

    from model_cyclegan.generator import PAPER, build_generator

    generator = build_generator(PAPER).eval()

    @torch.inference_mode()
    def run(photo: Image.Image) -> Image.Image:
        x = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None].float() / 127.5 - 1
        y = ((generator(x)[0] + 1) * 127.5).round().clamp(0, 255).byte()
        return Image.fromarray(y.permute(1, 2, 0).numpy())

    return run


def run_once(method: str) -> None:
    """In the fresh process: prints its `Run` as JSON."""
    photo = Image.open(PHOTO).convert("RGB").resize((SIDE, SIDE))
    times = []
    start = time.perf_counter()
    ours = partial(translate, direction="summer2winter")
    change: Callable[[Image.Image], Image.Image] = ours if method == "ours" else official_form()
    for _ in range(1 + REPEATS):
        change(photo)
        now = time.perf_counter()
        times.append(now - start)
        start = now
    # Of this program alone: `ru_maxrss` would begin with what the parent had at the fork.
    status = Path("/proc/self/status").read_text()
    peak_mb = int(status.split("VmHWM:")[1].split()[0]) / 1024
    sys.stdout.write(json.dumps(asdict(Run(method, times[0], median(times[1:]), peak_mb))))


def table(runs: Sequence[Run]) -> str:
    """Medians over the processes, the spread of the seconds, and ratios."""
    lines = [f"{'':28} {'first s':>8} {'seconds':>8} {'from':>6} {'to':>6} {'MB':>5}"]
    medians = {}
    for method in METHODS:
        mine = [run for run in runs if run.method == method]
        seconds = [run.seconds for run in mine]
        medians[method] = median(seconds)
        lines.append(
            f"{method:28} {median(run.first for run in mine):8.2f} {medians[method]:8.3f}"
            f" {min(seconds):6.3f} {max(seconds):6.3f} {median(run.peak_mb for run in mine):5.0f}"
        )
    pairs = zip(runs[::2], runs[1::2], strict=True)
    ratio = median(ours.seconds / rival.seconds for rival, ours in pairs)
    lines.append(f"seconds, ratio, median: {ratio:.3f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.season_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("out/season_speed"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--once", choices=METHODS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        run_once(arguments.once)
        return
    runs = []
    for _ in range(arguments.rounds):
        for method in METHODS:
            command = [sys.executable, "-m", "benchmarks.season_speed", "--once", method]
            once = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
            runs.append(Run(**json.loads(once.stdout)))
    arguments.out.mkdir(parents=True, exist_ok=True)
    facts = {"precision": native_precision(), "runs": [asdict(run) for run in runs]}
    (arguments.out / "season_speed.json").write_text(json.dumps(facts, indent=2) + "\n")
    sys.stdout.write(table(runs) + "\n")


if __name__ == "__main__":
    main()
