"""Keeps still what does not move, from frame to frame of a painted clip.

The noise of a camera is painted too, and each time differently. So the network sees frames that are
averaged over time where nothing moves, and there its paintings change no more than the clip does,
but for a moment after something has passed.
"""

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from model_nst.images import Array

BLOCK = 4  # pixels; a side of the squares over which frames are compared
LEAST, MOST = 3.0, 8.0  # of 255, between two squares: still up to here, in motion from there
NOISE = 2.5  # times a quiet square's difference is what noise may make of another
MOST_NOISE = 8.0
SETTLING = np.float32(
    8
)  # of 255: most that a painting changes in a frame where something has moved
FADING = np.float32(0.8)  # of that, what is left a frame later
FINE = 16  # so many times are small differences enlarged, of which means over squares are taken
NEW = np.float32(0.2)  # share of a frame in the average, where nothing moves
FOLLOWED = np.float32(0.3)  # share of the way that a painting goes to the new one there


class Stillness:
    """Of one clip: its frames and their paintings, RGB pictures of one size, come in turn."""

    def __init__(self) -> None:
        self._last: Image.Image | None = None  # frame
        self._seen: Array  # the average, `[H, W, 3]`, 0 to 255
        self._shown: Array | None = None  # likewise
        self._moves: Array = np.zeros((1, 1, 1), np.float32)  # `[H, W, 1]`, 0 to 1
        self._moved = self._moves  # likewise, what moved before, fading
        self._change: Array  # `[H, W, 1]`, how much the clip itself has just changed, 0 to 15

    def see(self, frame: Image.Image) -> Image.Image:
        """What is to be painted of the next frame."""
        pixels = np.asarray(frame, np.float32)
        before, self._last = self._last, frame
        if before is None:
            self._seen = pixels.copy()
            return frame
        self._moved = FADING * np.maximum(self._moved, self._moves)
        self._moves = _motion(frame, _picture(self._seen))
        fine = ImageChops.difference(frame, before).point(
            [min(255, FINE * level) for level in range(256)] * 3
        )
        squares = np.asarray(fine.reduce(BLOCK), np.float32).mean(2) / FINE
        self._change = _enlarged(squares, frame.size)
        self._seen += (NEW + (1 - NEW) * self._moves) * (pixels - self._seen)
        return _picture(self._seen)

    def hold(self, painting: Image.Image) -> Image.Image:
        """The painting of the frame last seen, as it shall be shown."""
        pixels = np.asarray(painting, np.float32)
        if self._shown is None:
            self._shown = pixels.copy()
            return painting
        step = pixels - self._shown
        most = self._change + SETTLING * self._moved
        followed = np.clip(FOLLOWED * step, -most, most)
        self._shown += followed + self._moves * (step - followed)
        return _picture(self._shown)


def _motion(frame: Image.Image, seen: Image.Image) -> Array:
    """Where the frame differs from what was seen so far, by more than noise: `[H, W, 1]`, 0 to 1.

    Of three by three squares one third in motion is motion; a single square is noise.
    """
    apart = np.abs(
        np.asarray(frame.reduce(BLOCK), np.float32) - np.asarray(seen.reduce(BLOCK), np.float32)
    ).max(2)
    least = max(LEAST, min(float(np.quantile(apart, 0.25)) * NOISE, MOST_NOISE))
    motion = np.clip((apart - least) / (MOST - LEAST), 0, 1)
    around = Image.fromarray((motion * 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(1))
    return _enlarged(np.minimum(np.asarray(around, np.float32) / 85, 1), frame.size)


def _enlarged(squares: Array, size: tuple[int, int]) -> Array:
    """`[H, W, 1]` of values for each square."""
    covered = squares.shape[1] * BLOCK, squares.shape[0] * BLOCK
    smooth = Image.fromarray(squares).resize(covered, Image.Resampling.BILINEAR)
    return np.asarray(smooth, np.float32)[: size[1], : size[0], None]


def _picture(pixels: Array) -> Image.Image:
    return Image.fromarray((pixels + np.float32(0.5)).astype(np.uint8))
