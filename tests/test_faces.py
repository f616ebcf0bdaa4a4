"""Faces in paintings and seasons: real weights on photographs of real people."""

from functools import cache

import numpy as np
import pytest
from PIL import Image

from benchmarks.people import score_at
from image_processing import change_season, paint
from model_nst.faces import begun_anew, calmed, guidance
from model_nst.images import to_array, working_copy
from model_nst.style_transfer import Style
from model_people.faces import People, find_people
from parts import maps_of_faces, mask_of_persons
from settings import ROOT
from wishes import PaintingOptions

IMAGES = ROOT / "images"


def opened(name: str) -> Image.Image:
    with Image.open(IMAGES / name) as image:
        return image.convert("RGB")


@cache
def portrait() -> Image.Image:
    return opened("photos/astronaut.jpg")


@cache
def its_people() -> People:
    return find_people(portrait())


@cache
def painted(options: PaintingOptions) -> Image.Image:
    style = Style(opened("styles/1_starry_night.jpg"))
    return paint(portrait(), [style], options, size=320, people=its_people())


def difference(one: Image.Image, other: Image.Image, where: Image.Image) -> float:
    """The mean absolute change, of 255, where a mask in mode L is over half."""
    change = np.abs(np.asarray(one, np.float32) - np.asarray(other, np.float32)).mean(2)
    return float(change[np.asarray(where) > 127].mean())


def test_a_painted_face_is_still_a_face() -> None:
    (face,) = its_people().faces
    kept, free = painted(PaintingOptions()), painted(PaintingOptions(faces="free"))
    assert score_at(kept, face) > 0.75
    assert score_at(kept, face) > score_at(free, face)


def test_a_painted_face_is_no_photograph() -> None:
    (face,) = its_people().faces
    photo, kept = (image.crop(face.box) for image in (portrait(), painted(PaintingOptions())))
    assert difference(photo, kept, Image.new("L", photo.size, 255)) > 25


@pytest.mark.parametrize("only", ["people", "background"])
def test_the_rest_stays_a_photograph(only: str) -> None:
    result = painted(PaintingOptions(only=only))  # type: ignore[arg-type]
    mask = mask_of_persons(portrait(), its_people())
    inside = difference(portrait(), result, mask)
    outside = difference(portrait(), result, mask.point(lambda value: 255 - value))
    assert (inside > 15 > 3 > outside) if only == "people" else (outside > 15 > 3 > inside)


def test_the_background_has_a_style_of_its_own() -> None:
    styles = [Style(opened(f"styles/{name}.jpg")) for name in ("1_starry_night", "3_kiss")]
    both = paint(portrait(), styles[:1], background=styles[1:], size=128)
    one, other = (paint(portrait(), [style], size=128) for style in styles)
    mask = mask_of_persons(portrait(), its_people())
    assert difference(both, one, mask) < 2 < 10 < difference(both, other, mask)
    behind = mask.point(lambda value: 255 - value)
    assert difference(both, other, behind) < 2 < 10 < difference(both, one, behind)


@pytest.mark.parametrize("only", ["people", "background"])
def test_where_nobody_is_all_is_painted(only: str) -> None:
    photo, style = opened("photos/coffee.jpg"), Style(opened("styles/3_kiss.jpg"))
    parted = paint(photo, [style], PaintingOptions(only=only), size=128)  # type: ignore[arg-type]
    np.testing.assert_array_equal(parted, paint(photo, [style], size=128))


@pytest.mark.parametrize("direction", ["summer2winter", "winter2summer"])
def test_seasons_leave_faces_as_they_are(direction: str) -> None:
    changed = change_season(portrait(), direction)  # type: ignore[arg-type]
    left, top, right, bottom = map(round, its_people().faces[0].box)
    face = Image.new("L", portrait().size)
    face.paste(255, (left, top, right, bottom))
    assert difference(portrait(), changed, face) < 3


def test_maps_lead_style_away_from_faces_alone() -> None:
    small = working_copy(portrait(), 256)
    maps = maps_of_faces(its_people(), small.size)
    assert maps
    guide = guidance(maps, to_array(small), "normal")
    assert guide.content.shape == (1, 1, 128, 128)
    assert guide.style.shape == (1, 1, 256, 256)
    x, y = (round(at / 2) for at in its_people().faces[0].centre)
    assert guide.style[0, 0, y, x] < 0.7
    assert guide.content[0, 0, y // 2, x // 2] > 1.5
    assert guide.style[0, 0, -8:].min() == guide.content[0, 0, -8:].max() == 1
    assert guide.style.min() > 0


def test_what_is_done_for_faces_leaves_the_rest() -> None:
    small = working_copy(portrait(), 256)
    maps, photo = maps_of_faces(its_people(), small.size), to_array(small)
    assert maps
    x = np.random.default_rng(0).random(photo.shape).astype(np.float32)
    anew = begun_anew(x, photo, [(to_array(opened("styles/3_kiss.jpg")), 1.0)], maps)
    for result in (anew, calmed(x, maps)):
        assert result.dtype == np.float32
        assert 0 <= result.min() <= result.max() <= 1
        np.testing.assert_array_equal(result[:, :, -40:], x[:, :, -40:])
        assert np.abs(result - x).max() > 0.1
