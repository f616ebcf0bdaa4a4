"""How pictures changed, measured on pairs of a photo and what was made of it."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from guided import box_mean
from model_cyclegan.photos import sky as even_sky_of

LUMINANCE = np.array((0.299, 0.587, 0.114))


def gradient_similarity(
    image: Image.Image, other: Image.Image, where: NDArray[np.bool_] | None = None
) -> float:
    """The cosine between the luminance gradients of two images of one size, all pixels together,
    or those that begin `where` it is true, `[H, W]`.

    1 where light and dark meet at the same places by the same proportions, 0 for strangers, -1
    for a negative.
    """
    fields = []
    for picture in (image, other):
        luminance = np.asarray(picture.convert("RGB"), float) @ LUMINANCE
        rows, columns = np.diff(luminance, axis=0), np.diff(luminance, axis=1)
        if where is not None:
            rows, columns = rows[where[:-1]], columns[where[:, :-1]]
        fields.append(np.concatenate((rows.ravel(), columns.ravel())))
    a, b = fields
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length else float(np.array_equal(a, b))


def even_sky(photo: Image.Image) -> NDArray[np.bool_]:
    """Where a photo shows sky, `[H, W]`, found otherwise than by the bot."""
    pixels = torch.from_numpy(np.array(photo)).permute(2, 0, 1)
    return np.asarray(even_sky_of(pixels).numpy()[0] > 0)


def sky_change(
    before: Image.Image, after: Image.Image, shown: NDArray[np.bool_], block: int = 16
) -> tuple[float, float] | None:
    """The mean absolute change of the sky, its mean taken off, and that of the worst block's mean.

    Of 255; `shown` tells where the sky is, `[H, W]`. None where no whole block shows it.
    """
    change = np.asarray(after, float) - np.asarray(before, float)
    height, width = (side // block * block for side in shown.shape)
    grid = (height // block, block, width // block, block)
    whole = shown[:height, :width].reshape(grid).all((1, 3))
    if not whole.any():
        return None
    change -= change[shown].mean(0)
    blocks = np.abs(change[:height, :width].reshape(*grid, 3).mean((1, 3))).max(2)
    return float(np.abs(change[shown]).mean()), float(blocks[whole].max())


def skyline(shown: NDArray[np.bool_], reach: int = 3) -> NDArray[np.bool_]:
    """The pixels within `reach` of where sky, `shown`, and the rest meet, `[H, W]`."""
    sides = box_mean(shown.astype(np.float32), reach)
    return np.asarray((sides > 1e-4) & (sides < 1 - 1e-4))


def bright_ground(photo: Image.Image, shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where what is not sky, `shown`, is as bright and grey as snow, `[H, W]`."""
    levels = np.asarray(photo, int)
    return np.asarray((levels.min(2) > 150) & (np.ptp(levels, 2) < 50) & ~shown)
