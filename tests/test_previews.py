"""People watch the painting appear: what `paint` shows of it on the way."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from image_processing import Cancelled, paint
from model_nst.engine import get_engine
from model_nst.style_transfer import SKETCHED_STEPS, SLOW_SKETCHED_STEPS, Style, schedule
from presets import PRESETS
from settings import ROOT
from wishes import PaintingOptions


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    with Image.open(ROOT / "images" / "photos" / "coffee.jpg") as image:
        return image.convert("RGB")


@pytest.fixture(scope="module")
def kiss() -> Image.Image:
    with Image.open(PRESETS["kiss"].path) as image:
        return image.convert("RGB")


@pytest.fixture(scope="module")
def style(kiss: Image.Image) -> Image.Image:
    """Somebody's own picture."""
    return ImageOps.mirror(kiss)


def distance(a: Image.Image, b: Image.Image) -> float:
    pixels, others = (np.asarray(image, np.float32) for image in (a, b.resize(a.size)))
    return float(np.abs(pixels - others).mean())


def test_each_preview_is_nearer_to_the_painting(photo: Image.Image, style: Image.Image) -> None:
    previews: list[Image.Image] = []
    reached: list[float] = []
    reached_at_previews: list[float] = []

    def on_preview(preview: Image.Image) -> None:
        previews.append(preview)
        reached_at_previews.append(reached[-1])

    painting = paint(
        photo,
        [Style(style)],
        size=256,
        on_progress=reached.append,
        on_preview=on_preview,
        engine="openvino",
    )
    assert [preview.size for preview in previews] == [(256, 171)] * 2  # after 96 and 192 px
    assert painting.size == photo.size
    assert reached_at_previews[0] < 0.5
    assert reached_at_previews[1] < 1
    distances = [distance(preview, painting) for preview in previews]
    assert distances == sorted(distances, reverse=True)
    assert distance(previews[0], photo) > 5  # it is painted, not the photo made small


def test_a_preview_that_raises_stops_the_work(photo: Image.Image, style: Image.Image) -> None:
    reached: list[float] = []

    def on_preview(_: Image.Image) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        paint(
            photo,
            [Style(style)],
            size=192,
            on_progress=reached.append,
            on_preview=on_preview,
            engine="openvino",
        )
    assert reached[-1] < 1


def from_its_sketch(photo: Image.Image, style: Image.Image) -> tuple[Image.Image, Image.Image, int]:
    """The painting at 384 px, its only preview, which came before the first step, and the steps."""
    previews: list[Image.Image] = []
    reached: list[float] = []
    reached_at_previews: list[int] = []

    def on_preview(preview: Image.Image) -> None:
        previews.append(preview)
        reached_at_previews.append(len(reached))

    painting = paint(
        photo,
        [Style(style)],
        size=384,
        on_progress=reached.append,
        on_preview=on_preview,
        engine="openvino",
    )
    assert reached_at_previews == [0]
    return painting, previews[0], len(reached)


def steps_from_a_sketch() -> int:
    sketched_steps = SLOW_SKETCHED_STEPS if get_engine("openvino").is_slow else SKETCHED_STEPS
    return sum(steps for _, steps, _ in schedule(384, sketched_steps=sketched_steps))


def test_a_famous_painting_begins_with_its_sketch(photo: Image.Image, kiss: Image.Image) -> None:
    """The quick network's picture is shown before the first step and is near what comes of it."""
    painting, preview, steps = from_its_sketch(photo, kiss)
    assert steps == steps_from_a_sketch()
    assert distance(preview, painting) < distance(painting, photo)


@pytest.mark.parametrize(
    "options",
    [
        PaintingOptions(variation=1),
        PaintingOptions(strength="strong"),
        PaintingOptions(strokes="fine"),
        PaintingOptions(strokes="large"),
    ],
)
def test_what_a_sketch_would_hide_begins_with_noise(
    photo: Image.Image, kiss: Image.Image, options: PaintingOptions
) -> None:
    reached: list[float] = []
    paint(
        photo,
        [Style(kiss)],
        options,
        size=384,
        on_progress=reached.append,
        engine="openvino",
    )
    assert len(reached) == sum(steps for _, steps, _ in schedule(384))
