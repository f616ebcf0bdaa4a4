"""Makes the sheets of `docs/models.md` out of our own photos, failures included.

Run by `make sheets`, or `make sheets SHEETS=seasons` for one of them.
"""

import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageOps
from tqdm import tqdm

from decoding import decode, limits_of
from examples import PHOTOS
from image_processing import change_season, paint, room_for_painting
from model_nst.style_transfer import Style
from presets import PRESETS
from settings import ROOT, Settings
from wishes import Direction, PaintingOptions

FOLDER = ROOT / "docs" / "sheets"
CELL = (300, 200)  # width and height of a picture
GAP = 6  # pixels of white around it
LINE = 20  # pixels of its caption
LARGEST = 300_000  # bytes of a sheet
Cell = tuple[str, Callable[[], Image.Image]]  # a caption, and what makes the picture


@cache
def load(path: Path) -> Image.Image:
    return decode(path.read_bytes(), limits_of(Settings()))


def photo(name: str) -> Image.Image:
    return load(PHOTOS / f"{name}.jpg")


def painting(name: str) -> Image.Image:
    return load(PRESETS[name].path)


def untouched(name: str, words: str = "") -> Cell:
    return words or name, partial(photo, name)


def painted(words: str, name: str, style: str, second: str = "", **options: Any) -> Cell:
    """`options` are those of `PaintingOptions`."""

    def make() -> Image.Image:
        names = [style, second] if second else [style]
        styles = [Style(painting(each), 1 / len(names)) for each in names]
        room = room_for_painting(Settings())
        return paint(photo(name), styles, PaintingOptions(**options), megabytes=room)

    return words, make


def changed(words: str, name: str, direction: Direction, amount: float = 1) -> Cell:
    return words, lambda: change_season(photo(name), direction, amount=amount)


def styles() -> tuple[int, list[Cell]]:
    """A photo in each of the famous paintings."""
    cells = [painted(preset.title, "summer_palace", name) for name, preset in PRESETS.items()]
    return 3, [untouched("summer_palace", "the photo"), *cells]


def options() -> tuple[int, list[Cell]]:
    """What can be chosen, on a face; then what fails."""
    face = partial(painted, name="astronaut")
    return 3, [
        untouched("astronaut", "the photo"),
        face("soft", style="starry_night", strength="soft"),
        face("strong", style="starry_night", strength="strong"),
        face("fine strokes", style="starry_night", strokes="fine"),
        face("large strokes", style="starry_night", strokes="large"),
        face("Kandinsky, strong", style="composition_viii", strength="strong"),
        face("the photo's colours", style="starry_night", keep_colours=True),
        face("mixed with The Great Wave", style="starry_night", second="great_wave"),
        face("only the background", style="starry_night", only="background"),
        face("only the people", style="starry_night", only="people"),
        face("faces painted freely", style="starry_night", faces="free"),
        painted("The Kiss, strong", "chelsea", "kiss", strength="strong"),
    ]


def seasons() -> tuple[int, list[Cell]]:
    """Every photo that shows a season, and three that show none."""
    both: dict[Direction, list[str]] = {
        "summer2winter": sorted(path.stem for path in PHOTOS.glob("summer_*")),
        "winter2summer": sorted(path.stem for path in PHOTOS.glob("winter_*")),
    }
    both["summer2winter"] += ["astronaut", "coffee"]
    cells: list[Cell] = []
    for direction, names in both.items():
        target = direction.partition("2")[2]
        for name in names:
            cells += [untouched(name), changed(target, name, direction)]
    return 4, cells


SHEETS = {sheet.__name__: sheet for sheet in (styles, options, seasons)}


def drawn(cells: Sequence[Cell], across: int) -> Image.Image:
    """The pictures, cropped to one size, each over its caption."""
    width, height = CELL[0] + GAP, CELL[1] + LINE + GAP
    rows = -(-len(cells) // across)
    sheet = Image.new("RGB", (across * width + GAP, rows * height + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (caption, make) in enumerate(tqdm(cells)):
        left, top = GAP + i % across * width, GAP + i // across * height
        sheet.paste(ImageOps.fit(make(), CELL, centering=(0.5, 0.15)), (left, top))
        draw.text((left + 2, top + CELL[1] + 2), caption, "black", ImageFont.load_default(13))
    return sheet


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or SHEETS:
        across, cells = SHEETS[name]()
        sheet = drawn(cells, across)
        path = FOLDER / f"{name}.jpg"
        for quality in range(90, 20, -5):
            sheet.save(path, quality=quality, optimize=True)
            if path.stat().st_size <= LARGEST:
                break
        print(path.relative_to(ROOT), path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
