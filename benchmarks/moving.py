"""How still and how quick repainted clips are: `python -m benchmarks.moving --out DIR`.

Each case is a fresh process that repaints two seconds of 640x480 pixels, 30 frames a second, which
are made of photographs (`tools/clips.py`), and compressed as phones do:

- still: a disc rolls past a photo that stands still;
- noisy: the same, with the noise of a camera;
- people: the same, past a photo of a person;
- pan: the camera moves over a photo, with little noise; nothing is still.

Measured are

- change: how much an area that nothing comes near changes from one frame to the next, of 255, in
  the clip and in the result, both as their files have them; and the ratio, which should be 1.5 at
  most;
- seconds a frame of the result, and the process's peak RSS in MB.

Into DIR go the clips and `moving.json`. `--clip FILE` measures a clip of one's own instead. Still
are squares of `SQUARE` pixels that, like those beside them, never leave their mean over the clip by
more than `MOST_AWAY`.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks.nst import peak_mb
from decoding import limits_of
from engines import native_precision
from moving_pictures.reading import frames, read_clip
from moving_pictures.repainting import Step, in_season, in_style, repainted
from presets import PRESETS
from settings import ROOT, Settings
from tools.clips import make_clip
from wishes import DIRECTIONS

SIZE, SECONDS = (640, 480), 2.0
PHOTOS = ROOT / "images" / "photos"
CLIPS = {
    "still": lambda: make_clip(SIZE, SECONDS, photo=PHOTOS / "coffee.jpg", sound=True),
    "noisy": lambda: make_clip(SIZE, SECONDS, photo=PHOTOS / "coffee.jpg", noise=4),
    "people": lambda: make_clip(SIZE, SECONDS, photo=PHOTOS / "astronaut.jpg", noise=2),
    "pan": lambda: make_clip(SIZE, SECONDS, movement="pan", noise=2),
}
WAYS = ("starry_night", "great_wave", "summer2winter")
SQUARE = 8  # pixels
MOST_AWAY = 3  # of 255


@dataclass(frozen=True)
class Row:
    """A clip that was repainted; see the top of this file."""

    clip: str
    way: str
    own_change: float | None  # None where nothing is still
    change: float | None
    seconds_a_frame: float
    peak_mb: float

    def __str__(self) -> str:
        words = f"{self.clip:10} {self.way:14} {self.seconds_a_frame:6.3f} s {self.peak_mb:4.0f} MB"
        if self.own_change is None or self.change is None:
            return f"{words}   nothing is still"
        ratio = self.change / self.own_change
        return f"{words}   change {self.own_change:.4f} -> {self.change:.4f}   ratio {ratio:.2f}"


def step(way: str) -> Step:
    return (
        in_style({way: 1.0})
        if way in PRESETS
        else in_season(next(d for d in DIRECTIONS if d == way))
    )


def repaint_once(path: Path, way: str, out: Path) -> None:
    """In the fresh process: repaints, and prints seconds a frame and MB as JSON."""
    moments: list[float] = []
    clip = read_clip(path.read_bytes(), limits_of(Settings()))
    result = repainted(clip, [step(way)], lambda _: moments.append(time.perf_counter()))
    seconds = [after - before for before, after in pairwise(moments)]
    out.write_bytes(result.data)
    # The first frame also loads the networks.
    sys.stdout.write(json.dumps([sum(seconds[1:]) / len(seconds[1:]), peak_mb()]))


def change_of_still_areas(own: Path, result: Path) -> tuple[float, float] | None:
    """In the clip and in its result; None where nothing is still."""
    shown = [
        [np.asarray(picture, np.float32) for _, picture, _ in frames(read_clip(data, limits))]
        for data, limits in ((path.read_bytes(), limits_of(Settings())) for path in (own, result))
    ]
    mask = still_areas(shown[0])
    if not mask.any():
        return None
    changes = [
        float(np.mean([np.abs(after - before)[mask].mean() for before, after in pairwise(each)]))
        for each in shown
    ]
    return changes[0], changes[1]


def still_areas(pictures: Sequence[NDArray[np.float32]]) -> NDArray[np.bool_]:
    """`[H, W]`, in squares."""
    small = np.stack(
        [
            np.asarray(Image.fromarray(picture.astype(np.uint8)).reduce(SQUARE), np.float32)
            for picture in pictures
        ]
    )
    still = np.abs(small - small.mean(0)).max((0, 3)) <= MOST_AWAY
    alone = np.asarray(Image.fromarray(still.astype(np.uint8)).filter(ImageFilter.MinFilter(3)))
    height, width = pictures[0].shape[:2]
    return np.kron(alone > 0, np.ones((SQUARE, SQUARE), bool))[:height, :width]


def measure(name: str, path: Path, way: str, out: Path) -> Row:
    result = out / f"{name}-{way}.mp4"
    command = [
        sys.executable,
        "-m",
        "benchmarks.moving",
        "--once",
        str(path),
        way,
        "--out",
        str(result),
    ]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, megabytes = json.loads(printed)
    own, changed = change_of_still_areas(path, result) or (None, None)
    return Row(name, way, own, changed, seconds, megabytes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--ways", nargs="+", default=WAYS)
    parser.add_argument("--once", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        repaint_once(Path(arguments.once[0]), arguments.once[1], arguments.out)
        return
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    print(f"in {native_precision()}")
    rows: list[Row] = []
    for name in [arguments.clip.stem] if arguments.clip else CLIPS:
        path = arguments.clip or out / f"{name}.mp4"
        if not arguments.clip:
            path.write_bytes(CLIPS[name]())
        for way in arguments.ways:
            rows.append(measure(name, path, way, out))
            print(rows[-1], flush=True)
    (out / "moving.json").write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
