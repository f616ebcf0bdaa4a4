"""Faces and persons: the real networks on real photos."""

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from guided import coefficients
from model_people import networks
from model_people.export import SOURCES, main, read
from model_people.faces import (
    GRID,
    SURE,
    Found,
    People,
    best,
    decoded,
    find_people,
    overlap,
)
from model_people.looks import Look, tiles, whole
from model_people.masks import face_map, features_map
from model_people.persons import EPSILON, persons_mask
from weights import checked

Array = NDArray[np.float32]

IMAGES = Path(__file__).parents[1] / "images"
NOBODY = ("chelsea", "coffee", "summer_*", "winter_*")
EYES = {  # where they are, in pixels: found by eye
    "photos/astronaut": [((202, 103), (244, 100))],
    "people/grace_hopper": [((223, 191), (305, 187))],
}


@cache
def photo(name: str) -> Image.Image:
    return Image.open(IMAGES / f"{name}.jpg").convert("RGB")


@cache
def people(name: str) -> People:
    return find_people(photo(name))


def pasted(name: str, width: int) -> tuple[Image.Image, tuple[int, int]]:
    """A portrait, `width` pixels wide, in a landscape of 1440x720; and where."""
    landscape = photo("photos/summer_valley").resize((1440, 720))
    portrait = photo(name)
    small = portrait.resize((width, round(portrait.height * width / portrait.width)))
    landscape.paste(small, (611, 333))
    return landscape, (611, 333)


def eyes(found: People) -> Array:
    return np.array([face.points[:2] for face in found.faces])


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("photos/astronaut", 1),
        ("people/grace_hopper", 1),
        ("people/workers", 3),
        ("people/mechanics", 3),
        ("people/solvay", 29),
    ],
)
def test_all_faces_of_a_photo_are_found(name: str, count: int) -> None:
    found = people(name)
    assert len(found.faces) == count
    assert found.size == photo(name).size
    widths = [face.width for face in found.faces]
    assert widths == sorted(widths, reverse=True)
    for face in found.faces:
        assert SURE <= face.score <= 1
        assert face.landmarks.shape == (468, 2)
        left, top, right, bottom = face.box
        assert (face.landmarks >= (left, top)).all() and (face.landmarks <= (right, bottom)).all()


@pytest.mark.parametrize("name", ["photos/astronaut", "people/grace_hopper"])
def test_the_eyes_are_where_they_are(name: str) -> None:
    apart = eyes(people(name)) - np.array(EYES[name])
    assert np.abs(apart).max() < 6


@pytest.mark.parametrize(
    "path", [p for name in NOBODY for p in sorted((IMAGES / "photos").glob(f"{name}.jpg"))], ids=str
)
def test_nobody_is_found_where_nobody_is(path: Path) -> None:
    assert not find_people(Image.open(path).convert("RGB")).faces


@pytest.mark.parametrize("name", ["photos/astronaut", "people/grace_hopper"])
@pytest.mark.parametrize("angle", [-90, -30, 30, 60, 90, 180])
def test_turned_faces_are_found(name: str, angle: int) -> None:
    turned = photo(name).rotate(angle, Image.Resampling.BICUBIC, expand=True)
    [face] = find_people(turned).faces
    [upright] = people(name).faces
    difference = math.degrees(face.roll - upright.roll) + angle
    assert abs((difference + 180) % 360 - 180) < 8


@pytest.mark.parametrize("width", [160, 320])
@pytest.mark.parametrize("name", ["photos/astronaut", "people/grace_hopper"])
def test_a_face_far_away_is_found(name: str, width: int) -> None:
    landscape, place = pasted(name, width)
    [face] = find_people(landscape).faces
    scale = width / photo(name).width
    error = face.landmarks - (people(name).faces[0].landmarks * scale + place)
    assert np.abs(error).mean() < 0.08 * face.width


def test_landmarks_move_with_the_photo() -> None:
    [face] = people("photos/astronaut").faces
    eye_distance = float(np.hypot(*(face.points[1] - face.points[0])))
    for scale, shift in ((1.0, 37), (2.0, 0), (0.6, 20), (3.3, 11)):
        size = round(512 * scale)
        moved = Image.new("RGB", (size + shift, size + shift), (90, 90, 90))
        moved.paste(photo("photos/astronaut").resize((size, size)), (shift, shift))
        [again] = find_people(moved).faces
        error = np.hypot(*((again.landmarks - shift) / scale - face.landmarks).T).mean()
        assert error < 0.05 * eye_distance, (scale, shift)


@pytest.mark.parametrize(
    "size", [(1, 1), (16, 16), (4000, 16), (16, 4000), (1, 300), (193, 191), (4000, 3000)]
)
def test_photos_of_any_size(size: tuple[int, int]) -> None:
    small = photo("people/grace_hopper").resize(size)
    found = find_people(small)
    for width, height in (size, (17, 400), (1, 1)):
        for made in (
            face_map(found, width, height),
            features_map(found, width, height),
            persons_mask(small, found, width, height),
        ):
            assert made.shape == (height, width) and made.dtype == np.float32
            assert 0 <= made.min() <= made.max() <= 1
    assert bool(found.faces) == (min(size) > 100)


def test_several_threads_see_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    networks._loaded.clear()
    loaded: list[str] = []

    def counted(*names: str) -> Path:
        loaded.append(names[0])
        return checked(*names)

    monkeypatch.setattr(networks, "checked", counted)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(find_people, [photo("photos/astronaut")] * 4))
    expected = people("photos/astronaut").faces[0].landmarks
    assert all((result.faces[0].landmarks == expected).all() for result in results)
    assert sorted(loaded) == ["face_detector.xml", "face_landmarks.xml"]  # once each


def test_the_map_of_faces_lies_in_the_outline() -> None:
    found = people("photos/astronaut")
    for scale in (0.2, 1, 3):
        size = round(512 * scale)
        made = face_map(found, size, size)
        eye, _, nose, mouth, *_ = found.faces[0].points
        for x, y in (eye, nose, mouth):
            assert made[int(y * scale), int(x * scale)] > 0.95
        left, top, right, bottom = (round(edge * scale) for edge in found.faces[0].box)
        assert max(made[top, left], made[bottom, right]) < 0.2  # corners of the box
        reach = round(0.25 * (right - left))
        made[top - reach : bottom + reach, left - reach : right + reach] = 0
        assert made.max() == 0
    features = features_map(found, 512, 512)
    x, y = found.faces[0].landmarks[50].astype(int)  # a cheek
    assert features[y, x] < 0.3 and features.max() > 0.9
    assert (features <= face_map(found, 512, 512, grow=0.1) + 0.05).all()


@pytest.mark.parametrize("scale", [0.5, 1, 2])
def test_the_persons_mask_has_the_person_and_clean_edges(scale: float) -> None:
    picture, found = photo("photos/astronaut"), people("photos/astronaut")
    size = round(512 * scale)
    mask = persons_mask(picture, found, size, size)

    def at(x: int, y: int) -> float:
        return float(mask[int(y * scale), int(x * scale)])

    for person in ((220, 110), (170, 80), (200, 25), (230, 230), (130, 400)):  # hair and suit too
        assert at(*person) > 0.95, person
    for background in ((20, 20), (440, 100), (100, 60), (330, 150), (400, 300), (30, 250)):
        assert at(*background) < 0.05, background
    assert ((mask > 0.1) & (mask < 0.9)).mean() < 0.06


def test_there_is_no_persons_area_where_nobody_was_found() -> None:
    picture = photo("photos/chelsea")
    assert not persons_mask(picture, find_people(picture), 300, 200).any()


def test_the_guided_filter_keeps_edges_of_the_guide_and_smooths_elsewhere() -> None:
    guide = np.zeros((40, 60, 3), np.float32)
    guide[:, 30:] = (0.9, 0.4, 0.2)
    rough = np.zeros((40, 60), np.float32)
    rough[:, 32:] = 1  # two pixels beside the edge
    *slopes, offset = coefficients(rough, guide, 6, EPSILON)
    values = sum((s * guide[..., i] for i, s in enumerate(slopes)), offset)
    assert abs(values[:, 29] - values[:, 30]).min() > 0.5
    assert abs(np.diff(values[:, 33:], axis=1)).max() < 0.1


boxes = st.builds(
    lambda x, y, w, h, score: Found((x, y, x + w, y + h), score, np.zeros((6, 2), np.float32)),
    *[st.floats(-100, 500)] * 2,
    *[st.floats(1, 200)] * 2,
    st.floats(0, 1),
)


@given(st.lists(boxes, max_size=20))
def test_of_overlapping_boxes_the_best_stays(found: list[Found]) -> None:
    kept = best(found)
    assert [one.score for one in kept] == sorted((one.score for one in kept), reverse=True)
    for i, one in enumerate(kept):
        assert not any(overlap(one.box, other.box) for other in kept[:i])
    for one in found:
        assert any(one is other or overlap(one.box, other.box) for other in kept)
        assert all(one.score <= k.score for k in kept if k is one) or one in kept


@given(
    st.integers(0, GRID**2 - 1),
    arrays(np.float32, 16, elements=st.floats(-300, 300, width=32)),
    st.floats(-math.pi, math.pi),
    st.floats(1, 5000),
)
def test_boxes_are_decoded_from_the_middle_of_their_cell(
    cell: int, box: Array, angle: float, side: float
) -> None:
    logits = np.full(GRID**2, -1e4, np.float32)  # would overflow
    logits[cell] = 3
    raw = np.zeros((GRID**2, 16), np.float32)
    raw[cell] = box
    look = Look(70, 80, side, angle)
    [found] = decoded(raw, logits, look, 0.5)
    row, column = divmod(cell, GRID)
    middle = np.array((column * 4 + 2, row * 4 + 2), np.float32)
    expected = look.to_photo(box[4:].reshape(6, 2) + middle, 192)
    assert found.points == pytest.approx(expected, abs=1e-3 * side)
    assert found.box[2] - found.box[0] == pytest.approx(
        float(np.abs(box[2:4]).max()) * side / 192, abs=1e-3 * side
    )
    assert found.score == pytest.approx(1 / (1 + math.exp(-3)), abs=1e-6)


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([0.3, 0.6]))
def test_tiles_cover_the_photo_and_overlap(width: int, height: int, share: float) -> None:
    looks = list(tiles(width, height, share))
    side = share * max(width, height)
    for length, at in (
        (width, sorted({look.x for look in looks})),
        (height, sorted({look.y for look in looks})),
    ):
        assert at[0] <= side / 2 + 1e-6 and at[-1] >= length - side / 2 - 1e-6
        assert all(b - a <= 0.75 * side + 1e-6 for a, b in pairwise(at))
    assert whole(width, height).side == max(width, height)


def test_a_look_shows_what_it_says() -> None:
    picture = Image.fromarray(np.zeros((100, 200, 3), np.uint8))
    picture.paste((255, 255, 255), (150, 20, 160, 30))
    look = Look(155, 25, 40, math.radians(30))
    seen = look.picture(picture, 80)
    assert seen.shape == (80, 80, 3) and seen[36:44, 36:44].min() > 200
    points = np.array(((3, 4), (70, 9)), np.float32)
    assert look.from_photo(look.to_photo(points, 80), 80) == pytest.approx(points, abs=1e-3)
    assert not Look(-500, -500, 40).picture(picture, 80).any()


def test_other_files_are_not_exported(tmp_path: Path) -> None:
    for source in SOURCES.values():
        (tmp_path / Path(source.file).name).write_bytes(b"TFL3")
        with pytest.raises(ValueError, match="not the file"):
            read(source, tmp_path)
    with pytest.raises(ValueError, match="not the file"):
        main([str(tmp_path), "--out", str(tmp_path)])
