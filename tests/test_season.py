"""The season generators as the bot runs them."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import image_processing
from engines import Precision, compiled, core
from image_processing import change_season
from model_cyclegan import export, season
from model_cyclegan.generator import GeneratorForm, build_generator
from model_cyclegan.recognition import is_in_season_already
from model_cyclegan.train_recognition import fit
from tests.conftest import PHOTOS, ROOT
from weights import WEIGHTS
from wishes import DIRECTIONS, Direction

MEBIBYTE = 2**20


def photo(name: str, width: int, height: int) -> Image.Image:
    with Image.open(PHOTOS / f"{name}.jpg") as image:
        return image.convert("RGB").resize((width, height))


def levels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, float)


@pytest.fixture
def other_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder instead of models_wts/."""
    monkeypatch.setattr(season, "WEIGHTS", tmp_path)
    season.unload_seasons()
    yield tmp_path
    season.unload_seasons()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_both_engines_give_the_same_picture(direction: Direction) -> None:
    image = np.random.default_rng(0).random((1, 3, 64, 96), np.float32)
    network = compiled(core().read_model(WEIGHTS / f"{direction}.xml"), "f32")
    expected = season.load_season(direction, "torch")(image)
    assert np.abs(network(image)[0] - expected).max() < 2e-3


@pytest.mark.parametrize("size", [(720, 480), (301, 200), (129, 64), (16, 16), (20, 320)])
def test_the_picture_keeps_its_size(size: tuple[int, int]) -> None:
    assert change_season(photo("summer_palace", *size), "summer2winter").size == size


@pytest.mark.parametrize(
    ("name", "winter", "summer"),
    [
        ("winter_slope", True, False),
        ("summer_palace", False, True),
        ("summer_mountain", False, True),
        ("coffee", False, False),
        ("chelsea", False, False),
        ("summer_hills", False, False),
    ],
)
def test_a_photo_is_recognised_to_be_in_a_season(name: str, winter: bool, summer: bool) -> None:
    with Image.open(PHOTOS / f"{name}.jpg") as file:
        image = file.convert("RGB")
    assert is_in_season_already(image, "summer2winter") == winter
    assert is_in_season_already(image, "winter2summer") == summer


def test_a_head_learns_what_tells_two_kinds_apart() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(0, 1, (400, 8)).astype(np.float32)
    winter = (rows[:, 2] > 0).astype(np.float32)
    weights, bias = fit(rows, winter)
    assert ((rows @ weights + bias > 0) == (winter > 0.5)).mean() > 0.97
    assert np.abs(weights).argmax() == 2


def test_a_green_meadow_pales_and_the_sky_does_not_turn_green() -> None:
    before = photo("summer_rice_fields", 512, 256)
    after = levels(change_season(before, "summer2winter"))
    green = levels(before)
    meadow = (green[..., 1] > green[..., 0] + 20) & (green[..., 1] > green[..., 2] + 40)
    colour = [np.ptp(picture[meadow], axis=1).mean() for picture in (green, after)]
    assert colour[1] < 0.5 * colour[0]


def test_one_generator_serves_several_threads() -> None:
    small = photo("summer_palace", 256, 160)
    alone = levels(change_season(small, "summer2winter"))
    with ThreadPoolExecutor(4) as threads:
        for together in threads.map(lambda _: change_season(small, "summer2winter"), range(8)):
            assert np.array_equal(levels(together), alone)


def test_several_threads_load_a_generator_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []

    def slowly(model: object, precision: Precision) -> object:
        loaded.append(model)
        time.sleep(0.1)  # for the others to come
        return compiled(model, precision)

    monkeypatch.setattr(season, "compiled", slowly)
    season.unload_seasons()
    with ThreadPoolExecutor(4) as threads:
        generators = list(threads.map(lambda _: season.load_season("summer2winter"), range(4)))
    assert len(loaded) == 1
    assert len(set(generators)) == 1


def test_what_we_ship_is_small() -> None:
    for direction in DIRECTIONS:
        files = [WEIGHTS / f"{direction}.{suffix}" for suffix in ("xml", "bin")]
        assert sum(file.stat().st_size for file in files) < 12 * MEBIBYTE


def test_the_authors_weights_go_before_ours(other_weights: Path) -> None:
    torch.manual_seed(0)
    form = GeneratorForm("resnet", filters=4, blocks=1, upsample="transposed")
    generator = build_generator(form).eval()
    export.export(generator, other_weights / "summer2winter_yosemite.xml")
    image = np.random.default_rng(0).random((1, 3, 32, 40), np.float32)
    with torch.inference_mode():
        expected = ((generator(torch.from_numpy(image) * 2 - 1) + 1) / 2).numpy()
    assert np.abs(season.load_season("summer2winter")(image) - expected).mean() < 0.01


def test_export_makes_the_shipped_networks_again(tmp_path: Path) -> None:
    export.main([str(WEIGHTS / "season_networks.safetensors"), "--out", str(tmp_path)])
    for direction in DIRECTIONS:
        made = (tmp_path / f"{direction}.bin").read_bytes()
        assert made == (WEIGHTS / f"{direction}.bin").read_bytes()


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "image_processing.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_command_line_on_several_photos(tmp_path: Path) -> None:
    names = ("summer_hills", "summer_ridge")
    done = command("summer2winter", *(PHOTOS / f"{n}.jpg" for n in names), "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    for name in names:
        with (
            Image.open(PHOTOS / f"{name}.jpg") as before,
            Image.open(tmp_path / "out" / f"{name}.jpg") as after,
        ):
            assert after.size == before.size


def test_command_line_on_one_photo_and_on_a_bad_one(tmp_path: Path) -> None:
    out = tmp_path / "summer.png"
    assert command("winter2summer", PHOTOS / "winter_face.jpg", "-o", out).returncode == 0
    assert out.exists()
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"nothing")
    failed = command("winter2summer", bad, "-o", tmp_path / "none.png")
    assert failed.returncode == 2
    assert len(failed.stderr.splitlines()) == 1
    assert not (tmp_path / "none.png").exists()


def test_snow_at_dusk_turns_green_too_and_in_the_photos_light(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    day = photo("winter_slope", 480, 320)
    dusk = Image.fromarray((levels(day) * (0.45, 0.55, 0.7)).astype(np.uint8))

    def blue_taken_off() -> float:
        change = levels(change_season(dusk, "winter2summer")) - levels(dusk)
        return float(-change[160:, :, 2].mean())

    summer = change_season(dusk, "winter2summer")
    assert levels(summer).mean() < levels(dusk).mean()
    by_day = blue_taken_off()
    monkeypatch.setattr(image_processing, "by_day", lambda photo, translate: translate(photo))
    assert by_day > 1.5 * blue_taken_off()
