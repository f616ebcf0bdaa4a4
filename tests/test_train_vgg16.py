"""Training VGG16 from end to end, on generated pictures; and what the bot makes of its layers."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.utils.data import DataLoader

from model_nst import export
from model_nst.openvino_engine import OpenVino
from model_nst.style_transfer import Style, transfer
from model_nst.train_vgg16 import (
    Pictures,
    accuracy,
    build,
    first_layers,
    labelled_files,
    main,
    split,
)
from presets import PRESETS
from tests.conftest import PHOTOS
from tools.weights import write_table
from weights import WEIGHTS, checked

# isort: split
import torchvision  # type: ignore[import-untyped]

CLASSES = ("checks", "disc", "stripes")
SIDE = 64  # pixels


def picture(kind: str, random: np.random.Generator) -> Image.Image:
    """A figure of any size, place and two colours, under noise."""
    ground, ink = random.integers(0, 256, (2, 3))
    while np.abs(ground - ink).max() < 80:
        ground, ink = random.integers(0, 256, (2, 3))
    y, x = np.mgrid[:SIDE, :SIDE] + random.integers(0, SIDE, (2, 1, 1))
    step, radius = random.integers(5, 10), random.integers(12, 24)
    mask = {
        "checks": (x // step + y // step) % 2 == 0,
        "disc": np.hypot(x % SIDE - SIDE / 2, y % SIDE - SIDE / 2) < radius,
        "stripes": x // step % 2 == 0,
    }[kind]
    pixels = np.where(mask[..., None], ink, ground) + random.normal(0, 12, (SIDE, SIDE, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def generate(folder: Path, count: int, seed: int) -> Path:
    random = np.random.default_rng(seed)
    for kind in CLASSES:
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            picture(kind, random).save(folder / kind / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vgg16")
    generate(folder / "data", 30, seed=0)
    generate(folder / "never_seen", 20, seed=1)
    return folder


def train(folder: Path, out: str, *options: str) -> Path:
    torch.manual_seed(0)
    data = ("--data", str(folder / "data"), "--out", str(folder / out), "--device", "cpu")
    small = ("--head", "small", "--size", str(SIDE), "--batch", "16", "--workers", "0")
    main([*data, *small, "--weights", "shipped", "--rate", "1e-3", *options])
    return folder / out


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    return train(folder, "trained", "--epochs", "4")


def epochs(out: Path) -> list[int]:
    with (out / "epochs.csv").open(newline="") as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]


def test_pictures_never_seen_are_told_apart(folder: Path, trained: Path) -> None:
    _, files = labelled_files(folder / "never_seen")
    pictures = DataLoader(Pictures(files, SIDE, varied=False), 30)
    torch.manual_seed(0)
    network, _ = build("small", "shipped", len(CLASSES))
    assert accuracy(network, pictures) < 0.7
    network.load_state_dict(load_file(trained / "best.safetensors"))
    assert accuracy(network, pictures) >= 0.9


def test_the_bot_paints_with_the_trained_layers(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("README.md", "nst_presets.npz"):
        shutil.copy(WEIGHTS / name, tmp_path)
    export.main([str(trained / "vgg16_features.safetensors"), "--out", str(tmp_path)])
    write_table(tmp_path)
    ours, shipped = (load_file(f / "nst_features.safetensors") for f in (tmp_path, WEIGHTS))
    for name, tensor in shipped.items():
        change = (ours[name].float() - tensor.float()).norm() / tensor.float().norm()
        assert 0 < change < 0.3, name
    monkeypatch.setattr("weights.WEIGHTS", tmp_path)
    checked.cache_clear()
    with Image.open(PHOTOS / "chelsea.jpg") as file:
        photo = file.convert("RGB").resize((96, 64))
    with Image.open(PRESETS["kiss"].path) as file:
        style = file.convert("RGB").resize((128, 128))
    painting = transfer(photo, [Style(style)], OpenVino())
    checked.cache_clear()
    assert painting.size == photo.size
    mean = [np.asarray(image, float).mean((0, 1)) for image in (photo, style, painting)]
    assert np.abs(mean[2] - mean[1]).sum() < 0.5 * np.abs(mean[0] - mean[1]).sum()
    assert np.asarray(painting, float).std() > 20


def test_shipped_layers_survive_the_way_in_and_out() -> None:
    network, known = build("small", "shipped", 2)
    assert len(known) == 2 * len(export.INDICES)
    again = export.from_keras(first_layers(network))
    for name, tensor in load_file(WEIGHTS / "nst_features.safetensors").items():
        torch.testing.assert_close(again[name].float(), tensor.float(), rtol=2e-3, atol=2e-3)


def test_a_training_goes_on_where_it_was(folder: Path) -> None:
    out = train(folder, "resumed", "--epochs", "1", "--size", "32")
    assert epochs(out) == [1]
    first = load_file(out / "best.safetensors")["features.0.weight"]
    train(folder, "resumed", "--epochs", "2", "--size", "32")
    assert epochs(out) == [1, 2]
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    assert state["progress"]["epoch"] == 2
    assert not torch.equal(state["network"]["features.0.weight"], first)


def test_it_ends_when_validation_gains_nothing(folder: Path) -> None:
    out = train(
        folder, "stopped", "--epochs", "20", "--patience", "1", "--rate", "0", "--size", "32"
    )
    assert len(epochs(out)) < 20


def test_imagenets_weights_are_taken_for_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    oxford = build("small", "none", 2)[0].state_dict()
    known = {name: tensor + 1 for name, tensor in oxford.items() if name.startswith("features")}
    monkeypatch.setattr(torchvision.models.VGG16_Weights, "get_state_dict", lambda *_, **__: known)
    network, taken = build("small", "imagenet", 2)
    assert taken == set(known)
    for name in taken:
        assert torch.equal(network.state_dict()[name], known[name])


def test_vgg16_itself_starts_from_the_shipped_layers() -> None:
    network, known = build("vgg16", "shipped", 101)
    assert sum(weight.numel() for weight in network.parameters()) == 134_674_341
    assert len(known) == 10
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 101)


def test_each_class_is_split_alike_and_no_picture_is_in_two_parts(folder: Path) -> None:
    _, files = labelled_files(folder / "data")
    parts = split(files)
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 72,
        "validation": 9,
        "test": 9,
    }
    assert {file for part in parts.values() for file in part} == set(files)
    for part in parts.values():
        labels = [label for _, label in part]
        assert len({labels.count(label) for label in range(3)}) == 1


def test_folders_without_pictures_are_told(tmp_path: Path) -> None:
    generate(tmp_path, 2, seed=0)
    with pytest.raises(FileNotFoundError, match="fewer than 3"):
        labelled_files(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="two folders"):
        labelled_files(tmp_path / "empty")
