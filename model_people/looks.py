"""A look: the square of a photo, turned as wanted, that a network sees at its own size."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """Centre and side in pixels of the photo; `angle` in radians, by which its top is turned
    clockwise. It may reach beyond the photo, where all is black.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    def picture(self, photo: Image.Image, size: int) -> NDArray[np.uint8]:
        """`[size, size, 3]`, RGB."""
        reach = self.side / 2 * (abs(math.cos(self.angle)) + abs(math.sin(self.angle)))
        left, top = max(0, math.floor(self.x - reach)), max(0, math.floor(self.y - reach))
        right = min(photo.width, math.ceil(self.x + reach))
        bottom = min(photo.height, math.ceil(self.y + reach))
        if left >= right or top >= bottom:
            return np.zeros((size, size, 3), np.uint8)
        scale = size / self.side
        reduced = photo.resize(
            (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))),
            Image.Resampling.BILINEAR,
            box=(left, top, right, bottom),
        )
        # From pixels of the picture to those of the reduced part.
        wide, high = reduced.width / (right - left), reduced.height / (bottom - top)
        (x0, y0), (x1, y1), (x2, y2) = self.to_photo(
            np.array([(0, 0), (size, 0), (0, size)], np.float32), size
        ).tolist()
        matrix = (
            (x1 - x0) / size * wide,
            (x2 - x0) / size * wide,
            (x0 - left) * wide,
            (y1 - y0) / size * high,
            (y2 - y0) / size * high,
            (y0 - top) * high,
        )
        turned = reduced.transform(
            (size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
        )
        return np.asarray(turned)

    def to_photo(self, points: Array, size: int) -> Array:
        """Points `[..., 2]` in pixels of `picture` as pixels of the photo."""
        moved: Array = (points - np.float32(size / 2)) * np.float32(self.side / size)
        there: Array = moved @ self._turn() + np.array((self.x, self.y), np.float32)
        return there

    def from_photo(self, points: Array, size: int) -> Array:
        """The way back."""
        moved: Array = (points - np.array((self.x, self.y), np.float32)) @ self._turn().T
        here: Array = moved * np.float32(size / self.side) + np.float32(size / 2)
        return here

    def _turn(self) -> Array:
        sine, cosine = math.sin(self.angle), math.cos(self.angle)
        return np.array(((cosine, sine), (-sine, cosine)), np.float32)


def whole(width: int, height: int) -> Look:
    return Look(width / 2, height / 2, max(width, height))


def tiles(width: int, height: int, share: float) -> Iterator[Look]:
    """Squares with `share` of the long side, which overlap by a quarter or more."""
    side = share * max(width, height)
    for y in _centres(height, side):
        for x in _centres(width, side):
            yield Look(x, y, side)


def _centres(length: int, side: float) -> list[float]:
    if length <= side:
        return [length / 2]
    count = math.ceil((length - side) / (0.75 * side)) + 1
    step = (length - side) / (count - 1)
    return [side / 2 + step * i for i in range(count)]
