"""Style by regions: a photo's sky takes from the painting's sky, or its people from the painting's
figures, the rest from the rest.

After Gatys, Ecker, Bethge, Hertzmann and Shechtman, "Controlling Perceptual Factors in Neural Style
Transfer" (2017). Gram matrices know no places, so that else waves and crowds fill a calm sky.
"""

import tomllib
from functools import cache
from typing import Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from model_nst.images import Array
from model_nst.losses import Grams, Guidance, counts_of
from settings import ROOT

Part = Literal["sky", "figures", "skin"]
AREAS: tuple[Part, ...] = (
    "figures",
    "sky",
)  # that are told apart: in a photo the first that it has

LEAST = 0.06  # share of the photo; of a smaller area, or a smaller rest, no Gram matrix is sure
LEAST_COUNTED = 0.001  # no pixel counts less in a region, so that none is empty
SOFT = 200  # as many times the deviation at a painting's edges goes into its long side


@cache
def _polygons() -> dict[str, dict[str, list[list[tuple[float, float]]]]]:
    """By the part, then by the painting's name."""
    with (ROOT / "images" / "styles" / "regions.toml").open("rb") as file:
        return tomllib.load(file)


def shows(preset: str | None, part: Part) -> TypeGuard[str]:
    """Whether a famous painting, by its name, shows such: a sky may be an even backdrop."""
    return preset in _polygons()[part]


def painted(preset: str, part: Part, width: int, height: int) -> Array:
    """Maps a part of a famous painting: `[H, W]`, 1 where it is, soft at its edges.

    Raises `KeyError` for a painting without such.
    """
    image = Image.new("L", (width, height))
    draw = ImageDraw.Draw(image)
    for polygon in _polygons()[part][preset]:
        draw.polygon([(x * width, y * height) for x, y in polygon], fill=255)
    soft = image.filter(ImageFilter.GaussianBlur(max(width, height) / SOFT))
    return np.asarray(soft, np.float32) / np.float32(255)


def without(whole: Grams, part: Grams, shown: Array) -> Grams:
    """The Gram matrices of the rest, from those of all and of the part that is `[1, 1, H, W]`."""
    counts = zip(counts_of(shown), counts_of(np.ones_like(shown)), strict=True)
    rest: list[Array] = []
    for of_all, own, (some, all_pixels) in zip(whole, part, counts, strict=True):
        difference: Array = of_all * np.float32(all_pixels) - own * np.float32(some)
        rest.append(difference / np.float32(all_pixels - some))
    return tuple(rest)


def is_worth_it(area: NDArray[np.floating]) -> bool:
    """Whether an area of a picture, `[H, W]`, and the rest are large enough."""
    return bool(LEAST < float(area.mean()) < 1 - LEAST)


def by_regions(guidance: Guidance | None, area: Array, height: int, width: int) -> Guidance:
    """The guidance, or that where all counts alike, for two regions: the area, `[h, w]` of any
    size, and the rest. For images of `height` by `width`, both even.
    """
    own = in_size(area, height, width)
    both = np.maximum(np.stack((own, 1 - own))[None], np.float32(LEAST_COUNTED))
    if guidance is None:
        return Guidance(np.ones((1, 1, height // 2, width // 2), np.float32), both)
    return Guidance(guidance.content, guidance.style * both)


def in_size(area: Array, height: int, width: int) -> Array:
    """The map `[h, w]` in another size, `[height, width]`."""
    scaled = Image.fromarray(area).resize((width, height), Image.Resampling.BILINEAR)
    return np.array(scaled, np.float32)
