"""The quick network: its losses, training and export, and painting by it, whole and in tiles."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from engines import core
from model_nst import quick_painter, quick_photos, train_quick
from model_nst.images import Array
from model_nst.network import StyleNetwork
from model_nst.quick import QuickNetwork, read_weights
from model_nst.quick_export import export
from model_nst.quick_loss import content_error, grams
from model_nst.quick_painter import quick_picture
from model_nst.quick_photos import Crops, face_map
from model_nst.train_quick import VGG_WEIGHTS, Recipe, Training, with_style
from presets import PRESETS

STYLES = ["a", "b", "c"]
PHOTOS = Path(__file__).parents[1] / "images" / "photos"
SMALL = Recipe(batch=2, crops=((0, 48),), sides=((64, 0.6), (32, 0.4)))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[QuickNetwork, Path]:
    """A random network, with styles that differ, and its OpenVINO file."""
    torch.manual_seed(0)
    network = QuickNetwork(len(STYLES)).eval()
    for norm in network.norms():
        torch.nn.init.normal_(norm.scale, 0.8, 0.2)
        torch.nn.init.normal_(norm.shift, 0, 0.2)
    path = tmp_path_factory.mktemp("quick") / "quick.xml"
    export(network, STYLES, path)
    return network, path


@pytest.fixture
def network(
    exported: tuple[QuickNetwork, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[QuickNetwork]:
    """What `quick_painter` then paints by."""
    monkeypatch.setattr(quick_painter, "_model", lambda: core().read_model(exported[1]))
    _forget()
    yield exported[0]
    _forget()


def _forget() -> None:
    quick_painter.quick_styles.cache_clear()
    quick_painter._whole.cache_clear()


def run(part: quick_painter.Part, photo: Array, *others: Array) -> list[Array]:
    network = quick_painter._network(part, "f32", *photo.shape[2:])
    return quick_painter._run(network, photo, *others)


def waves(height: int, width: int) -> Array:
    """A photo of smooth waves, half of it darker."""
    rows, columns = np.mgrid[:height, :width]
    channels = [np.sin(rows / 37 + i) * np.cos(columns / 23 - i) / 2 + 0.5 for i in range(3)]
    photo = np.stack(channels)[None].astype(np.float32)
    photo[:, :, height // 3 :, : width // 2] *= 0.5
    return photo


def test_what_was_made_ready_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[object, ...]] = []
    network = quick_painter._network

    def slow(*arguments: Any) -> Any:
        made.append(arguments)
        time.sleep(0.2)
        return network(*arguments)

    monkeypatch.setattr(quick_painter, "_network", slow)
    quick_painter.unload_quick()
    photo = np.full((1, 3, 90, 130), 0.5, np.float32)
    quick_painter.make_ready(130, 90)
    first = quick_picture(photo, {"kiss": 1.0})
    assert len(made) == 1
    quick_painter.unload_quick()
    np.testing.assert_array_equal(quick_picture(photo, {"kiss": 1.0}), first)
    quick_painter.make_ready(4000, 3000)  # which is painted in tiles
    assert len(made) == 2


@pytest.mark.parametrize("size", [(64, 96), (61, 90), (9, 33)])
def test_openvino_paints_what_torch_paints(network: QuickNetwork, size: tuple[int, int]) -> None:
    photo = waves(*size)
    picture = quick_picture(photo, {"b": 1.0}, "f32")
    assert picture.shape == photo.shape
    padded = torch.from_numpy(quick_painter._padded(photo))
    with torch.inference_mode():
        wanted = network(padded, torch.tensor([[0.0, 1.0, 0.0]])).numpy()
    assert np.abs(picture - wanted[:, :, : size[0], : size[1]]).max() < 2e-3


def test_a_mix_has_parameters_between_those_of_its_styles(network: QuickNetwork) -> None:
    photo = waves(64, 64)
    mixed = quick_picture(photo, {"a": 0.25, "c": 0.75}, "f32")
    between = QuickNetwork(1).eval()
    state = network.state_dict()
    for key in state:
        if ".norm." in key:
            state[key] = (0.25 * state[key][0] + 0.75 * state[key][2])[None]
    between.load_state_dict(state)
    with torch.inference_mode():
        wanted = between(torch.from_numpy(photo), torch.ones(1, 1)).numpy()
    assert np.abs(mixed - wanted).max() < 2e-3
    assert np.abs(mixed - quick_picture(photo, {"a": 1.0}, "f32")).max() > 0.02


def test_unknown_styles_are_told(network: QuickNetwork) -> None:
    assert quick_painter.quick_styles() == tuple(STYLES)
    with pytest.raises(KeyError, match="d, e"):
        quick_picture(waves(64, 64), {"a": 0.5, "e": 0.25, "d": 0.25}, "f32")


def test_tiles_show_no_seams(network: QuickNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """Normalised alike, tiles are what one piece would be, to a rounding."""
    photo = waves(300, 700)
    monkeypatch.setattr(quick_painter, "WHOLE", 160 * 160)
    monkeypatch.setattr(quick_painter, "TILE", 192)
    tiled = quick_picture(photo, {"a": 1.0}, "f32")
    row = np.array([[1.0, 0.0, 0.0]], np.float32)
    padded = quick_painter._padded(photo)
    small = quick_painter._padded(quick_painter._smaller(padded))
    assert small.shape[2] * small.shape[3] < 168 * 168
    _, *statistics = run("statistics", small, row)
    (whole,) = run("tile", padded, row, *statistics)
    seam = np.abs(tiled - whole[:, :, :300, :700]).max()
    assert seam < 1e-4, f"{seam:.6f}"


def test_the_statistics_are_those_of_the_norms(network: QuickNetwork) -> None:
    photo, row = waves(96, 64), np.array([[0.0, 0.0, 1.0]], np.float32)
    picture, *statistics = run("statistics", photo, row)
    (same,) = run("tile", photo, row, *statistics)
    (whole,) = run("whole", photo, row)
    assert np.abs(picture - whole).max() < 1e-4
    assert np.abs(same - whole).max() < 1e-4


def test_the_losses_are_those_that_autograd_would_make() -> None:
    torch.manual_seed(1)
    tap = torch.rand(2, 5, 6, 8).contiguous(memory_format=torch.channels_last).requires_grad_()
    wanted, weight = torch.rand(2, 5, 6, 8), torch.rand(2, 1, 6, 8)
    flat = tap.flatten(2)
    plain_gram = flat @ flat.mT / 48
    squares = weight * (tap - wanted).square()
    plain_content = squares.sum((1, 2, 3)) / wanted.square().sum((1, 2, 3))
    directions = torch.rand(2, 5, 5), torch.rand(2)
    for own, plain, by in (
        (grams([tap])[0], plain_gram, directions[0]),
        (content_error(tap, wanted, weight), plain_content, directions[1]),
    ):
        torch.testing.assert_close(own, plain)
        gradients = [torch.autograd.grad((x * by).sum(), tap)[0] for x in (own, plain)]
        torch.testing.assert_close(*gradients)


def test_faces_are_soft_ovals() -> None:
    oval = face_map([(0.5, 0.5, 0.2, 0.4)], 100, 80)
    assert oval.shape == (80, 100)
    assert oval[40, 50] == 1
    assert oval[0, 0] == oval[40, 5] == 0
    assert 0 < np.mean((oval > 0) & (oval < 1)) < 0.2


def test_crops_lie_around_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = tmp_path / "faces.json"
    faces.write_text(json.dumps({"astronaut.jpg": [[0.44, 0.18, 0.17, 0.2]]}))
    monkeypatch.setattr("model_nst.quick_photos.WITH_FACES", 1.0)
    images, maps = Crops([PHOTOS], faces, seed=0).batch(3, 96)
    assert images.shape == (3, 3, 96, 96)
    assert 0 <= images.min() < images.max() <= 1
    assert (maps.amax((1, 2, 3)) > 0.9).all()
    with pytest.raises(FileNotFoundError, match="no photographs"):
        Crops([tmp_path], None, seed=0)


def test_faces_of_photos_are_found(tmp_path: Path) -> None:
    out = tmp_path / "faces.json"
    quick_photos.main([str(PHOTOS), "-o", str(out)])
    found = json.loads(out.read_text())
    assert {"astronaut.jpg", "winter_face.jpg"} & set(found)
    assert "coffee.jpg" not in found
    [face] = found["astronaut.jpg"]
    assert face == pytest.approx([0.44, 0.25, 0.17, 0.17], abs=0.05)


def paintings(*names: str) -> dict[str, Path]:
    return {name: PRESETS[name].path for name in names}


def test_a_training_learns_and_goes_on(tmp_path: Path) -> None:
    torch.manual_seed(2)
    training = Training(SMALL, paintings("kiss", "great_wave"), 16, only_styles=False)
    crops = Crops([PHOTOS], None, seed=0)
    batch = crops.batch(2, 48)
    losses = [training.step(*batch)[1] for _ in range(15)]
    assert losses[-1] < 0.8 * losses[0]
    training.save(tmp_path)
    other = Training(SMALL, paintings("kiss", "great_wave"), 16, only_styles=False)
    other.load(tmp_path)
    assert other.iteration == 15
    assert other.pace() == training.pace() < 1
    for a, b in zip(other.network.parameters(), training.network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_new_style_leaves_the_others_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Training(SMALL, paintings("kiss", "great_wave"), 4, only_styles=False)
    known.save(tmp_path)
    first = tmp_path / "first.safetensors"
    (tmp_path / "quick.safetensors").rename(first)
    (tmp_path / "checkpoint.pt").unlink()
    monkeypatch.setattr(train_quick, "Recipe", lambda **_: SMALL)
    monkeypatch.setattr(train_quick, "sheet", lambda *_: Image.new("RGB", (8, 8)))
    train_quick.main(
        [
            *("--data", str(PHOTOS), "--out", str(tmp_path), "--init", str(first)),
            *("--iterations", "12", "--add", "auvers", str(PRESETS["auvers"].path)),
        ]
    )
    styles, state = read_weights(tmp_path / "quick.safetensors")
    old_styles, old = read_weights(first)
    assert styles == [*old_styles, "auvers"]
    for key, tensor in old.items():
        assert torch.equal(state[key][: len(tensor)], tensor)
    assert not torch.equal(state["stem.norm.shift"][2], old["stem.norm.shift"].mean(0))
    with pytest.raises(ValueError, match="already has great_wave, kiss"):
        with_style(first, first, tmp_path / "twice.safetensors")


def test_a_training_writes_its_files_when_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_quick, "SHEET_PHOTOS", ("coffee",))
    training = Training(SMALL, paintings("kiss"), 1000, only_styles=False)
    stop = threading.Event()
    crops = Crops([PHOTOS], None, seed=0)
    take = crops.batch

    def stopping(count: int, side: int) -> tuple[torch.Tensor, torch.Tensor]:
        if training.iteration == 2:
            stop.set()
        return take(count, side)

    crops.batch = stopping  # type: ignore[method-assign]
    train_quick.train(training, crops, tmp_path, stop)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"checkpoint.pt", "quick.safetensors", "losses.csv", "sheet_000003.png"}
    assert read_weights(tmp_path / "quick.safetensors")[0] == ["kiss"]


def test_the_front_of_vgg_gives_the_same_content() -> None:
    training = Training(SMALL, paintings("kiss"), 1, only_styles=False)
    vgg = StyleNetwork()
    vgg.load_state_dict(load_file(VGG_WEIGHTS))
    photo = torch.from_numpy(waves(32, 32))
    found, wanted = training.front.activations(photo)[-1], vgg.activations(photo)[3]
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=0.05)
