"""The loss of style transfer, from what the network gives.

loss = sum of w |F - C|² / |C|² + style_weight * mean over the layers of |G - T|² / |T|²

Both parts are relative errors, so that one style weight suits every painting. F and C are the
features of the image and of the content image, G the Gram matrices of the image, T those of the
style. w is 1, and each pixel counts alike in G, but where a `Guidance` says otherwise.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from model_nst.images import Array, Features, unpacked
from model_nst.layers import PIXELS

Grams = tuple[Array, ...]  # `[C, C]` of each layer: the mean of f fᵀ over all pixels
Counts = tuple[float, ...]  # of each layer: how many pixels its sums are over


class Guidance(NamedTuple):
    """Where a painting keeps closer to its photo, and where style moves it less."""

    content: Array  # `[1, 1, H/2, W/2]`: by how much the content loss is multiplied
    style: Array  # `[1, 1, H, W]`, 0 to 1: how much a pixel counts in the Gram matrices


class Loss(NamedTuple):
    """Relative squared errors and the whole loss's gradient by the image `[1, 3, H, W]`."""

    content: float
    style: float
    gradient: Array


@dataclass(frozen=True)
class Goal:
    """What images are compared with, in the form that the network takes.

    `content` is `[1, 128, H/2, W/2]`; `counts` how many pixels count in each layer; `style_map`
    `[1, 1, H, W]`, or None where all do alike; `content_weight` `[1, 1, H/2, W/2]`; `gram_weights`
    `[5]` and `targets` `[C, C]` of each layer, as `gram_terms` gives them.
    """

    content: Features
    grams: Grams
    counts: Counts
    style_map: Array | None
    content_weight: Array
    gram_weights: Array
    targets: Grams

    def loss(self, content_error: float, sums: Grams, gradient: Array) -> Loss:
        """The loss of an image, from the network's `content_error` and sums of f fᵀ."""
        return Loss(content_error / 2, style_error(sums, self.grams, self.counts), gradient)


def goal_of(
    content: Features, style_weight: float, grams: Grams, guidance: Guidance | None = None
) -> Goal:
    """Makes the network's inputs from the content image's features and the style's matrices."""
    _, _, height, width = content.shape
    content_map = guidance.content if guidance else np.ones((1, 1, height, width), np.float32)
    counts = counts_of(guidance.style if guidance else None, 4 * height * width)
    return Goal(
        content,
        grams,
        counts,
        guidance.style if guidance else None,
        content_map * np.float32(2 / energy(content)),
        *gram_terms(grams, style_weight, counts),
    )


def counts_of(style_map: Array | None, pixels: int) -> Counts:
    """How many pixels count in each layer: of an image of so many, or by a map `[1, 1, H, W]`."""
    if style_map is None:
        return tuple(pixels / area for area in PIXELS)
    strides = [round(area**0.5) for area in PIXELS]
    return tuple(float(style_map[:, :, ::stride, ::stride].sum()) for stride in strides)


def gram_terms(grams: Grams, style_weight: float, counts: Counts) -> tuple[Array, Grams]:
    """Gives `gram_weights` `[5]` and `targets` `[C, C]` of each layer, as the network takes them.

    `grams` are what the Gram matrices should be where so many pixels count. The network works with
    plain sums over pixels: both results hold the factors that make the gradient out of them.
    """
    factors = [
        4 * style_weight / (len(grams) * count * float(np.vdot(gram, gram)))
        for gram, count in zip(grams, counts, strict=True)
    ]
    weights = [factor / count for factor, count in zip(factors, counts, strict=True)]
    targets = [np.float32(factor) * gram for gram, factor in zip(grams, factors, strict=True)]
    return np.array(weights, np.float32), tuple(targets)


def style_error(sums: Grams, grams: Grams, counts: Counts) -> float:
    """The mean over the layers of |G - T|² / |T|².

    `sums` are of f fᵀ over the pixels that count, `grams` the wanted means; each `[C, C]`.
    """
    errors = []
    for total, target, count in zip(sums, grams, counts, strict=True):
        difference = total * np.float32(1 / count) - target
        errors.append(float(np.vdot(difference, difference) / np.vdot(target, target)))
    return sum(errors) / len(errors)


def energy(content: Features) -> float:
    """|C|² of `[1, 128, H/2, W/2]`, summed a channel at a time, since a whole copy may be large."""
    channels = (unpacked(channel) for channel in content[0])
    return sum(float(np.square(channel, dtype=np.float32).sum()) for channel in channels)
