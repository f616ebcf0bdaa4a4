"""Frees a small, hard-compressed JPEG of the steps between its blocks, which would be painted too.

In the manner of the deblocking filters of video (H.263, annex J): where both blocks are even, and
the step between them is no larger than what the compression may have made, it becomes a ramp.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

Array = NDArray[np.float32]

MOST_PIXELS = 2**20  # of a small photo; the blocks of a larger one vanish when it is made small
LEAST_STEP = 10.0  # levels of 255, of a hard compression: Pillow's quality of about 35
BLOCK = 8  # pixels; half-sized colours have blocks of twice as many


def without_blocks(image: JpegImageFile) -> None:
    """Smooths a loaded JPEG, RGB or grey and not yet turned, in place; leaves any other alone."""
    step = _step(image)
    if image.mode not in ("L", "RGB") or image.width * image.height > MOST_PIXELS:
        return
    if step < LEAST_STEP:
        return
    if image.mode == "L":
        image.paste(_smoothed(image, BLOCK, step))
        return
    light, *colours = image.convert("YCbCr").split()
    block = 2 * BLOCK if get_sampling(image) == 2 else BLOCK  # 2: halved both ways
    planes = [_smoothed(light, BLOCK, step), *(_smoothed(plane, block, step) for plane in colours)]
    image.paste(Image.merge("YCbCr", planes).convert("RGB"))


def _step(image: JpegImageFile) -> float:
    """How far two even blocks may be apart by rounding alone; levels of 255."""
    table = image.quantization.get(0)
    # Of the mean and the flattest waves, in eighths of a level, and half again for two blocks.
    return 1.5 * (table[0] + table[1] + table[BLOCK]) / BLOCK if table else 0.0


def _smoothed(plane: Image.Image, block: int, step: float) -> Image.Image:
    values = np.asarray(plane, np.float32).copy()
    _smooth_columns(values, block, step)
    _smooth_columns(values.T, block, step)
    return Image.fromarray(np.clip(values + 0.5, 0, 255).astype(np.uint8))


def _smooth_columns(values: Array, block: int, step: float) -> None:
    """Makes ramps of the steps between blocks of this many columns of `[H, W]`, in place."""
    width = values.shape[1]
    right = np.arange(block, width - block // 2 + 1, block)  # the first column of each block
    before, last, first, after = (values[:, right + shift] for shift in (-2, -1, 0, 1))
    slopes = last - before, after - first
    rise = first - last - (slopes[0] + slopes[1]) / 2
    uneven = np.maximum(np.abs(slopes[0]), np.abs(slopes[1]))
    share = np.clip(2 - np.abs(rise) / step, 0, 1) * np.clip(2 - 3 * uneven / step, 0, 1)
    rise *= share / 2
    reach = block * 3 // 8
    for away in range(reach):
        part = np.float32(1 - (2 * away + 1) / (2 * reach))
        values[:, right - 1 - away] += part * rise
        values[:, right + away] -= part * rise
