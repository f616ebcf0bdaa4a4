"""Sheets of pictures to choose from: a number on each, and its name under it."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from lettering import as_drawn, font_for

GAP = 8  # pixels of white between the tiles
LINE = 1.5  # of a name, to the size of its letters
LETTERS = 0.09  # their size, to the width of a tile
NUMBERS = 0.1  # the side of a number's field, to the shorter side of a tile


def numbered(tiles: Sequence[Image.Image], columns: int, names: Sequence[str] = ()) -> Image.Image:
    """Puts RGB tiles of one size in rows of `columns`; `names`, where given, stand under them."""
    width, height = tiles[0].size
    letters = round(LETTERS * width)
    step = width + GAP, height + GAP + (round(LINE * letters) if names else 0)
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * step[0] - GAP, rows * step[1] - GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for place, tile in enumerate(tiles):
        left, top = place % columns * step[0], place // columns * step[1]
        sheet.paste(tile, (left, top))
        _draw_number(draw, place + 1, left, top, round(NUMBERS * min(width, height)) + 16)
        if names:
            middle = left + width // 2, top + height + round(LINE * letters / 2)
            name = as_drawn(names[place])
            draw.text(middle, name, "black", _fitting(name, letters, width), anchor="mm")
    return sheet


def _draw_number(draw: ImageDraw.ImageDraw, number: int, left: int, top: int, side: int) -> None:
    left, top = left + side // 6, top + side // 6
    draw.rounded_rectangle((left, top, left + side, top + side), side // 4, fill="white")
    middle = left + side / 2, top + side / 2
    font = font_for(str(number), round(0.8 * side))
    draw.text(middle, str(number), "black", font, anchor="mm")


def _fitting(name: str, letters: int, width: int) -> ImageFont.FreeTypeFont:
    """Of this size, or as much smaller as it takes for the name to fit into the width."""
    return font_for(name, int(letters * min(1, width / max(1, _width(name, letters)))))


def _width(name: str, letters: int) -> float:
    return font_for(name, letters).getlength(name)
