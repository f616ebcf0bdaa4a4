"""Styles that the quick network does not know begin with the famous paintings most like them."""

from functools import cache

import numpy as np
import pytest
from PIL import Image

from model_nst.losses import Grams
from model_nst.nearest import nearest_mix
from model_nst.preset_grams import of_all
from model_nst.quick_painter import quick_styles
from presets import PRESETS
from settings import ROOT
from tests.test_previews import from_its_sketch, steps_from_a_sketch


@cache
def famous() -> dict[str, Grams]:
    return of_all()


def mixed(shares: dict[str, float]) -> Grams:
    layers = zip(*(famous()[name] for name in shares), strict=True)
    parts = np.array([*shares.values()], np.float32)
    return tuple(np.tensordot(parts, np.stack(layer), 1) for layer in layers)


def opened(path: str) -> Image.Image:
    with Image.open(ROOT / "images" / path) as file:
        return file.convert("RGB")


def test_all_famous_paintings_are_kept_by_their_names() -> None:
    assert famous().keys() == PRESETS.keys() == {*quick_styles()}


@pytest.mark.parametrize(
    "shares", [{"kiss": 1.0}, {"auvers": 0.5, "lion": 0.5}, {"ejiri": 0.2, "spring": 0.8}]
)
def test_a_mix_is_found_again(shares: dict[str, float]) -> None:
    found = nearest_mix(mixed(shares), famous())
    assert sum(found.values()) == pytest.approx(1)
    for name, share in shares.items():
        assert found[name] == pytest.approx(share, abs=0.1)


def test_what_is_like_none_of_them_has_a_mix_all_the_same() -> None:
    random = np.random.default_rng(1)
    strange = tuple(random.random(gram.shape).astype(np.float32) for gram in famous()["kiss"])
    assert sum(nearest_mix(strange, famous()).values()) == pytest.approx(1)


def test_an_own_style_begins_with_a_picture_in_its_colours() -> None:
    style = opened("photos/summer_wetland.jpg")
    photo = opened("photos/coffee.jpg")
    painting, preview, steps = from_its_sketch(photo, style)
    assert steps >= steps_from_a_sketch()
    wanted, its, own = (
        np.asarray(image, np.float32).mean((0, 1)) for image in (style, preview, photo)
    )
    assert np.abs(its - wanted).max() < 0.5 * np.abs(own - wanted).max()
    assert painting.size == photo.size
