"""Keeps even parts of a photo, as calm skies are, from getting the painting's crowds and ornaments.

While the image is small and its large strokes are laid out, style moves what is even less, and it
counts less in the Gram matrices. Finer strokes come there as everywhere.
"""

import numpy as np

from guided import box_mean
from model_nst.colours import luminance
from model_nst.images import Array
from model_nst.losses import Guidance

UP_TO = 192  # pixels; the scales at which it is done
CALM = 0.6  # by how much an even pixel counts less
EVEN, UNEVEN = 0.014, 0.041  # standard deviations of luminance around a pixel, of 1
AROUND = 48  # as many times a square's half side goes into the photo's long side


def calmer(photo: Array, guidance: Guidance | None) -> Guidance:
    """The guidance, or that where all counts alike, with less style where the photo is even.

    `photo` is `[1, 3, H, W]`, 0 to 1, both even. Where nearly all is even, nothing is to be saved.
    """
    height, width = photo.shape[2:]
    even = evenness(photo)
    calm = CALM * min(1, 2 * (1 - float(even.mean())))
    style = (1 - np.float32(calm) * even)[None, None]
    if guidance is None:
        return Guidance(np.ones((1, 1, height // 2, width // 2), np.float32), style)
    return Guidance(guidance.content, guidance.style * style)


def evenness(photo: Array) -> Array:
    """1 where the photo, `[1, 3, H, W]`, 0 to 1, is even, 0 where it is not; soft, `[H, W]`."""
    light = luminance(photo)[0, 0]
    radius = max(1, max(light.shape) // AROUND)
    variance = box_mean(light**2, radius) - box_mean(light, radius) ** 2
    share = (UNEVEN - np.sqrt(np.maximum(variance, 0))) / (UNEVEN - EVEN)
    return np.clip(box_mean(np.clip(share, 0, 1).astype(np.float32), radius), 0, 1)
