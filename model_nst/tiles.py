"""Cuts an image into tiles that overlap by the network's reach.

So the sums over the tiles' inner parts, and the gradients of their pixels, are those of the whole
image.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from model_nst.images import Array
from model_nst.layers import MARGIN

Scalar = TypeVar("Scalar", bound=np.generic)
Window = tuple[slice, slice]  # of rows and of columns


@dataclass(frozen=True)
class Tile:
    """`window` is looked at, for the sake of the pixels in `inner`."""

    window: Window
    inner: Window

    def area(self) -> Array:
        """`[1, 1, h, w]` of the window, 1 in the inner part, else 0."""
        rows, columns = self.window
        area = np.zeros((1, 1, rows.stop - rows.start, columns.stop - columns.start), np.float32)
        area[:, :, *self.inner_in_window()] = 1
        return area

    def inner_in_window(self) -> Window:
        """The inner part, counted from the window's corner."""
        (rows, columns), (top, left) = self.inner, (side.start for side in self.window)
        return (
            slice(rows.start - top, rows.stop - top),
            slice(columns.start - left, columns.stop - left),
        )


def tiles(height: int, width: int, largest: int) -> list[Tile]:
    """Cuts `height` by `width` pixels, both divisible by 4, into the tiles that are least work.

    All windows are of one size, of at most `largest` pixels if that can be.
    """
    choices = [
        (h * w * len(rows) * len(columns), rows, columns)
        for h, rows in _cuts(height)
        for w, columns in _cuts(width)
        if h * w <= largest
    ]
    if not choices:
        return tiles(height, width, largest * 2)
    _, rows, columns = min(choices, key=lambda choice: choice[0])
    return [Tile((a[0], b[0]), (a[1], b[1])) for a, b in product(rows, columns)]


def _cuts(length: int) -> Iterator[tuple[int, list[tuple[slice, slice]]]]:
    """Cuts a side in 1, 2, 3... parts: the window's length, then windows with their inner parts."""
    for count in range(1, length // (2 * MARGIN) + 2):
        inner = -(-length // (4 * count)) * 4
        window = min(length, inner + MARGIN * min(count - 1, 2))
        cuts = []
        for start in range(0, length, inner):
            first = min(max(start - MARGIN, 0), length - window)
            cuts.append((slice(first, first + window), slice(start, min(start + inner, length))))
        yield window, cuts


def piece(array: NDArray[Scalar], window: Window) -> NDArray[Scalar]:
    """Copies `[..., h, w]` out of `[1, C, H, W]`."""
    return np.ascontiguousarray(array[:, :, *window])


def halved(window: Window) -> Window:
    """The same place in features after the first pooling."""
    rows, columns = (slice(side.start // 2, side.stop // 2) for side in window)
    return rows, columns
