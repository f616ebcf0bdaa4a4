"""Large paintings are laid out in dabs."""

import numpy as np
import pytest
from PIL import Image

import dabs
from dabs import in_dabs


def edge_in_noise(height: int = 120) -> Image.Image:
    """Dark on the left, bright on the right, with grain."""
    values = np.full((height, 160, 3), 60.0)
    values[:, 80:] = 180
    values += np.random.default_rng(0).normal(0, 8, values.shape)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def test_what_is_hardly_larger_stays_as_it_was_painted() -> None:
    picture = edge_in_noise()
    assert in_dabs(picture, 1.2) is picture


@pytest.mark.parametrize("enlarged", [2.5, 8.0])
def test_grain_becomes_flat_and_edges_stay(enlarged: float) -> None:
    before, after = (
        np.asarray(each, float).mean(2)
        for each in (edge_in_noise(), in_dabs(edge_in_noise(), enlarged))
    )
    assert after[:, :60].std() < 0.5 * before[:, :60].std()
    assert (after[:, 80] - after[:, 79]).mean() > 0.9 * 120


def test_bands_have_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = edge_in_noise(100)
    whole = np.asarray(in_dabs(picture, 5))
    monkeypatch.setattr(dabs, "BAND", 32)
    assert np.abs(np.asarray(in_dabs(picture, 5), int) - whole).max() <= 1


def test_faces_are_mostly_left() -> None:
    picture = edge_in_noise()
    faces = np.zeros((30, 40), np.float32)
    faces[:, :20] = 1
    change = np.abs(np.asarray(in_dabs(picture, 4, faces), float) - np.asarray(picture, float))
    assert change[:, :70].mean() < 0.5 * change[:, 90:].mean()
