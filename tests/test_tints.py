"""Which colours seasons may give, on made pixels and on a photo."""

import numpy as np
import pytest
from PIL import Image

import image_processing
from image_processing import change_season
from model_cyclegan.tints import (
    MOST_NEW,
    MOST_REDDER,
    without_bright_colours,
    without_new_colours,
    without_new_red,
)
from tests.conftest import PHOTOS

Colour = tuple[int, int, int]


def pixel(colour: Colour) -> Image.Image:
    return Image.new("RGB", (1, 1), colour)


def grey_of(image: Image.Image) -> int:
    (value,) = image.convert("L").get_flattened_data()
    assert isinstance(value, int)
    return value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((120, 120, 120), (200, 190, 90)),  # a rock that turns yellow
        ((110, 115, 130), (190, 180, 120)),  # in blue light
        ((60, 120, 40), (220, 190, 240)),  # a meadow that turns pink
    ],
)
def test_winter_gives_no_new_colour(before: Colour, after: Colour) -> None:
    result = without_new_colours(pixel(after), pixel(before))
    assert grey_of(result) == pytest.approx(grey_of(pixel(after)), abs=1)
    (own,), (its,) = (np.asarray(image, np.float32)[0] for image in (pixel(before), result))
    chroma, kept = its - grey_of(result), own - grey_of(pixel(before))
    share = float(np.clip(chroma @ kept / max(kept @ kept, 25), 0, 1))
    assert np.linalg.norm(chroma - share * kept) < MOST_NEW + 2


def test_winter_may_take_colours_away_and_leave_them() -> None:
    red, white = pixel((160, 80, 60)), pixel((230, 230, 230))
    assert without_new_colours(white, red).tobytes() == white.tobytes()
    assert without_new_colours(red, red).tobytes() == red.tobytes()


def test_snow_on_a_yellow_rock_is_white() -> None:
    """Bare, the rock keeps its yellow."""
    rock = pixel((120, 110, 60))
    covered, bare = (
        np.asarray(without_new_colours(pixel(after), rock), int)
        for after in ((250, 245, 190), (125, 115, 65))
    )
    assert np.ptp(covered) < 15
    assert np.ptp(bare) > 40


def test_summer_makes_meadows_and_no_sand() -> None:
    snow, sand, meadow = pixel((210, 212, 218)), pixel((200, 170, 110)), pixel((120, 150, 60))
    red, green, blue = np.asarray(without_new_red(sand, snow), int)[0, 0]
    assert abs(red - green + 2 - MOST_REDDER) <= 1
    assert blue == 110
    assert without_new_red(meadow, snow).tobytes() == meadow.tobytes()
    assert without_new_red(sand, sand).tobytes() == sand.tobytes()


def test_what_stays_as_bright_as_snow_gets_no_colour() -> None:
    snow, meadow = pixel((225, 227, 233)), pixel((120, 150, 60))
    found = np.asarray(without_bright_colours(pixel((245, 250, 140)), snow), int)[0, 0]
    assert np.ptp(found) < 20
    assert without_bright_colours(meadow, snow).tobytes() == meadow.tobytes()
    yellow = pixel((250, 240, 120))  # of its own
    assert without_bright_colours(yellow, yellow).tobytes() == yellow.tobytes()


def test_a_rock_below_a_blue_sky_stays_grey(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does not without this: its colours are then those of no rock."""
    with Image.open(PHOTOS / "summer_mountain.jpg") as file:
        photo = file.convert("RGB")

    def new_colours() -> float:
        changed = np.asarray(change_season(photo, "summer2winter"), np.float32)
        limited = without_new_colours(Image.fromarray(changed.astype(np.uint8)), photo)
        return float(np.abs(changed - np.asarray(limited)).mean())

    kept = new_colours()
    monkeypatch.setattr(image_processing, "without_new_colours", lambda changed, _: changed)
    assert kept < 0.6 * new_colours()
