"""Calm skies stay calm."""

import numpy as np
import pytest
from PIL import Image

from model_nst.calm import CALM, calmer, evenness
from model_nst.images import Array, to_array
from model_nst.losses import Guidance
from model_nst.openvino_engine import OpenVino
from model_nst.style_transfer import Style, transfer
from presets import PRESETS


def scene() -> Image.Image:
    """An even sky, brighter to its foot, over rough ground."""
    pixels = np.zeros((128, 160, 3), np.uint8)
    pixels[:64] = np.linspace(150, 190, 64)[:, None, None]
    pixels[64:] = np.random.default_rng(0).integers(20, 160, (64, 160, 1))
    return Image.fromarray(pixels)


def test_the_sky_is_even_and_the_ground_is_not() -> None:
    even = evenness(to_array(scene()))
    assert even[:54].min() > 0.9
    assert even[74:].max() < 0.1


def test_style_counts_less_in_the_sky_and_as_little_as_it_did_on_a_face() -> None:
    photo = to_array(scene())
    alone = calmer(photo, None)
    assert np.all(alone.content == 1) and alone.content.shape == (1, 1, 64, 80)
    np.testing.assert_allclose(alone.style[0, 0, :54], 1 - CALM, atol=0.07)
    np.testing.assert_allclose(alone.style[0, 0, 74:], 1, atol=0.07)
    face = Guidance(np.full((1, 1, 64, 80), 3, np.float32), np.full(alone.style.shape, 0.5))
    both = calmer(photo, face)
    assert np.all(both.content == 3)
    np.testing.assert_allclose(both.style, alone.style / 2, rtol=1e-5)


def test_where_all_is_even_style_counts_as_ever() -> None:
    flat: Array = np.full((1, 3, 64, 64), 0.5, np.float32)
    np.testing.assert_allclose(calmer(flat, None).style, 1)


def test_a_painted_sky_is_calmer_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with Image.open(PRESETS["moulin_de_la_galette"].path) as file:
        style = Style(file.convert("RGB"))
    engine = OpenVino("f32")

    def contrast() -> float:
        painting = transfer(scene(), [style], engine).convert("L").resize((40, 32))
        return float(np.asarray(painting, float)[:13].std())

    calm = contrast()
    monkeypatch.setattr("model_nst.style_transfer.UP_TO", 0)
    assert calm < 0.85 * contrast()
