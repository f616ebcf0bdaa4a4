"""The mix of famous paintings that a picture is most like, by its Gram matrices.

The quick network knows only the famous ones; such a mix, in the picture's colours, is a sketch for
people's own styles too.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from model_nst.losses import Grams

LAYERS = slice(2, 5)  # conv2_1 to conv3_1: the first two layers tell colours more than strokes
LEAST_SHARE = 0.05  # of a painting in the mix
STEPS = 2000  # of the gradient; the matrices are 16x16


def nearest_mix(grams: Grams, famous: Mapping[str, Grams]) -> dict[str, float]:
    """The shares, which sum to 1, with which the `famous` Gram matrices add up to what is nearest
    to `grams`: the least sum over the layers of |G - T|² / |T|², by a projected gradient.
    """
    names = [*famous]
    products = np.zeros((len(names), len(names)))
    wanted = np.zeros(len(names))
    for layer, target in zip(range(5)[LAYERS], grams[LAYERS], strict=True):
        rows = np.stack([famous[name][layer].ravel() for name in names]).astype(np.float64)
        own = target.ravel().astype(np.float64)
        products += rows @ rows.T / (own @ own)
        wanted += rows @ own / (own @ own)
    shares = np.full(len(names), 1 / len(names))
    step = 1 / np.linalg.eigvalsh(products)[-1]
    for _ in range(STEPS):
        shares = _on_simplex(shares - step * (products @ shares - wanted))
    shares = np.where(shares < LEAST_SHARE, 0, shares)
    shares /= shares.sum()
    return {name: float(share) for name, share in zip(names, shares, strict=True) if share}


def _on_simplex(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest shares, 0 or more with a sum of 1 (Duchi and others, 2008)."""
    falling = np.sort(values)[::-1]
    excess = (np.cumsum(falling) - 1) / np.arange(1, len(values) + 1)
    taken = excess[np.nonzero(falling > excess)[0][-1]]
    result: NDArray[np.float64] = np.maximum(values - taken, 0)
    return result
