"""What a painting takes from the quick picture that it begins with."""

import numpy as np
import pytest

from model_nst.images import Array
from model_nst.sketch import BLOTCHES, CALM, STROKES, over_photo


def photo_of(deviation: float) -> Array:
    noise = np.random.default_rng(0).normal(0.5, deviation, (1, 3, 128, 256))
    return noise.astype(np.float32)


def test_fine_strokes_are_taken() -> None:
    photo = photo_of(0.01)
    stripes = np.where(np.arange(256) % 4 < 2, 0.1, -0.1).astype(np.float32)
    change = over_photo(photo + stripes, photo, [(photo, 0.5), (photo, 0.5)]) - photo
    assert np.std(change) == pytest.approx(STROKES * 0.1, rel=0.05)


@pytest.mark.parametrize(("deviation", "share"), [(0.005, (1 - CALM) * BLOTCHES), (0.15, BLOTCHES)])
def test_blotches_are_left_out_of_calm_skies(deviation: float, share: float) -> None:
    photo = photo_of(deviation)
    halves = np.where(np.arange(256) < 128, 0.2, -0.2).astype(np.float32)
    x = over_photo(np.clip(photo + halves, 0, 1), photo, [(photo, 1.0)])
    between = x[..., 20:100].mean() - x[..., 156:236].mean()
    assert between == pytest.approx(share * 0.4, abs=0.03)
