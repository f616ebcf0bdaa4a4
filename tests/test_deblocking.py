"""Blocks of small, hard-compressed JPEGs go, and nothing else."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decoding import decode, limits_of
from settings import Settings

PHOTOS = Path(__file__).parents[1] / "images" / "photos"


def photo(name: str, side: int = 480) -> Image.Image:
    with Image.open(PHOTOS / f"{name}.jpg") as file:
        image = file.convert("RGB")
    image.thumbnail((side, side))
    return image


def compressed(image: Image.Image, quality: int, **options: object) -> bytes:
    data = BytesIO()
    image.save(data, "JPEG", quality=quality, **options)
    return data.getvalue()


def as_decoded(data: bytes) -> Image.Image:
    return decode(data, limits_of(Settings(_env_file=None)))


def as_stored(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGB")


def blockiness(image: Image.Image) -> float:
    """Mean step at the blocks' borders over that elsewhere; 1 where there are no blocks."""
    steps = np.abs(np.diff(np.asarray(image.convert("L"), float), axis=1)).mean(0)
    at_borders = steps[7::8].mean()
    return float(at_borders / np.delete(steps, slice(7, None, 8)).mean())


def error(image: Image.Image, other: Image.Image) -> float:
    return float(np.square(np.asarray(image, float) - np.asarray(other, float)).mean())


@pytest.mark.parametrize("name", ["astronaut", "summer_ridge", "chelsea"])
@pytest.mark.parametrize("quality", [10, 18, 25])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_blocks_go_and_the_photo_comes_nearer_to_its_original(
    name: str, quality: int, subsampling: int
) -> None:
    original = photo(name)
    data = compressed(original, quality, subsampling=subsampling)
    before, after = as_stored(data), as_decoded(data)
    assert abs(blockiness(after) - 1) < 0.5 * abs(blockiness(before) - 1) + 0.02
    assert error(after, original) < error(before, original)


def test_a_well_kept_or_a_large_photo_stays_as_it_is() -> None:
    for data in (
        compressed(photo("astronaut"), 85),
        compressed(photo("astronaut"), 45),
        compressed(photo("astronaut").resize((1400, 1400)), 20),
    ):
        assert as_decoded(data).tobytes() == as_stored(data).tobytes()


def test_a_turned_photo_is_freed_of_its_blocks_as_it_lay() -> None:
    image = photo("summer_ridge").crop((0, 0, 203, 149))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right
    data, turned = compressed(image, 20), compressed(image, 20, exif=exif)
    upright = as_decoded(data).transpose(Image.Transpose.ROTATE_270)
    assert as_decoded(turned).tobytes() == upright.tobytes()


@pytest.mark.parametrize("size", [(16, 16), (17, 203), (23, 16), (200, 19)])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_any_small_size_and_kind_is_read(size: tuple[int, int], mode: str) -> None:
    image = photo("chelsea").resize(size).convert(mode)
    assert as_decoded(compressed(image, 15)).size == size
