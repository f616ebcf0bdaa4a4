"""Finds the sky of a photo without a network, and changes its colour as a whole.

After Shen and Wang, "Sky Region Detection in a Single Image for Autonomous Ground Robot Navigation"
(2013): in each column the sky ends at the first strong gradient. How strong, is chosen so that the
colours of the sky and of the ground vary least. Edges are led to the photo's by a guided filter.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from guided import box_mean, coefficients

Array = NDArray[np.float32]

WORKED_AT = 256  # pixels; long side at which the sky is looked for
LUMINANCE = np.array((0.299, 0.587, 0.114), np.float32)
THRESHOLDS = np.geomspace(0.02, 0.6, 32)  # of the gradient of colours that are 0 to 1
SKY_COUNTS = 2.0  # how much more an even sky counts than an even ground
LEAST, MOST = 0.04, 0.96  # share of the photo that a sky takes; of more or less, nothing is sure
DARKEST, GREENEST = 0.25, 0.02  # luminance, and green above blue and red, that skies have
NEIGHBOURS = 9  # columns whose median says where the sky ends
NOTCH = 16  # columns; half of the widest gap in a sky that is closed
SMOOTH, BRIGHTEST_OF_GROUND, WARMEST = 0.035, 0.4, 0.12  # of a cloud below the sky: its gradient,
# its luminance, and red above blue
GRAIN = 0.02  # deviation of its luminance from that of its neighbours; of snow on rocks it is more
LOWER = 0.04  # of the height; how far below all of the sky such a cloud may lie, in the lower half
GAP = 3  # pixels; half of the widest gap in haze that is closed
RADIUS, EPSILON = 6, 1e-3  # of the guided filter
MOST_CHANGE = 0.1  # of a sky's colour


def sky_mask(photo: Image.Image, *, with_haze: bool = False) -> Array:
    """Maps the sky of an RGB photo: `[H, W]`, 1 where it is, 0 elsewhere, soft at its edges.

    Clouds belong to it; `with_haze`, also those below its edge, haze, and what lies evenly in it.
    All 0 where none is found.
    """
    scale = min(1, WORKED_AT / max(photo.size))
    size = max(2, round(photo.width * scale)), max(2, round(photo.height * scale))
    colours = _unit(photo.resize(size, Image.Resampling.BOX))
    border = _border(colours)
    height = len(colours)
    rough = np.arange(height)[:, None] < border
    if _may_be_sky(rough):
        rough = (np.arange(height)[:, None] < _without_notches(border)) & _like(colours, rough)
    if not _is_sky(colours, rough):
        return np.zeros((photo.height, photo.width), np.float32)
    if with_haze:
        rough = _with_haze(colours, rough)
    *slopes, offset = (
        np.asarray(Image.fromarray(plane).resize(photo.size, Image.Resampling.BILINEAR))
        for plane in coefficients(rough.astype(np.float32), colours, RADIUS, EPSILON)
    )
    guide = _unit(photo)
    mask: Array = (guide * np.stack(slopes, 2)).sum(2) + offset
    np.clip((mask - 0.2) / 0.6, 0, 1, out=mask)
    return mask


def with_even_sky(changed: Image.Image, photo: Image.Image) -> Image.Image:
    """`changed`, of which the sky is that of `photo` in another colour; all are RGB, of one size.

    To the sky's colours one and the same is added: the median of what they were changed by, up to
    `MOST_CHANGE`.
    """
    mask = sky_mask(photo, with_haze=True)
    if not (mask > 0.5).any():
        return changed
    before, after = _unit(photo), _unit(changed)
    step = np.median((after - before)[mask > 0.5], 0)
    step *= min(1, MOST_CHANGE / max(float(np.abs(step).max()), 1e-6))
    result = after + mask[..., None] * (before + step - after)
    return Image.fromarray((np.clip(result, 0, 1) * 255 + 0.5).astype(np.uint8))


def _border(colours: Array) -> NDArray[np.intp]:
    """The row where the sky ends in each column of `[H, W, 3]`, by the best threshold."""
    slope = _slope(colours)
    height, width = slope.shape
    moments = np.concatenate((colours, _products(colours)), 2, dtype=np.float64)
    sums = np.zeros((height + 1, width, moments.shape[2]))
    np.cumsum(moments, 0, out=sums[1:])
    best, chosen = -np.inf, np.zeros(width, np.intp)
    for threshold in THRESHOLDS:
        strong = slope > threshold
        border = np.where(strong.any(0), strong.argmax(0), height)
        border = _median(border)
        count = int(border.sum())
        if not LEAST <= count / slope.size <= MOST:
            continue
        sky = sums[border, np.arange(width)].sum(0)
        energy = _energy(sky / count, (sums[-1].sum(0) - sky) / (slope.size - count))
        if energy > best:
            best, chosen = energy, border
    return chosen


def _slope(colours: Array) -> Array:
    """How much the luminance changes at each pixel, `[H, W]`, slightly smoothed."""
    smooth = box_mean(colours @ LUMINANCE, 1)
    rows, columns = np.gradient(smooth)
    return np.asarray(2 * np.hypot(rows, columns), np.float32)


def _products(colours: NDArray[np.floating]) -> NDArray[np.floating]:
    """The six products of two colours each, `[..., 3]` to `[..., 6]`."""
    first, second = np.triu_indices(3)
    return np.asarray(colours[..., first] * colours[..., second])


def _energy(sky: NDArray[np.float64], ground: NDArray[np.float64]) -> float:
    """The inverse of how much the colours vary in both, from their nine mean moments each."""
    total = 0.0
    for mean, weight in ((sky, SKY_COUNTS), (ground, 1.0)):
        covariance = np.zeros((3, 3))
        covariance[np.triu_indices(3)] = mean[3:] - _products(mean[:3])
        covariance += np.triu(covariance, 1).T
        values = np.linalg.eigvalsh(255**2 * covariance)
        total += weight * (abs(float(values.prod())) + abs(float(values[-1])))
    return 1 / max(total, 1e-9)


def _median(border: NDArray[np.intp]) -> NDArray[np.intp]:
    """Of a column between tree tops its neighbours' median says more."""
    wide = np.pad(border, NEIGHBOURS // 2, "edge")
    near = np.lib.stride_tricks.sliding_window_view(wide, NEIGHBOURS)
    return np.asarray(np.median(near, 1), np.intp)


def _without_notches(border: NDArray[np.intp]) -> NDArray[np.intp]:
    """As low as on both sides, where a small cloud or a tree ended the sky: a closing."""
    wide = np.pad(border, 2 * NOTCH, "edge")
    lowest = np.lib.stride_tricks.sliding_window_view(wide, 2 * NOTCH + 1).max(1)
    closed = np.lib.stride_tricks.sliding_window_view(lowest, 2 * NOTCH + 1).min(1)
    return np.asarray(closed, np.intp)


def _like(colours: Array, rough: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which pixels of `[H, W, 3]` are more like the sky than like the ground, each a Gaussian."""
    surprise = []
    for part in (rough, ~rough):
        found = colours[part]
        mean, covariance = found.mean(0), np.cov(found.T, bias=True) + 1e-4 * np.eye(3)
        inverse = np.linalg.inv(covariance).astype(np.float32)
        apart = colours - mean
        distance = ((apart @ inverse) * apart).sum(2)
        surprise.append(distance + np.float32(np.linalg.slogdet(covariance)[1]))
    return np.asarray(surprise[0] < surprise[1])


def _with_haze(colours: Array, rough: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The sky with clouds and haze: what is bright and can be reached from it without an edge, what
    is bright in gaps of that, and what it encloses in the upper half.

    Not what lies in the lower half below all of the sky: that is snow.
    """
    red, green, blue = np.moveaxis(colours, 2, 0)
    light = colours @ LUMINANCE
    is_bright = light > BRIGHTEST_OF_GROUND
    is_bright &= (green < np.maximum(red, blue) + GREENEST) & (red < blue + WARMEST)
    lowest = np.flatnonzero(rough.any(1))[-1] / len(rough) + LOWER
    is_bright[round(max(lowest, 0.5) * len(rough)) :] = False
    is_smooth = is_bright & (_slope(colours) < SMOOTH)
    grain = np.sqrt(box_mean((light - box_mean(light, 1)) ** 2, GAP))
    is_cloud = is_bright & (grain < GRAIN)
    sky = _reached(rough, rough | (is_smooth & is_cloud))
    near = box_mean(sky.astype(np.float32), GAP) > 0
    # The grain of a ridge is also found in the sky beside it.
    sky |= near & is_smooth
    sky |= is_cloud & (box_mean(near.astype(np.float32), GAP) > 1 - 1e-4)
    outside = np.ones_like(sky)
    outside[1 : len(sky) // 2, 1:-1] = False
    return ~_reached(outside & ~sky, ~sky)


def _reached(start: NDArray[np.bool_], where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which pixels can be reached from `start` by pixels `where` it is true, start among them."""
    while True:
        near = np.pad(start, 1)
        near = near[:-2, 1:-1] | near[2:, 1:-1] | near[1:-1, :-2] | near[1:-1, 2:]
        grown = start | (near & where)
        if (grown == start).all():
            return start
        start = grown


def _may_be_sky(rough: NDArray[np.bool_]) -> bool:
    return bool(LEAST <= rough.mean() <= MOST)


def _is_sky(colours: Array, rough: NDArray[np.bool_]) -> bool:
    """Whether what was found is bright, not green, and brighter or bluer than the ground."""
    if not _may_be_sky(rough):
        return False
    sky, ground = (colours[part].mean(0) for part in (rough, ~rough))
    red, green, blue = sky
    bluer = (blue - red) - (ground[2] - ground[0]) > 0.03
    brighter = float((sky - ground) @ LUMINANCE) > 0.05
    is_green = green > max(red, blue) + GREENEST
    return bool(sky @ LUMINANCE > DARKEST and not is_green and (bluer or brighter))


def _unit(image: Image.Image) -> Array:
    return np.asarray(image, np.float32) / np.float32(255)
