"""Moves an image's colours to a style's."""

import numpy as np
from numpy.typing import NDArray

from model_nst.images import Array


def in_colours_of(image: Array, style: Array) -> Array:
    """Gives `image` the mean and the covariance of `style`'s colours, by optimal transport.

    Both are `[1, 3, H, W]`, 0 to 1, each of its own size; the result has the size of `image`.
    Pitié and Kokaram, "The linear Monge-Kantorovitch linear colour mapping" (2007).
    """
    pixels, wanted = image.reshape(3, -1), style.reshape(3, -1)
    root = _power(np.cov(pixels), 0.5)
    inverse = _power(np.cov(pixels), -0.5)
    matrix = inverse @ _power(root @ np.cov(wanted) @ root, 0.5) @ inverse
    mapped = matrix @ (pixels - pixels.mean(1, keepdims=True)) + wanted.mean(1, keepdims=True)
    return np.asarray(np.clip(mapped, 0, 1), np.float32).reshape(image.shape)


def _power(covariance: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """A power of a symmetric matrix `[3, 3]`, whose eigenvalues are held above 0."""
    values, vectors = np.linalg.eigh(covariance)
    power: NDArray[np.float64] = (vectors * np.maximum(values, 1e-6) ** exponent) @ vectors.T
    return power


def luminance(image: Array) -> Array:
    """`[1, 1, H, W]` of `[1, 3, H, W]`."""
    weights = np.array((0.299, 0.587, 0.114), np.float32)
    return np.tensordot(weights, image[0], 1)[None, None]
