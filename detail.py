"""Brings a picture that was worked on small back to the photo's own size, as sharp as the photo."""

from functools import partial

import numpy as np
from PIL import Image

from guided import Array, box_mean, coefficients

LUMINANCE = np.array((0.299, 0.587, 0.114), np.float32)
BAND = 256  # rows of a large photo that are worked on at once
# Of the guided filter of changes: pixels, and the variance of colours below which there is no edge.
RADIUS, EPSILON = 3, 1e-3


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


def with_change(changed: Image.Image, small: Image.Image, photo: Image.Image) -> Image.Image:
    """Changes the colours of `photo` as those of `small`, the photo at the size of `changed`, were.

    All are RGB. The change is taken for a sum of the photo's colours, within each small square
    (`guided.coefficients`), so that its edges are the photo's own. In bands of rows, as
    `with_detail`.
    """
    width, height = photo.size
    guide, after = (np.asarray(image, np.float32) / np.float32(255) for image in (small, changed))
    planes = [
        [Image.fromarray(plane) for plane in coefficients(channel, guide, RADIUS, EPSILON)]
        for channel in np.moveaxis(after - guide, 2, 0)
    ]
    result = Image.new("RGB", photo.size)
    for top in range(0, height, BAND):
        bottom = min(top + BAND, height)
        band = partial(_enlarged_rows, top=top, bottom=bottom, size=photo.size)
        before = np.asarray(photo.crop((0, top, width, bottom)), np.float32)
        rows = before.copy()
        for channel, (*slopes, offset) in enumerate(planes):
            rows[..., channel] += 255 * band(offset, Image.Resampling.BILINEAR)
            for colour, slope in enumerate(slopes):
                rows[..., channel] += before[..., colour] * band(slope, Image.Resampling.BILINEAR)
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
    mean = box_mean(luminance, radius)
    deviation: Array = np.sqrt(np.maximum(box_mean(luminance**2, radius) - mean**2, 0))
    return deviation
