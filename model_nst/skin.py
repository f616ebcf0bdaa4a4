"""A photo's skin gets the colours of the skin in paintings, before it is painted.

Else it gets those of what is as bright in the painting: gold in Klimt's Kiss, foliage in Leonardo's
portrait. Its own light and shade stay, by which people are known.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from model_nst.colours import in_colours_of, luminance
from model_nst.images import Array, to_array, to_image, working_copy
from model_nst.regions import in_size

SEEN = 512  # pixels; long side at which colours are learnt, and how they change
MOVED = 0.8  # of the way from a person's own complexion to the painting's


def with_painted_skin(
    photo: Image.Image, skin: Array, styles: Sequence[tuple[Image.Image, float, Array | None]]
) -> Image.Image:
    """The RGB photo with its `skin`, `[h, w]` of any size, 0 to 1, in the colours of the styles'.

    A style is an RGB picture, its share, and where it shows skin, likewise; one that shows none
    gives the colours of all of it.
    """
    x = to_array(working_copy(photo, SEEN))
    shown = in_size(skin, *x.shape[2:])
    coloured = np.zeros_like(x)
    for picture, share, of_style in styles:
        small = to_array(working_copy(picture, SEEN))
        wanted = None if of_style is None else in_size(of_style, *small.shape[2:])
        coloured += np.float32(share) * in_colours_of(x, small, shown, wanted)
    light = luminance(x)
    coloured += light - luminance(coloured)
    # Of the shade less: so much chroma in the dark would glow.
    lit = np.minimum(light / max(float(np.average(light[0, 0], weights=shown)), 1e-3), 1)
    change = np.float32(MOVED) * shown * lit * (np.clip(coloured, 0, 1) - x)
    result = to_array(photo)
    for channel, moved in zip(result[0], change[0], strict=True):
        channel += in_size(moved, photo.height, photo.width)
    return to_image(np.clip(result, 0, 1, out=result))
