"""The measures of benchmarks/seasons.py on made pictures and features."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from benchmarks.changes import bright_ground, gradient_similarity, sky_change, skyline
from benchmarks.seasons import kid, kid_error, sheet, train_classifier


def colours(count: int, mean: tuple[float, float, float], seed: int) -> NDArray[np.float64]:
    """Mean colours of made photographs, `[count, 3]`."""
    return np.random.default_rng(seed).normal(mean, 1, (count, 3))


def picture() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    return Image.fromarray(pixels).resize((64, 48), Image.Resampling.BICUBIC)


def test_kid_is_near_zero_for_one_distribution_and_grows_with_the_shift() -> None:
    same = colours(300, (0, 0, 0), 1)
    distances = [kid(same, colours(300, (shift, 0, 0), 2)) for shift in (0, 0.5, 1)]
    error = kid_error(same, colours(300, (0, 0, 0), 2))
    assert abs(distances[0]) < 4 * error
    assert distances[0] + 4 * error < distances[1] < distances[2]


def test_kid_is_unbiased() -> None:
    values = [kid(*(colours(20, (0, 0, 0), 2 * i + j) for j in (0, 1))) for i in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))


def test_the_error_of_kid_is_its_spread_over_samples() -> None:
    samples = [
        (colours(100, (0, 0, 0), 2 * i), colours(100, (0.5, 0, 0), 2 * i + 1)) for i in range(100)
    ]
    spread = np.std([kid(x, y) for x, y in samples])
    claimed = np.mean([kid_error(x, y) for x, y in samples[:20]])
    assert claimed == pytest.approx(spread, rel=0.35)


def test_gradients_survive_brightness_and_contrast_but_not_a_mirror() -> None:
    photo = picture()
    paler = photo.point([128 + i // 4 for i in range(256)] * 3)
    assert gradient_similarity(photo, photo) == pytest.approx(1)
    assert gradient_similarity(photo, paler) > 0.97
    assert gradient_similarity(photo, ImageOps.invert(photo)) == pytest.approx(-1)
    assert abs(gradient_similarity(photo, ImageOps.mirror(photo))) < 0.4


def test_gradients_of_even_pictures() -> None:
    grey, white = (Image.new("RGB", (16, 16), colour) for colour in ("grey", "white"))
    assert gradient_similarity(grey, white) == 1
    assert gradient_similarity(grey, picture().resize((16, 16))) == 0


def test_the_classifier_tells_two_colours_apart() -> None:
    green, white = (-2.0, 2.0, -2.0), (2.0, 2.0, 2.0)
    classifier = train_classifier(colours(100, green, 1), colours(300, white, 2))
    assert (classifier.winter(colours(200, green, 3)) < 0).mean() > 0.95
    assert (classifier.winter(colours(200, white, 4)) > 0).mean() > 0.95
    assert abs(classifier.winter(np.array([[0.0, 2.0, 0.0]]))[0]) < 0.5  # as far from either


def test_a_sheet_holds_all_pairs() -> None:
    white = Image.new("RGB", (256, 256), "white")
    black = Image.new("RGB", (256, 256))
    pixels = np.asarray(sheet([(white, black)] * 5).convert("L"))
    assert (pixels == 0).sum() == 5 * 256 * 256


def test_a_blotch_in_the_sky_counts_and_another_colour_of_all_of_it_does_not() -> None:
    pixels = np.full((64, 64, 3), 120, np.uint8)
    shown = np.arange(64)[:, None] + np.zeros(64) < 32
    before = Image.fromarray(pixels)
    brighter = before.point([min(i + 30, 255) for i in range(256)] * 3)
    assert sky_change(before, brighter, shown) == (0, 0)
    pixels[:16, :16, 0] += 40
    blotch = sky_change(before, Image.fromarray(pixels), shown)
    assert blotch is not None
    assert blotch[1] == pytest.approx(35)  # 40 without the mean over eight blocks
    assert sky_change(before, before, np.zeros((64, 64), bool)) is None


def test_gradients_along_the_skyline_only() -> None:
    shown = np.zeros((48, 64), bool)
    shown[:20] = True
    line = skyline(shown)
    assert line[17:23].all() and not line[:17].any() and not line[23:].any()
    pixels = np.array(picture())
    below = pixels.copy()
    below[30:] = 0
    assert gradient_similarity(picture(), Image.fromarray(below), line) == pytest.approx(1)
    assert gradient_similarity(picture(), Image.fromarray(below)) < 0.95
    assert not skyline(np.ones((48, 64), bool)).any()


def test_bright_ground_is_white_and_not_sky() -> None:
    pixels = np.full((4, 4, 3), 230, np.uint8)
    pixels[:, 2:] = (60, 140, 50)
    shown = np.arange(4)[:, None] + np.zeros(4) < 2
    assert bright_ground(Image.fromarray(pixels), shown).sum() == 4
