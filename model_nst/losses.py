"""The loss of style transfer, from what the network gives.

loss = sum of w |F - C|² / |C|² + style_weight * mean over the layers of |G - T|² / |T|²

Both parts are relative errors, so that one style weight suits every painting. F and C are the
features of the image and of the content image, G the Gram matrices of the image, T those of the
style. w is 1, and each pixel counts alike in G, but where a `Guidance` says otherwise. Where it
names several regions, each has its own G and T, and counts as much as it is large (Gatys et al.,
"Controlling Perceptual Factors in Neural Style Transfer", 2017).
"""

from collections.abc import Sequence
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
    style: Array  # `[1, R, H, W]`, 0 to 1: how much a pixel counts in each region's Gram matrices


class Loss(NamedTuple):
    """Relative squared errors and the whole loss's gradient by the image `[1, 3, H, W]`."""

    content: float
    style: float
    gradient: Array


@dataclass(frozen=True)
class Region:
    """What the Gram matrices of a part of the image should be, also in the network's form.

    `style_map` is `[1, 1, H, W]`, or None where all pixels count; `counts` how many do in each
    layer; `share` how much of the style loss is this region's; `gram_weights` `[5]` and `targets`
    `[C, C]` of each layer, as `gram_terms` gives them.
    """

    style_map: Array | None
    grams: Grams
    counts: Counts
    share: float
    gram_weights: Array
    targets: Grams


@dataclass(frozen=True)
class Goal:
    """What images are compared with, in the form that the network takes.

    `content` is `[1, 128, H/2, W/2]`, `content_weight` `[1, 1, H/2, W/2]`.
    """

    content: Features
    content_weight: Array
    regions: tuple[Region, ...]

    def loss(self, content_error: float, sums: Sequence[Grams], gradient: Array) -> Loss:
        """The loss of an image, from the network's `content_error` and sums of f fᵀ by region."""
        errors = (
            region.share * style_error(own, region.grams, region.counts)
            for region, own in zip(self.regions, sums, strict=True)
        )
        return Loss(content_error / 2, sum(errors), gradient)

    @property
    def style_maps(self) -> list[Array]:
        """Of the regions; empty where all pixels count alike."""
        return [region.style_map for region in self.regions if region.style_map is not None]


def goal_of(
    content: Features,
    style_weight: float,
    grams: Sequence[Grams],
    guidance: Guidance | None = None,
) -> Goal:
    """Makes the network's inputs from the content image's features and the style's matrices, those
    of each region.
    """
    _, _, height, width = content.shape
    content_map = guidance.content if guidance else np.ones((1, 1, height, width), np.float32)
    if guidance:
        maps = [np.ascontiguousarray(plane[None, None]) for plane in guidance.style[0]]
        counts = [counts_of(style_map) for style_map in maps]
    else:
        counts = [tuple(4 * height * width / area for area in PIXELS)]
    whole = sum(each[0] for each in counts)
    regions = []
    for number, (wanted, count) in enumerate(zip(grams, counts, strict=True)):
        share = count[0] / whole
        terms = gram_terms(wanted, share * style_weight, count)
        style_map = maps[number] if guidance else None
        regions.append(Region(style_map, wanted, count, share, *terms))
    return Goal(content, content_map * np.float32(2 / energy(content)), tuple(regions))


def counts_of(style_map: Array) -> Counts:
    """How many pixels count in each layer by a map `[1, 1, H, W]`."""
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
