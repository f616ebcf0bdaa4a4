"""Our style transfer beside the original bot's: `python -m benchmarks.nst --out DIR`.

Each preset on one of four photos, first by `benchmarks/original.py`, then by `paint` at 512 px and
normal strength, each in a fresh process. Measured are

- seconds: of the painting, from two decoded pictures to the finished one, networks loaded anew;
- MB: the process's peak RSS;
- style error: `Vgg19.style_error` of the finished picture;
- gradients: its `gradient_similarity` with the photo, the cosine between their luminance gradients.

Both qualities are judged at a long side of 512 px. Into DIR go the paintings and `nst.json`. Needs
`pip install --no-deps -r requirements-bench.txt`.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from PIL import Image

from engines import native_precision
from image_processing import decode, limits_of, paint
from presets import PRESETS
from settings import ROOT, Settings

PHOTOS = ("astronaut", "summer_palace", "coffee", "summer_valley")
METHODS = ("original", "ours")


@dataclass(frozen=True)
class Run:
    """A painting that was made and judged."""

    photo: str
    style: str
    method: str
    seconds: float
    peak_mb: float
    style_error: float
    gradient_similarity: float


def load(path: Path) -> Image.Image:
    return decode(path.read_bytes(), limits_of(Settings(_env_file=None)))


def photo_path(name: str) -> Path:
    return ROOT / "images" / "photos" / f"{name}.jpg"


def paint_once(method: str, photo: str, style: str, out: Path) -> None:
    """In the fresh process: paints, and prints seconds and peak RSS in MB as JSON."""
    content, painting = load(photo_path(photo)), load(PRESETS[style].path)
    if method == "original":
        from benchmarks import original  # torch would count in our own memory

        method_paint = original.paint
    else:
        method_paint = paint
    start = time.perf_counter()
    result = method_paint(content, painting)
    seconds = time.perf_counter() - start
    # Of this program alone: `ru_maxrss` would begin with what the parent had at the fork.
    status = Path("/proc/self/status").read_text()
    peak_mb = int(status.split("VmHWM:")[1].split()[0]) / 1024
    result.save(out)
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb}))


def measure(styles: Sequence[str], out: Path) -> list[Run]:
    from benchmarks.quality import Vgg19, as_judged
    from benchmarks.seasons import gradient_similarity

    vgg = Vgg19()
    runs: list[Run] = []
    for style in styles:
        photo = PHOTOS[list(PRESETS).index(style) % len(PHOTOS)]
        content = as_judged(load(photo_path(photo)))
        for method in METHODS:
            file = out / f"{photo}_{style}_{method}.png"
            command = [sys.executable, "-m", "benchmarks.nst", "--out", str(file)]
            once = subprocess.run(
                [*command, "--once", method, photo, style],
                cwd=ROOT,
                check=True,
                stdout=subprocess.PIPE,
            )
            picture = load(file).resize(content.size, Image.Resampling.BICUBIC)
            runs.append(
                Run(
                    photo,
                    style,
                    method,
                    **json.loads(once.stdout),
                    style_error=vgg.style_error(picture, load(PRESETS[style].path)),
                    gradient_similarity=gradient_similarity(picture, content),
                )
            )
            sys.stderr.write(f"{runs[-1]}\n")
    return runs


def table(runs: list[Run]) -> str:
    """A line for each pair, original / ours, then medians; ratios are ours to the original's."""
    pairs = list(zip(runs[::2], runs[1::2], strict=True))
    lines = [
        f"{'photo':14} {'style':21} {'seconds':>14} {'ratio':>6} {'MB':>11}"
        f" {'style error':>15} {'ratio':>6} {'gradients':>13}"
    ]
    lines += [
        f"{a.photo:14} {a.style:21} {a.seconds:7.1f}/{b.seconds:6.1f} {b.seconds / a.seconds:6.2f}"
        f" {a.peak_mb:6.0f}/{b.peak_mb:4.0f} {a.style_error:8.3f}/{b.style_error:6.3f}"
        f" {b.style_error / a.style_error:6.2f}"
        f" {a.gradient_similarity:7.2f}/{b.gradient_similarity:5.2f}"
        for a, b in pairs
    ]
    facts = summary(runs)
    lines.append("")
    lines += [f"{name}: {value:.3f}" for name, value in facts.items()]
    return "\n".join(lines)


def summary(runs: list[Run]) -> dict[str, float]:
    pairs = list(zip(runs[::2], runs[1::2], strict=True))
    return {
        "seconds, ratio, median": median(b.seconds / a.seconds for a, b in pairs),
        "style error, ratio, median": median(b.style_error / a.style_error for a, b in pairs),
        "style error, ratio of the means": sum(b.style_error for _, b in pairs)
        / sum(a.style_error for a, _ in pairs),
        "gradient similarity, ours, median": median(b.gradient_similarity for _, b in pairs),
        "gradient similarity, ours, lowest": min(b.gradient_similarity for _, b in pairs),
        "peak RSS in MB, ours, highest": max(b.peak_mb for _, b in pairs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nst", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--styles", nargs="+", choices=PRESETS, default=PRESETS, metavar="NAME")
    parser.add_argument("--once", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        method, photo, style = arguments.once
        paint_once(method, photo, style, arguments.out)
        return
    arguments.out = arguments.out.resolve()
    arguments.out.mkdir(parents=True, exist_ok=True)
    runs = measure(arguments.styles, arguments.out)
    facts = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "precision": native_precision(),
        "summary": summary(runs),
        "runs": [asdict(run) for run in runs],
    }
    (arguments.out / "nst.json").write_text(json.dumps(facts, indent=2) + "\n")
    sys.stdout.write(table(runs) + "\n")


if __name__ == "__main__":
    main()
