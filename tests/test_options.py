"""What can be asked for besides: the colours, strokes, mixtures, amounts, pairs."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter

from image_processing import change_season, paint, side_by_side
from model_nst.engine import get_engine
from model_nst.images import to_array
from model_nst.openvino_engine import OpenVino
from model_nst.style_transfer import Style
from presets import PRESETS
from tests.conftest import PHOTOS, ROOT
from wishes import STROKES, PaintingOptions, StyleWish, Wish


def opened(path: Path, *size: int) -> Image.Image:
    with Image.open(path) as image:
        picture = image.convert("RGB")
    return picture.resize((size[0], size[1])) if size else picture


PHOTO = opened(PHOTOS / "chelsea.jpg", 192, 128)
KISS = opened(PRESETS["kiss"].path, 256, 256)
WAVE = opened(PRESETS["great_wave"].path, 256, 176)


def levels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, float)


def difference(a: Image.Image, b: Image.Image) -> float:
    """Mean over pixels and channels, of 255."""
    return float(np.abs(levels(a) - levels(b)).mean())


@cache
def grams(image: bytes) -> tuple[np.ndarray, ...]:
    picture = Image.frombytes("RGB", (128, 128), image)
    return get_engine().grams(to_array(picture))


def style_error(painting: Image.Image, style: Image.Image) -> float:
    """Mean over the layers of the Gram matrices' relative squared error, both at 128x128."""
    both = [grams(image.resize((128, 128)).tobytes()) for image in (painting, style)]
    return float(np.mean([((g - t) ** 2).sum() / (t**2).sum() for g, t in zip(*both, strict=True)]))


def test_keeping_colours_changes_the_luminance_alone() -> None:
    previews: list[Image.Image] = []
    photo = opened(PHOTOS / "chelsea.jpg", 300, 200)
    kept = paint(
        photo,
        [Style(KISS)],
        PaintingOptions(keep_colours=True),
        size=192,
        on_preview=previews.append,
    )
    free = paint(photo, [Style(KISS)], size=192)
    for painting, most in [(kept, 2.0), *((preview, 2.0) for preview in previews)]:
        before = photo.resize(painting.size).convert("YCbCr")
        changes = np.abs(levels(painting.convert("YCbCr")) - levels(before)).mean((0, 1))
        assert max(changes[1:]) < most
        assert changes[0] > 8
    assert previews
    chrominance = levels(free.convert("YCbCr")) - levels(photo.convert("YCbCr"))
    assert np.abs(chrominance[..., 1:]).mean() > 5


def test_strokes_are_as_large_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the correlation of pixels that are two apart, in float32: rounding to bf16 adds grain."""
    engine = OpenVino("f32")
    monkeypatch.setattr("image_processing.get_engine", lambda _: engine)
    flat, style = Image.new("RGB", (256, 256), (120, 130, 110)), opened(PRESETS["auvers"].path)
    found = []
    for strokes in STROKES:
        painting = paint(flat, [Style(style)], PaintingOptions(strokes=strokes), size=256)
        grey = levels(painting.convert("L"))
        found.append(float(np.corrcoef(grey[:, 2:].ravel(), grey[:, :-2].ravel())[0, 1]))
    fine, normal, large = found
    assert fine + 0.04 < normal
    assert normal + 0.04 < large


def test_a_mixture_lies_between_its_styles() -> None:
    paintings = [
        paint(PHOTO, [Style(KISS, 1 - mix), Style(WAVE, mix)], size=128) for mix in (0, 0.5, 1)
    ]
    to_kiss = [style_error(painting, KISS) for painting in paintings]
    to_wave = [style_error(painting, WAVE) for painting in paintings]
    assert to_kiss == sorted(to_kiss)
    assert to_wave == sorted(to_wave, reverse=True)
    assert difference(paintings[0], paint(PHOTO, [Style(KISS)], size=128)) < 2


def test_a_stored_wish_of_before_is_read() -> None:
    """As it was written when the options were fields of the wish itself."""
    stored = (
        '{"style":"kiss","file_id":null,"strength":"soft","variation":2,"strokes":"fine",'
        '"keep_colours":true,"second":"own","second_file_id":"f","as_file":true}'
    )
    kept: TypeAdapter[Wish] = TypeAdapter(Wish)
    wish = kept.validate_json(stored)
    assert wish == StyleWish(
        "kiss",
        None,
        second="own",
        second_file_id="f",
        as_file=True,
        strength="soft",
        strokes="fine",
        keep_colours=True,
        variation=2,
    )
    assert json.loads(kept.dump_json(wish)).items() >= json.loads(stored).items()


@pytest.mark.parametrize("direction", ["summer2winter", "winter2summer"])
def test_a_season_goes_as_far_as_asked(direction: str) -> None:
    photo = opened(PHOTOS / "summer_rice_fields.jpg", 256, 160)
    changes = [
        difference(photo, change_season(photo, direction, amount=amount))  # type: ignore[arg-type]
        for amount in (0, 0.5, 1, 1.5)
    ]
    assert changes[0] == 0
    assert changes[1] == pytest.approx(changes[2] / 2, rel=0.1)
    assert changes[3] > 1.1 * changes[2]


@pytest.mark.parametrize(
    ("size", "expected", "second"),
    [
        pytest.param((300, 200), (602, 200), (302, 0), id="beside each other"),
        pytest.param((200, 300), (402, 300), (202, 0), id="upright"),
        pytest.param((500, 200), (500, 402), (0, 202), id="wide: one above the other"),
        pytest.param((4000, 2560), (2566, 819), (1286, 0), id="large"),
    ],
)
def test_before_and_after_make_one_picture(
    size: tuple[int, int], expected: tuple[int, int], second: tuple[int, int]
) -> None:
    before, after = Image.new("RGB", size, "red"), Image.new("RGB", (64, 64), "blue")
    sheet = side_by_side(before, after)
    assert sheet.size == expected
    assert sheet.getpixel((0, 0)) == (255, 0, 0)
    assert sheet.getpixel(second) == (0, 0, 255)
    assert sheet.getpixel((max(0, second[0] - 1), max(0, second[1] - 1))) == (255, 255, 255)
    assert sheet.getpixel((expected[0] - 1, expected[1] - 1)) == (0, 0, 255)


def paintbox(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "image_processing.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_command_line_takes_all_of_it_at_once(tmp_path: Path) -> None:
    photo, out = tmp_path / "photo.png", tmp_path / "out.png"
    before = opened(PHOTOS / "summer_rice_fields.jpg", 150, 100)
    before.save(photo)
    options = ["--style", "kiss", "--style", PRESETS["ejiri"].path, "--mix", 0.3]
    options += ["--strokes", "large", "--keep-colours", "--season", "summer2winter"]
    run = paintbox("style", photo, *options, "--amount", 1.2, "--compare", "--size", 128, "-o", out)
    assert run.returncode == 0, run.stderr
    with Image.open(out) as sheet:
        assert sheet.size == (302, 100)
        assert difference(sheet.crop((0, 0, 150, 100)), before) == 0
        after = sheet.crop((152, 0, 302, 100))
    winter = change_season(before, "summer2winter", amount=1.2, size=128)
    assert (
        difference(
            after.convert("YCbCr").getchannel("Cr"), winter.convert("YCbCr").getchannel("Cr")
        )
        < 3
    )
    assert difference(after, before) > 10


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["--style", "kiss", "--mix", "0.5"], "two styles", id="nothing to mix"),
        pytest.param(["--style", "kiss"] + ["--style", "ejiri"] * 2, "two styles", id="three"),
        pytest.param(["--style", "kiss", "--mix", "2"], "0 to 1", id="mix"),
        pytest.param(["--style", "kiss", "--amount", "nan"], "0 to 2", id="amount"),
        pytest.param(["--style", "kiss", "--strokes", "huge"], "large", id="strokes"),
    ],
)
def test_what_does_not_go_together_gets_one_line(
    tmp_path: Path, options: list[str], words: str
) -> None:
    out = tmp_path / "out.png"
    run = paintbox("style", PHOTOS / "chelsea.jpg", *options, "-o", out)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert words in run.stderr
    assert not out.exists()
