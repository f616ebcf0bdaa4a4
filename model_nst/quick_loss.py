"""What the quick network is trained by: the loss of style transfer for batches, with autograd."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def octaves(like: Tensor, deviation: float) -> Tensor:
    """Noise of every size from a pixel to 16: from it flat areas get strokes of every size."""
    total = torch.zeros_like(like)
    for size in (1, 2, 4, 8, 16):
        coarse = torch.randn(
            like.shape[0], like.shape[1], like.shape[2] // size + 1, like.shape[3] // size + 1
        )
        total += F.interpolate(coarse, like.shape[2:], mode="bilinear") * deviation
    return total


class GramMatrices(torch.autograd.Function):
    """f fᵀ over the pixels of each image `[N, C, H, W]`, divided by their number: `[N, C, C]`.

    Its gradient needs one product, where autograd would make two and add them.
    """

    @staticmethod
    def forward(ctx: Any, tap: Tensor) -> Tensor:
        ctx.save_for_backward(tap)
        pixels = tap.permute(0, 2, 3, 1).flatten(1, 2)
        return (pixels.mT @ pixels).float() / pixels.shape[1]

    @staticmethod
    def backward(ctx: Any, by_gram: Tensor) -> Tensor:
        (tap,) = ctx.saved_tensors
        pixels = tap.permute(0, 2, 3, 1).flatten(1, 2)
        matrix = (by_gram + by_gram.mT) / pixels.shape[1]
        by_pixel: Tensor = pixels @ matrix.to(pixels.dtype)
        return by_pixel.mT.reshape(tap.shape)


def grams(taps: Sequence[Tensor]) -> list[Tensor]:
    """Of each layer."""
    apply: Callable[[Tensor], Tensor] = GramMatrices.apply
    return [apply(tap) for tap in taps]


class ContentError(torch.autograd.Function):
    """|F - C|² / |C|² of each image, weighted by pixels; all stays in the features' precision."""

    @staticmethod
    def forward(ctx: Any, tap: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
        error = tap - wanted
        by_pixel, length = (
            each.square().sum(1, keepdim=True, dtype=torch.float32) for each in (error, wanted)
        )
        factor = weight / length.sum((1, 2, 3), keepdim=True)
        ctx.save_for_backward(error, factor)
        return (by_pixel * factor).sum((1, 2, 3))

    @staticmethod
    def backward(ctx: Any, by_error: Tensor) -> tuple[Tensor, None, None]:
        error, factor = ctx.saved_tensors
        by_tap = error * (2 * factor * by_error[:, None, None, None]).to(error.dtype)
        return by_tap, None, None


def content_error(tap: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """`ContentError` of `[N, C, H, W]` features, with a weight `[N, 1, H, W]` for each pixel."""
    apply: Callable[[Tensor, Tensor, Tensor], Tensor] = ContentError.apply
    return apply(tap, wanted, weight)


def relative_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Squared distance over the squared length of what was wanted, of each image."""
    return (found - wanted).square().flatten(1).sum(1) / wanted.square().flatten(1).sum(1)


def gradient_cosine(a: Tensor, b: Tensor) -> Tensor:
    """The cosine between the gradients of two batches' mean colours, of each image."""
    fields = []
    for image in (a, b):
        grey = image.mean(1)
        steps = (grey.diff(dim=1).flatten(1), grey.diff(dim=2).flatten(1))
        fields.append(torch.cat(steps, 1))
    return F.cosine_similarity(fields[0], fields[1])
