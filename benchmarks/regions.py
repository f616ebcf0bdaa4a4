"""Style by regions beside style from the whole painting: `python -m benchmarks.regions --out DIR`.

Photos of skies and of people, each in paintings that show the same, both ways in turn. Measured are
the style errors by VGG19 (`benchmarks.quality`) of the area (the people, or else the sky) against
the painting's, of the rest against the rest, and of all against all; the gradients' similarity; and
the seconds of `paint`, with memory enough and its networks loaded before. Into DIR go the pictures.
Needs `pip install --no-deps -r requirements-bench.txt`.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median
from unittest.mock import patch

from PIL import Image

import image_processing
from benchmarks.changes import gradient_similarity
from benchmarks.nst import load, photo_path
from benchmarks.quality import Vgg19, as_judged
from image_processing import paint
from model_nst.regions import AREAS, in_size, shows
from model_nst.style_transfer import Style
from model_people.faces import find_people
from parts import told_apart
from presets import PRESETS

PHOTOS = ("summer_palace", "summer_valley", "summer_mountain", "astronaut")
STYLES = tuple(name for name in PRESETS if any(shows(name, part) for part in AREAS))
WAYS = ("from the whole", "by regions")


@dataclass(frozen=True)
class Run:
    """A painting; see the top of this file."""

    area: float
    rest: float
    whole: float
    gradients: float
    seconds: float


def measure(judge: Vgg19, photo: Image.Image, style: str, way: str, out: Path) -> Run | None:
    """None where the photo and the painting show no such area both."""
    painting = load(PRESETS[style].path)
    judged = as_judged(photo)
    apart = told_apart(judged, find_people(judged), [Style(painting)], [style])
    if apart is None:
        return None
    shown, ((_, _, area),) = apart
    assert area
    of_painting = in_size(area.shown, *as_judged(painting).size[::-1])
    start = time.perf_counter()
    by = told_apart if way == WAYS[1] else lambda *_: None
    with patch.object(image_processing, "told_apart", by):
        picture = paint(photo, [Style(painting)])
    seconds = time.perf_counter() - start
    picture.save(out)
    small = picture.resize(judged.size, Image.Resampling.BICUBIC)
    return Run(
        judge.style_error(small, painting, shown, of_painting),
        judge.style_error(small, painting, 1 - shown, 1 - of_painting),
        judge.style_error(small, painting),
        gradient_similarity(small, judged),
        seconds,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.regions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--photos", nargs="+", default=PHOTOS, metavar="NAME")
    parser.add_argument("--styles", nargs="+", choices=STYLES, default=STYLES)
    args = parser.parse_args(arguments)
    args.out.mkdir(parents=True, exist_ok=True)
    judge = Vgg19()
    runs: dict[str, list[Run]] = {way: [] for way in WAYS}
    sys.stdout.write(f"{'':34} {'area':>6} {'rest':>6} {'whole':>6} {'gradients':>9} {'s':>5}\n")
    for turn, (name, style) in enumerate((n, s) for s in args.styles for n in args.photos):
        photo = load(photo_path(name))
        for way in WAYS if turn % 2 == 0 else reversed(WAYS):
            file = args.out / f"{name}_{style}_{way.replace(' ', '_')}.png"
            if run := measure(judge, photo, style, way, file):
                runs[way].append(run)
                sys.stdout.write(_row(f"{name} {style}"[:18], way, astuple(run)))
                sys.stdout.flush()
    for way, each in runs.items():
        medians = [median(values) for values in zip(*map(astuple, each), strict=True)]
        sys.stdout.write(_row("median", way, medians))


def _row(name: str, way: str, values: Sequence[float]) -> str:
    area, rest, whole, gradients, seconds = values
    return (
        f"{name:18} {way:15} {area:6.3f} {rest:6.3f} {whole:6.3f} {gradients:9.3f} {seconds:5.1f}\n"
    )


if __name__ == "__main__":
    main()
