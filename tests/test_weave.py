"""The optimisation weaves no plaid of its own into a painting."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.plaid import plaid
from model_nst import lbfgs
from model_nst.images import Array, resized
from model_nst.openvino_engine import OpenVino
from model_nst.style_transfer import Style, transfer
from model_nst.weave import without_weave
from presets import PRESETS
from settings import ROOT
from wishes import PaintingOptions


def wave(down: float, right: float) -> Array:
    """`[1, 3, 96, 120]`, so many waves for each pixel."""
    y, x = np.mgrid[:96, :120]
    plane = np.cos(2 * np.pi * (down * y + right * x)).astype(np.float32)
    return np.stack([plane] * 3)[None]


def left_of(gradient: Array) -> float:
    """Which share of its deviation is left, far from the borders."""
    inner = (..., slice(16, -16), slice(16, -16))
    before = gradient[inner].std()
    return float(without_weave(gradient)[inner].std() / before)


@pytest.mark.parametrize(
    ("down", "right", "least", "most"),
    [
        (0.31, 0, 0.3, 0.42),
        (0, 0.31, 0.3, 0.42),
        (0.5, 0, 0.02, 0.2),
        (0.22, 0.22, 0.9, 1.1),
        (0.05, 0, 0.95, 1.0),
        (0.03, 0.04, 0.95, 1.01),
    ],
)
def test_fine_waves_along_the_axes_are_damped(
    down: float, right: float, least: float, most: float
) -> None:
    assert least <= left_of(wave(down, right)) <= most


def test_what_is_left_still_leads_down() -> None:
    """As a matrix it is positive: no step goes against the gradient."""
    some = np.random.default_rng(0)
    for _ in range(20):
        gradient = some.normal(size=(1, 3, 20, 24)).astype(np.float32)
        assert float(np.vdot(gradient, without_weave(gradient.copy()))) > 0


def test_a_painting_is_less_of_a_plaid(monkeypatch: pytest.MonkeyPatch) -> None:
    with Image.open(ROOT / "images" / "photos" / "summer_rice_fields.jpg") as file:
        photo = resized(file.convert("RGB"), 384)
    with Image.open(PRESETS["starry_night"].path) as file:
        styles = [Style(file.convert("RGB"))]
    engine, options = OpenVino(), PaintingOptions(variation=1)
    now = plaid(transfer(photo, styles, engine, options))
    monkeypatch.setattr(lbfgs, "without_weave", lambda gradient: gradient)
    assert now < 0.7 * plaid(transfer(photo, styles, engine, options))


def test_plaid_is_of_waves_along_the_axes() -> None:
    noise = np.random.default_rng(0).normal(128, 20, (200, 300))
    even = Image.fromarray(noise.clip(0, 255).astype(np.uint8)).convert("RGB")
    assert plaid(even) == pytest.approx(1, abs=0.15)
    woven = noise + 10 * np.cos(2 * np.pi * 0.3 * np.arange(300))
    assert plaid(Image.fromarray(woven.clip(0, 255).astype(np.uint8))) > 2
    with pytest.raises(ValueError, match="smaller than"):
        plaid(even.resize((100, 100)))
