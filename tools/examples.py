"""Paints the examples album and the README's overview anew: our photos beside what became of them.

Run by `make examples`. Photos named on the command line are painted alone, without the overview.
"""

import sys
from typing import cast

from PIL import Image, ImageOps

from decoding import decode, limits_of
from encoding import encode_photo
from examples import EXAMPLES
from image_processing import change_season, paint, room_for_painting, side_by_side
from model_nst.style_transfer import Style
from presets import PRESETS
from settings import ROOT, Settings
from wishes import Direction

OVERVIEW = ROOT / "images" / "readme" / "before_after.jpg"
# A portrait, a landscape and both seasons; `tools/moving.py` makes what moves below them.
SHOWN = ("astronaut", "summer_palace", "summer_rice_fields", "winter_slope")
HEIGHT = 640  # pixels
CELL = (360, 240)  # width and height of a picture in the overview
GAP = 8  # pixels of white between pictures of the overview


def overview(pairs: list[tuple[Image.Image, Image.Image]]) -> Image.Image:
    """Photos and what became of them, two pairs a row, all cropped to one size."""
    rows = -(-len(pairs) // 2)
    sheet = Image.new("RGB", (4 * CELL[0] + 5 * GAP, rows * (CELL[1] + GAP) - GAP), "white")
    for number, pair in enumerate(pairs):
        row, column = divmod(number, 2)
        for half, picture in enumerate(pair):
            left = (2 * column + half) * (CELL[0] + GAP) + 2 * column * GAP
            sheet.paste(
                ImageOps.fit(picture, CELL, centering=(0.5, 0.1)), (left, row * (CELL[1] + GAP))
            )
    return sheet


def main() -> None:
    pairs = {}
    for folder in {OVERVIEW.parent, EXAMPLES[0].path.parent}:
        folder.mkdir(exist_ok=True)
    settings = Settings()
    limits = limits_of(settings)
    for example in EXAMPLES:
        if sys.argv[1:] and example.photo not in sys.argv[1:]:
            continue
        photo = decode((example.folder / f"{example.photo}.jpg").read_bytes(), limits)
        if preset := PRESETS.get(example.made):
            style = decode(preset.path.read_bytes(), limits)
            result = paint(
                photo,
                [Style(style)],
                size=settings.nst_size,
                engine=settings.engine,
                megabytes=room_for_painting(settings),
            )
        else:
            direction = cast(Direction, example.made)
            result = change_season(photo, direction, engine=settings.engine)
        scaled = photo.resize((round(photo.width * HEIGHT / photo.height), HEIGHT))
        example.path.write_bytes(encode_photo(side_by_side(scaled, result)).data)
        pairs[example.photo] = photo, result
        sys.stdout.write(f"{example.path.relative_to(ROOT)}\n")
    if not sys.argv[1:]:
        OVERVIEW.write_bytes(encode_photo(overview([pairs[name] for name in SHOWN])).data)


if __name__ == "__main__":
    main()
