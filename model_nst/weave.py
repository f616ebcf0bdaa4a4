"""Keeps the optimisation from weaving a plaid, waves of some three pixels along rows and columns.

Pooling takes means of 2x2 pixels. It halves waves that run diagonally twice, those along an axis
once: the latter reach the next layer at a false, lower frequency, which a style error can be
lowered by. The painting has none of them, so they are made slowly: a gradient without its share of
them is what L-BFGS begins with in each step.
"""

import numpy as np

from model_nst.images import Array

FINE, EVEN = 1, 4  # pixels to either side: what differs from so many is fine, as so many is even
DAMPED = 0.7  # share that is taken away; with more, the finest would change its sign


def without_weave(gradient: Array) -> Array:
    """Damps what is fine along one axis and even along the other, of `[1, C, H, W]`, in place."""
    for plane in gradient[0]:
        weave = sum(_mean(plane - _mean(plane, FINE, axis), EVEN, 1 - axis) for axis in (0, 1))
        plane -= np.float32(DAMPED) * weave
    return gradient


def _mean(plane: Array, reach: int, axis: int) -> Array:
    """Of each pixel and those within `reach` along an axis; at borders the last one counts on."""
    length = plane.shape[axis]
    wide = np.pad(plane, [(reach, reach) if i == axis else (0, 0) for i in (0, 1)], "edge")
    total = np.zeros_like(plane)
    for start in range(2 * reach + 1):
        total += wide[start : start + length] if axis == 0 else wide[:, start : start + length]
    total *= np.float32(1 / (2 * reach + 1))
    return total
