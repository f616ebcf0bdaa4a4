"""Paintings of many kinds of photos, looked at and measured: `python -m benchmarks.paintings
--out DIR [--photos FILE...] [--before CHECKOUT]`.

Each photo in each style by the command line, `python image_processing.py style`, at its usual size
or at `--size`; with `--before` also by that of another checkout, in turn; with `--f32` as on a
processor without bf16. Measured are

- style, deep: VGG19's style error (`benchmarks.quality`), and of its last layer, conv5_1, alone;
- content: the error of VGG16's conv4_3, which lies deeper than what we paint by;
- gradients: the similarity of the photo's and the painting's;
- plaid: the power of fine waves along the axes, over that of other directions (`benchmarks.plaid`);
- s, MB: the whole command's seconds, and its peak RSS.

Into DIR go the pictures, for each photo a sheet of all its paintings at 1:1, and `overview.jpg`, in
which the first photo is in the first style, the second in the second. Needs
`pip install --no-deps -r requirements-bench.txt`.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median

from PIL import Image, ImageOps

from benchmarks.memory import IN_F32
from benchmarks.nst import peak_mb, photo_path
from benchmarks.plaid import plaid
from benchmarks.quality import Judge, as_judged
from presets import PRESETS
from settings import ROOT

PHOTOS = ("astronaut", "coffee", "summer_hills", "summer_wetland", "winter_face")
STYLES = tuple(PRESETS)[:8]
SHOWN = (640, 640)  # pixels; at most of a picture in a sheet, out of its middle
SMALL = (320, 240)  # the same, in the overview


@dataclass(frozen=True)
class Run:
    """A painting; see the top of this file."""

    style: float
    deep: float
    content: float
    gradients: float
    plaid: float
    seconds: float
    megabytes: float


def load(path: Path) -> Image.Image:
    """Upright, in RGB; whatever its size, since what judges takes more memory than a bot has."""
    with Image.open(path) as file:
        return ImageOps.exif_transpose(file).convert("RGB")


def painted(
    checkout: Path, photo: Path, style: str, out: Path, program: Sequence[str], more: Sequence[str]
) -> tuple[float, float]:
    """Paints by a checkout's command line; returns the seconds and the peak RSS in MB."""
    start, peak = time.perf_counter(), 0.0
    process = subprocess.Popen(
        [sys.executable, *program, "style", photo, "--style", style, "-o", out, *more],
        cwd=checkout,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None:
        try:
            peak = max(peak, peak_mb(process.pid))
        except (OSError, IndexError):  # it has just ended
            break
        time.sleep(0.02)
    if process.wait():
        raise SystemExit(f"{checkout}: {photo} in {style} ended with {process.returncode}")
    return time.perf_counter() - start, peak


def measured(
    judge: Judge, painting: Image.Image, photo: Image.Image, style: Image.Image, *costs: float
) -> Run:
    quality = judge.quality(painting, photo, style)
    small = painting.resize(as_judged(photo).size, Image.Resampling.BICUBIC)
    deep = judge.vgg19.style_errors(small, style)[-1]
    return Run(
        quality.style_error,
        deep,
        quality.content_error,
        quality.gradient_similarity,
        plaid(small),
        *costs,
    )


def shown(picture: Image.Image, most: tuple[int, int]) -> Image.Image:
    """Its middle, at 1:1."""
    width, height = map(min, picture.size, most)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def sheet(rows: Sequence[Sequence[Image.Image]]) -> Image.Image:
    """Pictures of the first one's size, in rows."""
    width, height = rows[0][0].size
    result = Image.new("RGB", (width * len(rows[0]), height * len(rows)))
    for down, row in enumerate(rows):
        for right, picture in enumerate(row):
            result.paste(picture, (right * width, down * height))
    return result


def row_of(name: str, way: str, values: Sequence[float]) -> str:
    style, deep, content, gradients, woven, seconds, megabytes = values
    return (
        f"{name[:34]:34} {way:6} {style:6.3f} {deep:6.3f} {content:7.3f} {gradients:9.3f}"
        f" {woven:6.2f} {seconds:6.1f} {megabytes:5.0f}\n"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.paintings",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--photos", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--styles", nargs="+", choices=PRESETS, default=STYLES)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT")
    parser.add_argument("--size", type=int, metavar="N")
    parser.add_argument("--f32", action="store_true")
    args = parser.parse_args(arguments)
    out: Path = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    ways = {"before": args.before} if args.before else {}
    ways["now"] = ROOT
    program = ["-c", IN_F32] if args.f32 else ["image_processing.py"]
    more = ["--size", str(args.size)] if args.size else []
    judge = Judge()
    runs: dict[str, list[Run]] = {way: [] for way in ways}
    sys.stdout.write(
        f"{'':34} {'':6} {'style':>6} {'deep':>6} {'content':>7} {'gradients':>9} {'plaid':>6}"
        f" {'s':>6} {'MB':>5}\n"
    )
    for name in args.styles:
        woven = plaid(as_judged(load(PRESETS[name].path)))
        sys.stdout.write(f"{name}: its own plaid is {woven:.2f}\n")
    overview: list[list[Image.Image]] = []
    for path in args.photos or map(photo_path, PHOTOS):
        photo, rows = load(path), []
        for turn, name in enumerate(args.styles):
            style = load(PRESETS[name].path)
            pictures = {}
            for way in list(ways) if turn % 2 == 0 else reversed(ways):
                file = out / f"{path.stem}_{name}_{way}.png"
                checkout = ways[way].resolve()
                costs = painted(checkout, path.resolve(), name, file, program, more)
                pictures[way] = load(file)
                runs[way].append(run := measured(judge, pictures[way], photo, style, *costs))
                sys.stdout.write(row_of(f"{path.stem} {name}", way, astuple(run)))
                sys.stdout.flush()
            rows.append([shown(each, SHOWN) for each in (photo, *(pictures[way] for way in ways))])
        sheet(rows).save(out / f"sheet_{path.stem}.jpg", quality=92)
        overview.append(rows[len(overview) % len(rows)])
    sheet([[shown(each, SMALL) for each in row] for row in overview]).save(
        out / "overview.jpg", quality=90
    )
    for way, each in runs.items():
        medians = [median(values) for values in zip(*map(astuple, each), strict=True)]
        sys.stdout.write(row_of("median", way, medians))


if __name__ == "__main__":
    main()
