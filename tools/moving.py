"""Makes the README's moving picture: two clips, each beside what became of it, on and on.

Run by `make moving`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from decoding import limits_of
from examples import PHOTOS
from moving_pictures.reading import Clip, frames, read_clip
from moving_pictures.repainting import Step, in_season, in_style, repainted
from settings import ROOT, Settings
from tools.clips import make_clip
from tools.examples import overview

MOVING = ROOT / "images" / "readme" / "moving.webp"
SIZE = (480, 320)  # of the clips, in pixels
SECONDS, RATE = 1.2, 15  # of the clips
WIDTH = 1036  # pixels of the picture
SHOWN_MS = 100  # each frame
LARGEST = 1.4 * 10**6  # bytes


def repaint(photo: Path, step: Step) -> Iterator[tuple[Image.Image, Image.Image]]:
    """Frames of a clip that pans over a photo, each with what became of it."""
    limits = limits_of(Settings())
    clip = read_clip(make_clip(SIZE, SECONDS, RATE, movement="pan", photo=photo), limits)
    result = read_clip(repainted(clip, [step]).data, limits)
    return zip(as_shown(clip), as_shown(result), strict=False)  # one may be a frame longer


def as_shown(clip: Clip) -> Iterator[Image.Image]:
    for _, frame, times in frames(clip):
        yield from [frame] * times


def main() -> None:
    pairs = zip(
        repaint(PHOTOS / "chelsea.jpg", in_style({"auvers": 1.0})),
        repaint(PHOTOS / "summer_wetland.jpg", in_season("summer2winter")),
        strict=False,
    )
    sheets = (overview([*pair]) for pair in pairs)
    there = [sheet.resize((WIDTH, round(sheet.height * WIDTH / sheet.width))) for sheet in sheets]
    there_and_back = there + there[-2:0:-1]
    for quality in range(80, 20, -5):
        there_and_back[0].save(
            MOVING,
            save_all=True,
            append_images=there_and_back[1:],
            duration=SHOWN_MS,
            loop=0,
            quality=quality,
        )
        if MOVING.stat().st_size <= LARGEST:
            break
    sys.stdout.write(f"{MOVING.relative_to(ROOT)} {MOVING.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
