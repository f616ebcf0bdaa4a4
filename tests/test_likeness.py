"""Beside a style that would leave nothing of it, more of the photo is kept."""

import numpy as np
import pytest
from aiogram.utils.i18n import I18n
from PIL import Image, ImageDraw

import texts
from image_processing import paint
from model_nst.images import Array, to_array
from model_nst.likeness import LEAST, likeness, recognisable
from model_nst.style_transfer import Style
from presets import PRESETS
from settings import ROOT
from wishes import PaintingOptions, StyleWish


def opened(path: str, side: int = 160) -> Image.Image:
    with Image.open(ROOT / "images" / path) as file:
        return file.convert("RGB").resize((side, side))


PHOTO = opened("photos/astronaut.jpg")


def drawing() -> Image.Image:
    """A red house on white."""
    picture = Image.new("RGB", (320, 240), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((110, 110, 210, 210), fill=(220, 60, 50))
    draw.polygon([(100, 110), (160, 60), (220, 110)], fill=(120, 60, 30))
    return picture


def stripes() -> Image.Image:
    rows, columns = np.mgrid[:256, :256]
    return Image.fromarray(((rows + columns) // 12 % 2 * 255).astype(np.uint8)).convert("RGB")


def test_likeness_is_that_of_light_and_shade() -> None:
    photo = to_array(PHOTO)
    assert likeness(photo, photo) == pytest.approx(1)
    assert likeness(1 - photo, photo) == pytest.approx(-1, abs=0.02)
    assert likeness(0.1 * photo + 0.5, photo) == pytest.approx(0.1, abs=0.02)  # a faint trace
    among_stripes = 0.2 * photo + 0.8 * to_array(stripes().resize(PHOTO.size))
    assert likeness(among_stripes, photo) < 0.3
    flat = np.full_like(photo, 0.4)
    assert likeness(photo, flat) == 1  # which shows nothing that could be lost


def test_the_photo_counts_more_until_the_likeness_suffices() -> None:
    photo, style = to_array(PHOTO), [(to_array(drawing()), 1.0)]
    begun = np.full_like(photo, 0.5)
    tried = []

    def painted(x: Array, kept: float) -> Array:
        tried.append(kept)
        return x

    _, kept = recognisable(begun, photo, style, 0.6, painted)
    assert tried == [1.0, 4.0, 16.0] and kept == 16.0
    tried.clear()
    _, kept = recognisable(photo, photo, style, 0.6, painted)
    assert tried == [1.0] and kept == 1.0
    tried.clear()
    recognisable(begun, photo, style, 2.0, painted)  # which nothing reaches
    assert len(tried) == 4


@pytest.mark.parametrize("style", [drawing(), stripes()], ids=["drawing", "stripes"])
def test_a_photo_is_recognised_in_any_style(style: Image.Image) -> None:
    kept: list[bool] = []
    shares: list[float] = []
    painting = paint(
        PHOTO,
        [Style(style)],
        PaintingOptions(faces="free"),
        size=160,
        on_progress=shares.append,
        on_kept=lambda: kept.append(True),
    )
    assert kept == [True]
    assert likeness(to_array(painting), to_array(PHOTO)) > LEAST["normal"] - 0.1
    assert shares == sorted(shares) and shares[-1] <= 1


def test_famous_paintings_stay_as_they_are() -> None:
    kept: list[bool] = []
    with Image.open(PRESETS["composition_viii"].path) as file:
        style = Style(file.convert("RGB"))
    paint(PHOTO, [style], size=128, on_kept=lambda: kept.append(True))
    assert not kept


def test_the_caption_tells_of_it() -> None:
    wish = StyleWish("own", "id")
    sentence = "This style leaves little of a photo, so more of it was kept."
    with I18n(path=ROOT / "locales", default_locale="en").context():
        assert sentence not in (texts.painting_caption(wish, people=False) or "")
        assert sentence in (texts.painting_caption(wish, people=False, kept=True) or "")
