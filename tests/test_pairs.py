"""Training of winter to summer on pseudo-pairs, small and short, with real weights."""

import shutil
import threading
from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from model_cyclegan.generator import load_generator
from model_cyclegan.pairs import Pairs, without_season
from model_cyclegan.photos import Photos
from model_cyclegan.train_pairs import LOSSES, PairOptions, PairTraining, train
from model_cyclegan.training import VGG_WEIGHTS
from tests.conftest import PHOTOS
from weights import WEIGHTS

NETWORKS = WEIGHTS / "season_networks.safetensors"
CPU = torch.device("cpu")
SMALL = PairOptions(pairs=2, winters=1, size=64, seen=64, warm_up=1, kept=4)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seasons")
    for season in ("summer", "winter"):
        (folder / season).mkdir()
        for file in sorted(PHOTOS.glob(f"{season}_*.jpg"))[:3]:
            shutil.copy(file, folder / season)
    return folder


@cache
def pairs_of(folder: Path) -> Pairs:
    summers = Photos(folder / "summer", "summer", CPU, seed=0)
    to_winter = load_generator(NETWORKS, "average_summer2winter")
    return Pairs(summers, without_season(PHOTOS, 2), to_winter, seed=0)


def test_pairs_are_winters_and_what_they_were_made_of(data: Path) -> None:
    winters, summers = pairs_of(data).batch(64, 24)
    assert winters.shape == summers.shape == (24, 3, 64, 64)
    assert float(winters.abs().max()) <= 1
    change = (winters - summers).abs().mean((1, 2, 3))
    assert 0 < int((change == 0).sum()) < 12  # some are one photo twice
    assert float(winters[change > 0].mean()) > float(summers[change > 0].mean())  # snow is bright


def test_training_goes_on_where_it_ended_and_writes_what_can_be_exported(
    data: Path, tmp_path: Path
) -> None:
    pairs, winters = pairs_of(data), Photos(data / "winter", "winter", CPU, seed=0)

    def training() -> PairTraining:
        return PairTraining(SMALL, NETWORKS, VGG_WEIGHTS)

    first = training()
    for _ in range(3):
        real = winters.batch(64, 1)
        values = first.step(pairs.batch(64, 2), real, pairs.summers.batch(64, 1)[0])
        assert dict(zip(LOSSES, values, strict=True))["means"] > 0
    first.save(tmp_path, NETWORKS)
    second = training()
    second.load(tmp_path)
    assert second.iteration == 3
    written = load_generator(tmp_path / "networks.safetensors", "average_winter2summer")
    image = torch.rand(1, 3, 64, 96) * 2 - 1
    with torch.inference_mode():
        assert torch.allclose(written(image), second.average(image), atol=0.02)
    with (
        safe_open(NETWORKS, "pt") as old,
        safe_open(tmp_path / "networks.safetensors", "pt") as new,
    ):
        assert {key for key in old.keys() if "summer2winter" in key} <= set(new.keys())  # noqa: SIM118


def test_training_saves_when_it_is_told_to_end(data: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    winters = Photos(data / "winter", "winter", CPU, seed=0)
    training = PairTraining(SMALL, NETWORKS, VGG_WEIGHTS)
    train(training, pairs_of(data), winters, tmp_path, 1, data / "winter", NETWORKS, stop)
    assert (tmp_path / "networks.safetensors").exists()
