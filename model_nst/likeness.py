"""Whether a photo is still to be recognised in its painting, and what is done where it is not.

A drawing on white, a logo or stripes have so few and so strong details that nothing of the photo
would be left. Paintings do not need this: their likeness is .5 and more.
"""

from collections.abc import Callable, Sequence

import numpy as np

from model_nst.colours import in_colours_of, luminance
from model_nst.images import Array, resized, to_array, to_image
from wishes import Strength

LEAST: dict[Strength, float] = {"soft": 0.5, "normal": 0.42, "strong": 0.35}
LOOKED_AT = 96  # pixels; finer lines come from the photo anyway, and tell nothing
# Until the likeness suffices: share of the photo that the image is begun anew with, and by how much
# the content loss's weight is multiplied.
ATTEMPTS = ((0.5, 4.0), (0.75, 16.0), (0.9, 64.0))
FLAT = 1.0  # of 255, mean gradient; a photo that has less shows nothing to be recognised


def likeness(painting: Array, photo: Array) -> float:
    """How much of the photo's light and shade is found in the painting, seen small: 1 all, 0 none.

    The product of both gradients over the photo's own squared, or over the painting's length where
    that is larger: neither a faint trace of the photo counts much, nor one among stronger lines.
    Both are `[1, 3, H, W]`, 0 to 1.
    """
    a, b = _gradients(painting), _gradients(photo)
    own = float(np.linalg.norm(b))
    if own < FLAT / 255 * len(b) ** 0.5:
        return 1.0
    return float(a @ b) / (own * max(own, float(np.linalg.norm(a))))


def recognisable(
    x: Array,
    photo: Array,
    styles: Sequence[tuple[Array, float]],
    least: float,
    painted: Callable[[Array, float], Array],
) -> tuple[Array, float]:
    """Paints `x`, and again with more of the photo until the likeness is the least wanted.

    `painted` takes an image to start from and by how much the content loss's weight is multiplied;
    returns the last painting, and its multiplier. Images are `[1, 3, H, W]`, 0 to 1.
    """
    painting, kept = painted(x, 1.0), 1.0
    for share, more in ATTEMPTS:
        if likeness(painting, photo) >= least:
            break
        painting, kept = painted(with_photo(x, photo, styles, share), more), more
    return painting, kept


def with_photo(
    x: Array, photo: Array, styles: Sequence[tuple[Array, float]], share: float
) -> Array:
    """Lays this share of the photo, in the styles' colours but with its own light, over `x`.

    `x`, the result and `photo` are `[1, 3, H, W]`, 0 to 1; `styles` are such arrays of any size,
    with their shares.
    """
    coloured = sum(part * in_colours_of(photo, style) for style, part in styles)
    own = coloured + luminance(photo) - luminance(np.asarray(coloured))
    return np.clip(x + np.float32(share) * (own - x), 0, 1).astype(np.float32)


def _gradients(image: Array) -> Array:
    grey = luminance(to_array(resized(to_image(image), LOOKED_AT)))[0, 0]
    return np.concatenate((np.diff(grey, axis=0).ravel(), np.diff(grey, axis=1).ravel()))
