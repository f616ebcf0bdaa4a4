"""Brings a picture that was worked on small back to the photo's own size, as sharp as the photo."""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model_nst.images import Array

LUMINANCE = np.array((0.299, 0.587, 0.114), np.float32)
BAND = 256  # rows of a large photo that are worked on at once


def at_own_size(result: Image.Image, small: Image.Image, photo: Image.Image) -> Image.Image:
    """Brings a result to the size of `photo`; `small` is the photo at the result's size."""
    if small.width >= photo.width:
        return result.resize(photo.size, Image.Resampling.LANCZOS)
    return with_detail(result, small, photo)


def with_detail(painting: Image.Image, small: Image.Image, photo: Image.Image) -> Image.Image:
    """Enlarges `painting` to the size of `photo` and gives it the fine detail that it lacks.

    All are RGB; `small` is the photo at the painting's size. What is added is the luminance that
    `small` lost of the photo, times how much more contrast the painting has than the photo at that
    place. The work is done in bands of rows, so that a large photo takes no more memory than its
    pixels.
    """
    width, height = photo.size
    luminance = np.asarray(small, np.float32) @ LUMINANCE
    ratio = _contrast(np.asarray(painting, np.float32) @ LUMINANCE) / (_contrast(luminance) + 2.5)
    luminance_image = Image.fromarray(luminance)
    ratio_image = Image.fromarray(np.clip(ratio, 0, 1.5))
    channels = [channel.convert("F") for channel in painting.split()]
    result = Image.new("RGB", photo.size)
    for top in range(0, height, BAND):
        bottom = min(top + BAND, height)
        band = partial(_enlarged_rows, top=top, bottom=bottom, size=photo.size)
        lost = np.asarray(photo.crop((0, top, width, bottom)), np.float32) @ LUMINANCE
        lost -= band(luminance_image, Image.Resampling.BICUBIC)
        lost *= band(ratio_image, Image.Resampling.BILINEAR)
        rows = np.stack([band(channel, Image.Resampling.BICUBIC) + lost for channel in channels], 2)
        np.clip(rows + 0.5, 0, 255, out=rows)
        result.paste(Image.fromarray(rows.astype(np.uint8)), (0, top))
    return result


def _enlarged_rows(
    image: Image.Image, method: Image.Resampling, *, top: int, bottom: int, size: tuple[int, int]
) -> Array:
    """The rows `top` to `bottom`, `[bottom - top, width]`, of a picture of one channel when it is
    enlarged to `size`, width and height.
    """
    scale = image.height / size[1]
    box = (0, top * scale, image.width, min(bottom * scale, image.height))
    return np.asarray(image.resize((size[0], bottom - top), method, box=box))


def _contrast(luminance: Array, radius: int = 4) -> Array:
    """The standard deviation of the pixels within `radius` rows and columns of each.

    `luminance` and the result are `[H, W]`, 0 to 255.
    """
    mean = _box_mean(luminance, radius)
    return np.sqrt(np.maximum(_box_mean(luminance**2, radius) - mean**2, 0)).astype(np.float32)


def _box_mean(values: Array, radius: int) -> NDArray[np.float64]:
    """The mean of the `values`, `[H, W]`, within `radius` rows and columns of each; beyond an edge
    its values go on. The result has the same shape.
    """
    side = 2 * radius + 1
    sums = np.pad(values.astype(np.float64), radius, "edge").cumsum(0).cumsum(1)
    sums = np.pad(sums, ((1, 0), (1, 0)))
    total: NDArray[np.float64] = (
        sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    )
    return total / side**2
