"""Shows a generator a photo as if by day.

Winter to summer knows snow by its white. What is dim or blue, at dusk or in a shadow, it leaves as
it is; so it gets the photo in such light that the brightest ground is nearly white, and what it
changes is brought back into the photo's own light.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model_cyclegan.skies import LUMINANCE, sky_mask

WHITE = 0.88  # of snow by day
BRIGHTEST = 0.05  # share of the ground that is taken for snow
MOST = 1.6  # by how much a colour is multiplied
SHARE = 0.85  # exponent: in all of that light a glacier turns green too


def by_day(photo: Image.Image, translate: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """What `translate` makes of an RGB photo, of the same size, in the photo's light."""
    before = np.asarray(photo, np.float32)
    gains = _gains(before / np.float32(255), sky_mask(photo))
    lit = Image.fromarray(np.clip(before * gains + 0.5, 0, 255).astype(np.uint8))
    change = np.asarray(translate(lit), np.float32) - np.asarray(lit, np.float32)
    return Image.fromarray(np.clip(before + change / gains + 0.5, 0, 255).astype(np.uint8))


def _gains(colours: NDArray[np.float32], sky: NDArray[np.float32]) -> NDArray[np.float32]:
    """By how much each colour of `[H, W, 3]`, 0 to 1, is multiplied, 1 or more."""
    ground = colours[sky < 0.5]
    if not len(ground):
        return np.ones(3, np.float32)
    light = ground @ LUMINANCE
    white = ground[light >= np.quantile(light, 1 - BRIGHTEST)].mean(0)
    gains: NDArray[np.float32] = np.clip(WHITE / np.maximum(white, 1e-3), 1, MOST) ** SHARE
    return gains
