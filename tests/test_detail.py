"""Bringing what was worked out small to the photo's own size."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from detail import with_change, with_detail
from guided import Array, box_mean

PHOTO = Path(__file__).parents[1] / "images" / "photos" / "summer_ridge.jpg"


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 9), st.integers(1, 9)),
        elements=st.floats(0, 1, width=32),
    ),
    st.integers(1, 12),
)
@settings(deadline=None, max_examples=50)
def test_box_means_are_means(values: Array, radius: int) -> None:
    means = box_mean(values, radius)
    height, width = values.shape
    y, x = height // 2, width // 3
    square = values[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
    assert means[y, x] == pytest.approx(float(square.mean()), abs=1e-5)


def ridge() -> tuple[Image.Image, Image.Image]:
    """A photo and the same made small."""
    photo = Image.open(PHOTO).convert("RGB")
    return photo, photo.resize((180, 90), Image.Resampling.LANCZOS)


def test_what_was_not_changed_stays() -> None:
    photo, small = ridge()
    assert with_change(small, small, photo).tobytes() == photo.tobytes()


def test_a_change_of_all_colours_comes_at_the_photos_size() -> None:
    photo, small = ridge()
    wanted = photo.point(lambda level: 40 + level // 2)
    found = with_change(small.point(lambda level: 40 + level // 2), small, photo)
    assert np.abs(np.asarray(found, int) - np.asarray(wanted, int)).mean() < 2


def test_edges_of_a_change_are_the_photos() -> None:
    """The lower half turns white in a photo of two colours; the small copy's edge is soft."""
    pixels = np.full((240, 320, 3), 200, np.uint8)
    pixels[121:] = (40, 90, 30)
    photo = Image.fromarray(pixels)
    small = photo.resize((64, 48), Image.Resampling.LANCZOS)
    white = Image.new("RGB", small.size, "white")
    ground = small.convert("L").point(lambda level: 255 if level < 130 else 0)
    found = np.asarray(with_change(Image.composite(white, small, ground), small, photo), int)
    assert np.abs(found[:120] - 200).max() < 13
    assert found[122:].min() > 235


def test_a_large_photo_is_changed_in_bands_without_seams() -> None:
    photo, small = ridge()
    changed = small.point(lambda level: 255 - level // 3)
    large = photo.resize((1440, 720), Image.Resampling.BICUBIC)
    found = np.asarray(with_change(changed, small, large), int)
    step = np.abs(np.diff(found, axis=0)).mean((1, 2))
    assert step[255] < 2 * np.median(step[200:300])


def test_detail_draws_no_outline_where_the_painting_turned_an_edge() -> None:
    """A dark roof under a bright sky was painted bright under a dark sky."""
    pixels = np.full((240, 320, 3), 210, np.uint8)
    pixels[121:] = 40
    photo = Image.fromarray(pixels)
    small = photo.resize((128, 96), Image.Resampling.LANCZOS)
    turned = small.point(lambda level: 250 - level)
    enlarged = turned.resize(photo.size, Image.Resampling.BICUBIC)
    found = np.asarray(with_detail(turned, small, photo), int)
    assert np.abs(found - np.asarray(enlarged, int)).max() < 12


def test_detail_sharpens_an_edge_that_was_painted() -> None:
    pixels = np.full((240, 320, 3), 210, np.uint8)
    pixels[121:] = 40
    photo = Image.fromarray(pixels)
    small = photo.resize((128, 96), Image.Resampling.LANCZOS)
    painted = small.point(lambda level: 60 + level // 2)
    rows = np.asarray(with_detail(painted, small, photo), int)[:, 160, 0]
    enlarged = np.asarray(painted.resize(photo.size, Image.Resampling.BICUBIC), int)[:, 160, 0]
    assert np.abs(np.diff(rows)).max() > 1.3 * np.abs(np.diff(enlarged)).max()
    assert enlarged.min() - 6 < rows.min() and rows.max() < enlarged.max() + 6


def test_detail_of_a_texture_comes_back() -> None:
    texture = np.random.default_rng(0).normal(128, 20, (240, 320, 1)).repeat(3, 2)
    photo = Image.fromarray(np.clip(texture, 0, 255).astype(np.uint8))
    small = photo.resize((128, 96), Image.Resampling.LANCZOS)
    found = with_detail(small, small, photo)
    assert np.asarray(found, float).std() > 0.7 * np.asarray(photo, float).std()
