"""A photo's sky takes from the painting's sky, the rest from the rest."""

import tomllib

import numpy as np
import pytest
from PIL import Image

import image_processing
from image_processing import paint
from model_cyclegan.skies import sky_mask
from model_nst.images import Array, resized, to_array
from model_nst.openvino_engine import OpenVino
from model_nst.regions import Part, by_regions, painted, shows, without
from model_nst.style_transfer import Area, Room, Style, style_grams, within_memory
from model_people.faces import find_people
from model_people.persons import persons_mask
from parts import told_apart
from presets import PRESETS
from settings import ROOT


def kiss() -> Image.Image:
    with Image.open(PRESETS["kiss"].path) as file:
        return file.convert("RGB")


def palace() -> Image.Image:
    with Image.open(ROOT / "images" / "photos" / "summer_palace.jpg") as file:
        return resized(file.convert("RGB"), 384)


def test_polygons_are_of_famous_paintings_and_lie_in_them() -> None:
    drawn = tomllib.loads((ROOT / "images" / "styles" / "regions.toml").read_text("utf-8"))
    assert drawn.keys() == {"sky", "figures", "skin"}
    parts: tuple[tuple[Part, float], ...] = (("sky", 0.04), ("figures", 0.06), ("skin", 0.008))
    for part, least in parts:
        assert drawn[part].keys() <= PRESETS.keys()
        for name, polygons in drawn[part].items():
            assert shows(name, part)
            points = (point for polygon in polygons for point in polygon)
            assert all(0 <= side <= 1 for point in points for side in point)
            assert least < painted(name, part, 200, 150).mean() < 0.7
    assert not shows("moulin_de_la_galette", "sky")
    assert not shows(None, "skin")


def test_both_regions_share_what_counts() -> None:
    sky = np.zeros((10, 20), np.float32)
    sky[:4] = 1
    guidance = by_regions(None, sky, 20, 40)
    assert guidance.style.shape == (1, 2, 20, 40)
    np.testing.assert_allclose(guidance.style.sum(1), 1, atol=3e-3)
    again = by_regions(guidance._replace(style=guidance.style[:, :1]), sky, 20, 40)
    assert again.style[0, 0, 0, 0] == pytest.approx(1, abs=3e-3)
    assert again.style[0, :, -1].max() < 0.01


def test_the_rest_is_what_is_left_of_the_whole() -> None:
    engine, image = OpenVino("f32"), to_array(resized(kiss(), 128))
    shown: Array = painted("kiss", "sky", *image.shape[:1:-1])[None, None]
    whole, sky, rest = (engine.grams(image, each) for each in (None, shown, 1 - shown))
    for gram, wanted in zip(without(whole, sky, shown), rest, strict=True):
        assert np.linalg.norm(gram - wanted) < 1e-3 * np.linalg.norm(wanted)


def test_a_style_without_an_area_gives_both_regions_all_of_it() -> None:
    engine = OpenVino("f32")
    both = style_grams([Style(kiss())], 96, engine, in_regions=True)
    assert all(np.array_equal(one, other) for one, other in zip(*both, strict=True))
    of_its_own = Style(kiss(), area=Area("sky", painted("kiss", "sky", 200, 200)))
    sky, rest = style_grams([of_its_own], 96, engine, in_regions=True)
    assert np.linalg.norm(sky[0] - rest[0]) > 0.1 * np.linalg.norm(rest[0])


def test_a_sky_gets_the_colours_of_the_paintings_backdrop(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, style = palace(), kiss()
    sky = sky_mask(photo)[..., None]
    assert 0.2 < sky.mean() < 0.8
    backdrop = painted("kiss", "sky", *style.size)[..., None]
    wanted = (np.asarray(style) * backdrop).sum((0, 1)) / backdrop.sum()

    def distance(painting: Image.Image) -> float:
        mean = (np.asarray(painting) * sky).sum((0, 1)) / sky.sum()
        return float(np.linalg.norm(mean - wanted))

    by_region = distance(paint(photo, [Style(style)], size=384))
    monkeypatch.setattr(image_processing, "told_apart", lambda *_: None)
    assert by_region < 0.6 * distance(paint(photo, [Style(style)], size=384))


def test_a_picture_of_ones_own_has_its_sky_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with Image.open(PRESETS["ramparts"].path) as file:
        style = file.convert("RGB").crop((2, 2, file.width - 2, file.height - 2))
    photo = resized(palace(), 256)
    sky = sky_mask(photo)[..., None]
    backdrop = painted("ramparts", "sky", *style.size)[..., None]
    wanted = (np.asarray(style) * backdrop).sum((0, 1)) / backdrop.sum()

    def distance(painting: Image.Image) -> float:
        mean = (np.asarray(painting) * sky).sum((0, 1)) / sky.sum()
        return float(np.linalg.norm(mean - wanted))

    by_region = distance(paint(photo, [Style(style)]))
    monkeypatch.setattr(image_processing, "told_apart", lambda *_: None)
    assert by_region < 0.6 * distance(paint(photo, [Style(style)]))


def test_where_memory_is_short_the_sky_is_not_told_apart() -> None:
    photo = Image.new("RGB", (512, 340))

    def room(megabytes: float) -> Room:
        return within_memory(photo, 512, OpenVino("f32"), megabytes, in_regions=True)

    assert room(1000).photo.size == (512, 340)
    assert room(1000).in_regions
    smaller = room(360)
    assert max(smaller.photo.size) < 512
    assert smaller.in_regions
    short = room(245)
    assert max(short.photo.size) < 512
    assert not short.in_regions
    tiled = room(180)
    assert tiled.photo.size == (512, 340)
    assert tiled.in_regions


def test_people_get_the_colours_of_the_paintings_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    with Image.open(ROOT / "images" / "photos" / "astronaut.jpg") as file:
        photo = resized(file.convert("RGB"), 384)
    people = find_people(photo)
    shown = persons_mask(photo, people, *photo.size)[..., None]
    assert 0.3 < shown.mean() < 0.7

    def distance(painting: Image.Image) -> float:
        """Between the colours of the people and of what is behind them."""
        pixels = np.asarray(painting)
        means = [(pixels * area).sum((0, 1)) / area.sum() for area in (shown, 1 - shown)]
        return float(np.linalg.norm(means[0] - means[1]))

    styles = [Style(kiss())]
    apart = told_apart(photo, people, styles, ["kiss"])
    assert apart
    assert apart[1][0].area is not None
    assert apart[1][0].area.part == "figures"
    by_region = distance(paint(photo, styles, size=384))
    monkeypatch.setattr(image_processing, "told_apart", lambda *_: None)
    assert by_region > 1.5 * distance(paint(photo, styles, size=384))


def test_figures_are_found_in_a_picture_of_ones_own() -> None:
    with Image.open(ROOT / "images" / "photos" / "astronaut.jpg") as file:
        photo = file.convert("RGB")
    with Image.open(PRESETS["mona_lisa"].path) as file:
        style = file.convert("RGB").crop((2, 2, file.width - 2, file.height - 2))
    apart = told_apart(photo, find_people(photo), [Style(style), Style(palace())], [None, None])
    assert apart
    own, other = (each.area for each in apart[1])
    assert own
    assert own.part == "figures"
    drawn = painted("mona_lisa", "figures", *own.shown.shape[::-1]) > 0.5
    found = own.shown > 0.5
    assert (drawn & found).sum() > 0.7 * (drawn | found).sum()
    assert other is None
