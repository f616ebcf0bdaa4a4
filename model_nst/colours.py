"""Moves an image's colours to a style's."""

import numpy as np
from numpy.typing import NDArray

from model_nst.images import Array


def in_colours_of(
    image: Array, style: Array, shown: Array | None = None, wanted: Array | None = None
) -> Array:
    """Gives `image` the mean and the covariance of `style`'s colours, by optimal transport.

    Both are `[1, 3, H, W]`, 0 to 1, each of its own size; the result has the size of `image`.
    `shown`, `[H, W]`, says how much a pixel of the image counts, `wanted` likewise of the style;
    if None, all count alike.
    Pitié and Kokaram, "The linear Monge-Kantorovitch linear colour mapping" (2007).
    """
    mean, own = _moments(image, shown)
    wanted_mean, wanted_covariance = _moments(style, wanted)
    root, inverse = _power(own, 0.5), _power(own, -0.5)
    matrix = inverse @ _power(root @ wanted_covariance @ root, 0.5) @ inverse
    mapped = matrix @ (image.reshape(3, -1) - mean) + wanted_mean
    return np.asarray(np.clip(mapped, 0, 1), np.float32).reshape(image.shape)


def _moments(
    image: Array, counted: Array | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean `[3, 1]` and the covariance `[3, 3]` of the colours."""
    pixels = image.reshape(3, -1)
    weights = None if counted is None else counted.reshape(-1)
    mean = np.average(pixels, 1, weights)[:, None].astype(np.float64)
    return mean, np.cov(pixels, aweights=weights)


def _power(covariance: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """A power of a symmetric matrix `[3, 3]`, whose eigenvalues are held above 0."""
    values, vectors = np.linalg.eigh(covariance)
    power: NDArray[np.float64] = (vectors * np.maximum(values, 1e-6) ** exponent) @ vectors.T
    return power


def luminance(image: Array) -> Array:
    """`[1, 1, H, W]` of `[1, 3, H, W]`."""
    weights = np.array((0.299, 0.587, 0.114), np.float32)
    return np.tensordot(weights, image[0], 1)[None, None]
