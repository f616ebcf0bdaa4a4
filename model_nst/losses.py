"""The loss of style transfer, from what the network gives.

loss = |F - C|² / |C|² + style_weight * mean over the layers of |G - T|² / |T|²

Both parts are relative errors, so that one style weight suits every painting. F and C are the
features of the image and of the content image, G the Gram matrices of the image, T those of the
style.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from model_nst.images import Array, Features, unpacked
from model_nst.layers import PIXELS

Grams = tuple[Array, ...]  # `[C, C]` of each layer: the mean of f fᵀ over all pixels


class Loss(NamedTuple):
    """Relative squared errors and the whole loss's gradient by the image `[1, 3, H, W]`."""

    content: float
    style: float
    gradient: Array


@dataclass(frozen=True)
class Goal:
    """What images of `pixels` pixels are compared with, in the form that the network takes.

    `content` is `[1, 128, H/2, W/2]`; `content_weight` a scalar; `gram_weights` `[5]` and `targets`
    `[C, C]` of each layer, as `gram_terms` gives them.
    """

    content: Features
    grams: Grams
    pixels: int
    content_energy: float
    content_weight: Array
    gram_weights: Array
    targets: Grams

    def loss(self, squared_error: float, sums: Grams, gradient: Array) -> Loss:
        """The loss of an image with this |F - C|² and these sums of f fᵀ over its pixels."""
        style = style_error(sums, self.grams, self.pixels)
        return Loss(squared_error / self.content_energy, style, gradient)


def goal_of(content: Features, style_weight: float, grams: Grams) -> Goal:
    """Makes the network's inputs from the content image's features and the style's matrices."""
    pixels, content_energy = 4 * content.shape[2] * content.shape[3], energy(content)
    content_weight = np.array(2 / content_energy, np.float32)
    terms = gram_terms(grams, style_weight, pixels)
    return Goal(content, grams, pixels, content_energy, content_weight, *terms)


def gram_terms(grams: Grams, style_weight: float, pixels: int) -> tuple[Array, Grams]:
    """Gives `gram_weights` `[5]` and `targets` `[C, C]` of each layer, as the network takes them.

    `grams` are what the Gram matrices of an image of `pixels` pixels should be. The network works
    with plain sums over pixels: both results hold the factors that make the gradient out of them.
    """
    factors = [
        4 * style_weight * area / (len(grams) * pixels * float(np.vdot(gram, gram)))
        for gram, area in zip(grams, PIXELS, strict=True)
    ]
    weights = [factor * area / pixels for factor, area in zip(factors, PIXELS, strict=True)]
    targets = [np.float32(factor) * gram for gram, factor in zip(grams, factors, strict=True)]
    return np.array(weights, np.float32), tuple(targets)


def style_error(sums: Grams, grams: Grams, pixels: int) -> float:
    """The mean over the layers of |G - T|² / |T|².

    `sums` are of f fᵀ over all `pixels` of the image, `grams` the wanted means; each `[C, C]`.
    """
    errors = []
    for total, target, area in zip(sums, grams, PIXELS, strict=True):
        difference = total * np.float32(area / pixels) - target
        errors.append(float(np.vdot(difference, difference) / np.vdot(target, target)))
    return sum(errors) / len(errors)


def energy(content: Features) -> float:
    """|C|² of `[1, 128, H/2, W/2]`, summed a channel at a time, since a whole copy may be large."""
    channels = (unpacked(channel) for channel in content[0])
    return sum(float(np.square(channel, dtype=np.float32).sum()) for channel in channels)
