"""The first image of a painting whose style the quick network knows: its picture, as a sketch.

The sketch's fine strokes are taken nearly whole. Its large blotches of colour lie where the
network's rhythm has them, so that half of each is the photo's own light and shade in the styles'
colours, and in calm skies nearly all.
"""

from collections.abc import Sequence

import numpy as np

from guided import box_mean
from model_nst.calm import evenness
from model_nst.colours import in_colours_of
from model_nst.images import Array

STROKES = 0.8  # share of the sketch in what is fine
BLOTCHES = 0.5  # and in what is coarse
CALM = 0.8  # by how much of itself the latter is less where the photo is even
OF_AREA = 0.7  # and all of it, where a sky is to be painted as the painting's, or people
COARSE = 43  # as many times the half side of a square of coarse detail goes into the long side


def over_photo(
    sketch: Array,
    photo: Array,
    styles: Sequence[tuple[Array, float]],
    area: Array | None = None,
) -> Array:
    """Lays the sketch half transparently over the photo in the styles' colours.

    All are `[1, 3, H, W]`, 0 to 1, the styles of any size, with shares that sum to 1. The sketch
    knows no regions: of an `area`, `[H, W]`, 0 to 1, that is to be painted as another, less of it
    is taken.
    """
    x = np.zeros_like(photo)
    for painting, share in styles:
        x += share * in_colours_of(photo, painting)
    taken = 1 if area is None else 1 - OF_AREA * area
    blotches = BLOTCHES * taken * (1 - CALM * evenness(photo))
    radius = max(1, max(photo.shape[2:]) // COARSE)
    for own, drawn in zip(x[0], sketch[0], strict=True):
        change = drawn - own
        coarse = box_mean(box_mean(change, radius), radius)
        own += STROKES * taken * (change - coarse) + blotches * coarse
    return np.clip(x, 0, 1, out=x)
