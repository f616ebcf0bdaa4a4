"""Brings a picture that was worked on small back to the photo's own size, as sharp as the photo."""

from functools import partial

import numpy as np
from PIL import Image

from guided import Array, box_mean, coefficients

LUMINANCE = np.array((0.299, 0.587, 0.114), np.float32)
BAND = 256  # rows of a large photo that are worked on at once
MOST_GAIN = 1.5  # of a photo's detail
MOST_DETAIL = 100  # of 255, far from strong edges
AROUND, EDGE = 2, 15  # pixels that are looked at around each; standard deviation of a strong edge
# Of the guided filter of changes: pixels, and the variance of colours below which there is no edge.
RADIUS, EPSILON = 1, 2e-4


def at_own_size(result: Image.Image, small: Image.Image, photo: Image.Image) -> Image.Image:
    """Brings a result to the size of `photo`; `small` is the photo at the result's size."""
    if small.width >= photo.width:
        return result.resize(photo.size, Image.Resampling.LANCZOS)
    return with_detail(result, small, photo)


def with_detail(painting: Image.Image, small: Image.Image, photo: Image.Image) -> Image.Image:
    """Enlarges `painting` to the size of `photo` and gives it the fine detail that it lacks.

    All are RGB; `small` is the photo at the painting's size. What is added is the luminance that
    `small` lost of the photo, times a gain and within bounds (`_gain`). The work is done in bands
    of rows, so that a large photo takes no more memory than its pixels.
    """
    width, height = photo.size
    luminance = np.asarray(small, np.float32) @ LUMINANCE
    planes = _gain(np.asarray(painting, np.float32) @ LUMINANCE, luminance)
    luminance_image, *plane_images = map(Image.fromarray, (luminance, *planes))
    channels = [channel.convert("F") for channel in painting.split()]
    result = Image.new("RGB", photo.size)
    for top in range(0, height, BAND):
        bottom = min(top + BAND, height)
        band = partial(_enlarged_rows, top=top, bottom=bottom, size=photo.size)
        lost = np.asarray(photo.crop((0, top, width, bottom)), np.float32) @ LUMINANCE
        lost -= band(luminance_image, Image.Resampling.BICUBIC)
        gain, fall, rise = (band(plane, Image.Resampling.BILINEAR) for plane in plane_images)
        lost = np.clip(lost * gain, fall, rise)
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


def _gain(painting: Array, photo: Array) -> tuple[Array, Array, Array]:
    """By how much the photo's detail is multiplied, 0 to `MOST_GAIN`, and its bounds then.

    In a texture, how much more contrast the painting has there than the photo. At a strong edge of
    the photo, the slope of the painting's light by the photo's: where strokes have moved or turned
    the edge, its detail would draw a white outline. Nor does detail make such a place brighter or
    darker than what is painted around it. Both are luminance, 0 to 255; these and the results are
    `[H, W]`.
    """
    means = [box_mean(light, AROUND) for light in (painting, photo)]
    own, its = (
        np.maximum(box_mean(light**2, AROUND) - mean**2, 0)
        for light, mean in zip((painting, photo), means, strict=True)
    )
    together = box_mean(painting * photo, AROUND) - means[0] * means[1]
    ratio = np.sqrt(own) / (np.sqrt(its) + 2.5)
    slope = together / (its + 2.5**2)
    edge = its / (its + EDGE**2)
    gain = np.clip(ratio + edge * (slope - ratio), 0, MOST_GAIN)
    lowest, highest = _range(painting)
    room = MOST_DETAIL * (1 - edge)
    return gain, lowest - painting - room, highest - painting + room


def _range(values: Array) -> tuple[Array, Array]:
    """The least and the largest of each square of nine, both `[H, W]`."""
    wide = np.pad(values, 1, "edge")
    height, width = values.shape
    near = [wide[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.minimum.reduce(near), np.maximum.reduce(near)
