"""Keeps the optimisation from weaving a plaid, waves of some three pixels along rows and columns.

Pooling takes means of 2x2 pixels. It halves waves that run diagonally twice, those along an axis
once: the latter reach the next layer at a false, lower frequency, which a style error can be
lowered by. The painting has none of them, so they are made slowly: a gradient without its share of
them is what L-BFGS begins with in each step.
"""

import numpy as np

from model_nst.images import Array

DAMPED = 0.7  # share that is taken away; with more, the finest would change its sign


def without_weave(gradient: Array) -> Array:
    """Damps what is fine along one axis and even along the other, of `[1, C, H, W]`, in place.

    Fine is what differs from the mean of three pixels, even the mean of nine.
    """
    fine, even, weave = (np.empty_like(gradient[0, 0]) for _ in range(3))
    for plane in gradient[0]:
        weave[:] = 0
        for turned in (False, True):
            own, a, b, its = (each.T if turned else each for each in (plane, fine, even, weave))
            _means_of_three(own, a, 1)
            np.subtract(own, a, out=a)
            _means_of_three(a.T, b.T, 1)
            _means_of_three(b.T, a.T, 3)
            its += a
        weave *= np.float32(DAMPED)
        plane -= weave
    return gradient


def _means_of_three(plane: Array, result: Array, apart: int) -> None:
    """Of each pixel and those so many rows above and below; at borders the last row counts on."""
    result[:] = plane
    result[apart:] += plane[:-apart]
    result[:apart] += plane[:1]
    result[:-apart] += plane[apart:]
    result[-apart:] += plane[-1:]
    result *= np.float32(1 / 3)
