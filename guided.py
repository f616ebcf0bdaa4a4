"""The guided filter: edges of what was worked out small are led to those of the photo.

After He, Sun and Tang, "Guided Image Filtering" (2010), and "Fast Guided Filter" (2015): within
each square of pixels the values are taken for a sum of the colours, whose weights are found small
and enlarged.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def coefficients(values: Array, guide: Array, radius: int, epsilon: float) -> list[Array]:
    """Four planes `[H, W]`: slopes by red, green and blue, and offset, by which colours tell the
    values.

    `values` are `[H, W]`, `guide` `[H, W, 3]`, 0 to 1. `epsilon` is the variance of colours below
    which there is no edge.
    """
    colours = [np.ascontiguousarray(guide[..., i]) for i in range(3)]
    means = [box_mean(colour, radius) for colour in colours]
    mean = box_mean(values, radius)
    x, y, z = (box_mean(c * values, radius) - m * mean for c, m in zip(colours, means, strict=True))
    rr, rg, rb, gg, gb, bb = (
        box_mean(colours[i] * colours[j], radius) - means[i] * means[j] + (epsilon if i == j else 0)
        for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    )
    # The inverse of the symmetric 3x3 covariance by its cofactors.
    a, b, c = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    d, e, f = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    determinant = rr * a + rg * b + rb * c
    slopes = [
        (p * x + q * y + r * z) / determinant for p, q, r in ((a, b, c), (b, d, e), (c, e, f))
    ]
    offset = mean - sum(slope * m for slope, m in zip(slopes, means, strict=True))
    return [box_mean(plane, radius) for plane in (*slopes, offset)]


def box_mean(values: Array, radius: int) -> Array:
    """The mean over the square of pixels within `radius` of each, those of the image only."""
    result: NDArray[np.floating] = values
    for axis, length in enumerate(values.shape):
        sums = np.zeros([n + (i == axis) for i, n in enumerate(values.shape)])
        np.cumsum(result, axis, out=sums[1:] if axis == 0 else sums[:, 1:])
        first = np.maximum(np.arange(length) - radius, 0)
        last = np.minimum(np.arange(length) + radius + 1, length)
        counts = (last - first).reshape((-1, 1) if axis == 0 else (1, -1))
        result = (sums.take(last, axis) - sums.take(first, axis)) / counts
    return result.astype(np.float32)
