"""Skin is found by the faces in a photo, and gets the colours of a painting's skin."""

from functools import cache

import numpy as np
import pytest
from PIL import Image

from benchmarks.people import score_at
from image_processing import in_all_styles, paint, paint_quickly
from model_nst.images import Array
from model_nst.regions import in_size, painted
from model_nst.style_transfer import Style
from model_people.faces import People, find_people
from model_people.skin import SIZE, skin_map
from parts import maps_of_faces, painted_skin
from presets import PRESETS
from settings import ROOT
from wishes import PaintingOptions


def opened(name: str) -> Image.Image:
    with Image.open(ROOT / "images" / name) as image:
        return image.convert("RGB")


@cache
def portrait() -> Image.Image:
    return opened("people/grace_hopper.jpg")


@cache
def its_people() -> People:
    return find_people(portrait())


@cache
def its_skin() -> Array:
    return skin_map(portrait(), its_people())


def chroma(image: Image.Image, where: Array) -> Array:
    """The mean blue and red difference, of 255, where a map `[h, w]` of any size is."""
    weights = in_size(where, image.height, image.width)
    planes = np.asarray(image.convert("YCbCr"), np.float32)[..., 1:]
    mean: Array = np.average(planes, (0, 1), np.stack((weights, weights), 2))
    return mean


def kiss() -> Image.Image:
    return opened("styles/3_kiss.jpg")


def test_skin_is_the_face_and_the_neck_but_no_hair_and_no_clothes() -> None:
    skin = its_skin()
    assert max(skin.shape) == SIZE
    (face,) = its_people().faces
    scale = skin.shape[1] / portrait().width

    def at(x: float, y: float) -> float:
        """In widths of the face, from its middle to the right and down."""
        column = round((face.centre[0] + x * face.width) * scale)
        row = round((face.centre[1] + y * face.width) * scale)
        return float(skin[row - 2 : row + 3, column - 2 : column + 3].mean())

    assert at(0, 0) > 0.9
    assert at(0, 0.8) > 0.8  # the neck
    assert at(0, -1) < 0.2  # the cap
    assert at(0.9, 0.9) < 0.1  # the jacket
    assert skin[:, :20].max() < 0.2 or skin[: SIZE // 2, :20].max() < 0.2  # the flag


def test_in_a_photo_without_colours_skin_is_the_faces_alone() -> None:
    photo = opened("people/lorentz_einstein.jpg")
    assert 0.01 < skin_map(photo, find_people(photo)).mean() < 0.1


def test_where_nobody_is_there_is_no_skin() -> None:
    photo = opened("photos/coffee.jpg")
    people = find_people(photo)
    skin = skin_map(photo, people)
    assert not skin.any()
    assert painted_skin(photo, skin, [Style(kiss())], ["kiss"]) is None


def test_skin_gets_the_chroma_of_the_painting_s_and_keeps_its_light() -> None:
    skin = painted_skin(portrait(), its_skin(), [Style(kiss())], ["kiss"])
    assert skin
    wanted = chroma(kiss(), painted("kiss", "skin", *kiss().size))
    before, after = (np.abs(chroma(i, skin.shown) - wanted) for i in (portrait(), skin.photo))
    assert after.sum() < 0.5 * before.sum()
    own, other = (np.asarray(image.convert("L"), np.float32) for image in (portrait(), skin.photo))
    assert np.abs(own - other).max() < 6


def test_a_neck_is_kept_as_a_face_is() -> None:
    (face,) = its_people().faces
    x, y = round(face.centre[0] / 2), round((face.centre[1] + 0.75 * face.width) / 2)
    size = portrait().width // 2, portrait().height // 2
    with_neck, without = (maps_of_faces(its_people(), size, skin) for skin in (its_skin(), None))
    assert with_neck and without
    assert with_neck.faces[y, x] > 0.6 > 0.1 > without.faces[y, x]


def test_a_painting_without_people_leaves_skin_alone() -> None:
    wave = Style(opened("styles/2_great_wave.jpg"))
    assert painted_skin(portrait(), its_skin(), [wave], ["great_wave"]) is None


def test_a_portrait_of_one_s_own_is_known_for_one() -> None:
    own = Style(opened("photos/astronaut.jpg"))
    skin = painted_skin(portrait(), its_skin(), [own], [None])
    assert skin
    wanted = chroma(own.picture, skin_map(own.picture, find_people(own.picture)))
    before, after = (np.abs(chroma(i, skin.shown) - wanted) for i in (portrait(), skin.photo))
    assert after.sum() < 0.5 * before.sum()


def test_in_the_kiss_a_person_is_known_and_has_no_face_of_gold() -> None:
    painting = paint(portrait(), [Style(kiss())], size=384, people=its_people())
    (face,) = its_people().faces
    assert score_at(painting, face) > 0.7
    apart = chroma(painting, skin_map(portrait(), its_people())) - chroma(
        kiss(), painted("kiss", "skin", *kiss().size)
    )
    assert np.abs(apart).max() < 16  # without the painting's skin it is 40


def test_quick_pictures_show_the_same_skin() -> None:
    skin = skin_map(portrait(), its_people())
    quick, of_clip = (
        paint_quickly(portrait(), {"kiss": 1.0}, people=its_people(), still=still)
        for still in (True, False)
    )
    free = paint_quickly(portrait(), {"kiss": 1.0}, PaintingOptions(faces="free"))
    for other in (of_clip, free):
        assert chroma(quick, skin)[0] > chroma(other, skin)[0] + 10
    tiles, _ = in_all_styles(portrait())
    tile = tiles[[*PRESETS].index("kiss")]
    assert chroma(tile, skin_map(tile, find_people(tile)))[0] == pytest.approx(
        chroma(quick, skin)[0], abs=8
    )
