"""The sky of a photo: where it is, and that a change of season leaves it even."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from image_processing import change_season
from model_cyclegan.skies import sky_mask, with_even_sky
from tests.conftest import PHOTOS
from wishes import Direction


def photo(name: str) -> Image.Image:
    with Image.open(PHOTOS / f"{name}.jpg") as image:
        image.thumbnail((384, 384))
        return image.convert("RGB")


def hills() -> tuple[Image.Image, np.ndarray]:
    """A blue sky that pales downwards, with a cloud, over dark hills; and where the sky is."""
    rows, columns = np.mgrid[:160, :240]
    is_sky = rows < 90 + 20 * np.sin(columns / 30)
    colours = np.where(is_sky[..., None], (90, 140, 220), (50, 70, 30)).astype(float)
    colours[is_sky] += rows[is_sky, None] / 2
    cloud = (rows - 30) ** 2 * 4 + (columns - 90) ** 2 < 30**2
    colours[cloud] = 240
    colours += np.random.default_rng(0).normal(0, 3, colours.shape)
    return Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8)), is_sky


def test_the_sky_is_found_with_its_cloud() -> None:
    image, is_sky = hills()
    found = sky_mask(image) > 0.5
    assert (found & is_sky).sum() / (found | is_sky).sum() > 0.95


@pytest.mark.parametrize(
    ("name", "sky", "ground"),
    [
        ("summer_mountain", 0.4, 0.62),
        ("summer_valley", 0.3, 0.65),
        ("summer_wetland", 0.3, 0.5),
        ("summer_hills", 0.08, 0.5),
        ("winter_glacier", 0.1, 0.6),
        ("winter_peaks", 0.1, 0.6),
    ],
)
def test_skies_of_photos(name: str, sky: float, ground: float) -> None:
    """`sky` of the rows from the top show nothing else, and from `ground` on there is none."""
    mask = sky_mask(photo(name))
    assert mask[: round(sky * len(mask))].mean() > 0.85
    assert mask[round(ground * len(mask)) :].mean() < 0.02


def test_snow_below_a_gap_between_trees_is_no_haze() -> None:
    pixels = np.full((160, 240, 3), (200, 205, 210), np.uint8)
    pixels[60:90] = (40, 50, 45)
    pixels[60:90, 100:106] = (200, 205, 210)
    mask = sky_mask(Image.fromarray(pixels), with_haze=True)
    assert mask[:55].mean() > 0.95
    assert mask[100:].mean() < 0.02


def test_clouds_belong_to_the_sky_and_a_misty_mountain_does_not() -> None:
    names = "winter_ridge", "winter_slope"
    ridge, slope = (sky_mask(photo(name), with_haze=True) for name in names)
    height, width = ridge.shape
    clouds = np.s_[height // 5 : height // 3, width // 2 : 3 * width // 5]
    mountain = np.s_[2 * height // 5 : height // 2, 3 * width // 10 : width // 2]
    assert ridge[clouds].mean() > 0.95
    assert slope[mountain].mean() < 0.1


@pytest.mark.parametrize("colour", ["white", "black", "green"])
def test_one_colour_has_no_sky(colour: str) -> None:
    assert not sky_mask(Image.new("RGB", (64, 48), colour)).any()


def test_a_table_has_no_sky() -> None:
    assert not sky_mask(photo("coffee")).any()


@settings(deadline=None, max_examples=30)
@example(5, 5, 2)  # a sky of one pixel
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_any_picture_has_a_mask(width: int, height: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = sky_mask(Image.fromarray(pixels))
    assert mask.shape == (height, width)
    assert ((mask >= 0) & (mask <= 1)).all()


def test_a_blotch_in_the_sky_goes_and_what_is_below_stays() -> None:
    before, is_sky = hills()
    cast = np.array((0, -12, 6))
    pixels = np.asarray(before, int) + cast
    pixels[20:50, 160:200] = (120, 90, 40)
    changed = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    after = np.asarray(with_even_sky(changed, before), int)
    assert np.abs(after - np.asarray(before, int) - cast)[20:50, 160:200].max() <= 2
    assert np.array_equal(after[130:], np.asarray(changed, int)[130:])
    assert not is_sky[130:].any()


@pytest.mark.parametrize(
    ("name", "direction", "sky"),
    [
        ("summer_valley", "summer2winter", 0.3),
        ("summer_hills", "summer2winter", 0.08),
        ("winter_glacier", "winter2summer", 0.1),
    ],
)
def test_seasons_change_skies_as_a_whole(name: str, direction: Direction, sky: float) -> None:
    before = photo(name)
    change = np.asarray(change_season(before, direction), float) - np.asarray(before, float)
    change = change[: round(sky * len(change))]
    assert np.abs(change - change.mean((0, 1))).mean() < 3
