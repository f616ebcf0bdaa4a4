"""Photos of every shape that the limits can take, at the least and the most of both sizes."""

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from engines import Precision, compiled
from image_processing import change_season, paint
from model_cyclegan import season
from model_nst import style_transfer
from model_nst.openvino_engine import FEATURES, OpenVino
from model_nst.style_transfer import Style
from model_nst.tiles import tiles

SHAPES = [1, 2, 5, 8, 12, 15, 16, 17, 20, 31, 40]  # long side to short side
SIZES = (128, 2048)


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def photos(size: int) -> Iterator[Image.Image]:
    """Small ones, and large ones where they are narrow enough to be quick; upright and lying."""
    for shape in SHAPES:
        sides = [(side * shape, side) for side in (1, 16)]
        if size > 128 and shape >= 12:
            sides.append((size, size // shape))
        for long, short in sides:
            yield noise(long, short)
            yield noise(short, long)


@pytest.mark.parametrize("size", SIZES)
def test_every_shape_changes_its_season(size: int) -> None:
    for photo in photos(size):
        assert change_season(photo, "summer2winter", size=size).size == photo.size


@pytest.mark.parametrize("size", SIZES)
def test_the_narrowest_are_painted_also_in_a_style_as_narrow(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style_transfer, "SCALES", {96: (1, 0.2)})
    monkeypatch.setattr(style_transfer, "LAST_SCALE", (1, 0.25))
    for sides in ((1, 40), (320, 16), (640, 16)):  # each is compiled anew, so they are few
        photo = noise(*sides)
        assert paint(photo, [Style(photo)], size=size).size == photo.size


def test_a_generator_that_raised_is_loaded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    season.unload_seasons()
    loaded: list[object] = []

    def counted(model: object, precision: Precision) -> object:
        loaded.append(model)
        return compiled(model, precision)

    monkeypatch.setattr(season, "compiled", counted)
    generator = season.load_season("summer2winter")
    good = np.zeros((1, 3, 16, 16), np.float32)
    generator(good)
    with pytest.raises(RuntimeError):
        generator(np.zeros((1, 3, 8, 8), np.float32))
    assert generator(good).shape == good.shape
    assert len(loaded) == 2
    season.unload_seasons()


def test_a_style_network_that_raised_is_not_lent_again() -> None:
    engine = OpenVino()
    [tile] = tiles(16, 16, 256)
    with engine._network(FEATURES, tile) as network, pytest.raises(RuntimeError):
        network.run([np.zeros((1, 3, 5, 7), np.float32)])
    assert engine._idle == []
    with engine._network(FEATURES, tile) as network:
        network.run([np.zeros((1, 3, 16, 16), np.float32)])
    assert len(engine._idle) == 1
