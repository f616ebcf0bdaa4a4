"""The season networks: their shapes and names, and that a training learns, saves and goes on."""

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from model_cyclegan import blend, convert
from model_cyclegan.discriminator import Discriminator, PatchDiscriminator
from model_cyclegan.generator import (
    PAPER,
    GeneratorForm,
    QuickGenerator,
    build_generator,
    load_generator,
    stride,
)
from model_cyclegan.losses import (
    VggFeatures,
    blotch_loss,
    cycle_loss,
    hue_loss,
    moment_loss,
    sky_loss,
)
from model_cyclegan.options import DIRECTIONS, PRESETS, SEASONS, LossWeights, TrainingOptions
from model_cyclegan.photos import Photos, season_share, sky, sunset_share
from model_cyclegan.refine import Refining, RefiningOptions
from model_cyclegan.refine import main as refine_main
from model_cyclegan.train import main, pace, train
from model_cyclegan.training import VGG_WEIGHTS, ImagePool, Training
from weights import WEIGHTS

CPU = torch.device("cpu")
torch.set_num_threads(1)  # the networks here are too small for more
TINY = TrainingOptions(
    generator=GeneratorForm(filters=8, blocks=1, context_blocks=1),
    discriminators=("whole",),
    crops=((32, 2),),
    rate=1e-3,
    discriminator_rate=1e-3,
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Noise in the colours of grass, and of snow, as a season training finds its photos."""
    random = np.random.default_rng(0)
    colours = {"summer": (70, 120, 40), "winter": (215, 220, 225)}
    for split in ("train", "test"):
        for season, colour in colours.items():
            folder = tmp_path / "data" / split / season
            folder.mkdir(parents=True)
            for i in range(6):
                pixels = np.asarray(colour) + random.normal(0, 15, (80, 96, 1))
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{i}.png")
    return tmp_path / "data"


def tiny_training() -> Training:
    torch.manual_seed(0)
    return Training(TINY, CPU)


@pytest.mark.parametrize(
    "form",
    [
        GeneratorForm(filters=4, blocks=1, context_blocks=1),
        GeneratorForm(filters=4, blocks=1, context_blocks=0),
        GeneratorForm("resnet", filters=4, blocks=1, upsample="bilinear"),
        GeneratorForm("resnet", filters=4, blocks=1, upsample="transposed"),
    ],
)
def test_generators_keep_size_and_range(form: GeneratorForm) -> None:
    step = stride(form)
    photo = torch.rand(2, 3, 6 * step, 9 * step) * 2 - 1
    with torch.inference_mode():
        result = build_generator(form).eval()(photo)
    assert result.shape == photo.shape
    assert result.abs().max() <= 1


def test_paper_form_has_the_official_names() -> None:
    state = build_generator(PAPER).state_dict()
    assert sum(weight.numel() for weight in state.values()) == 11_378_179
    shapes = {key: tuple(weight.shape) for key, weight in state.items()}
    assert shapes["model.1.weight"] == (64, 3, 7, 7)
    assert shapes["model.7.bias"] == (256,)
    for block in range(10, 19):
        assert shapes[f"model.{block}.conv_block.1.weight"] == (256, 256, 3, 3)
        assert shapes[f"model.{block}.conv_block.5.bias"] == (256,)
    assert shapes["model.19.weight"] == (256, 128, 3, 3)  # transposed: input channels first
    assert shapes["model.26.weight"] == (3, 64, 7, 7)
    assert len(shapes) == 48


def test_quick_form_starts_near_the_identity() -> None:
    torch.manual_seed(0)
    photo = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.inference_mode():
        change = QuickGenerator().eval()(photo) - photo
    assert 0 < change.abs().mean() < 0.1


def test_context_can_be_added_to_a_trained_network() -> None:
    torch.manual_seed(0)
    without, added = QuickGenerator(4, 1, 0).eval(), QuickGenerator(4, 1, 2).eval()
    added.load_state_dict(without.state_dict(), strict=False)
    photo = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(without(photo), added(photo))


def test_quick_form_gives_a_tile_what_the_whole_picture_gives() -> None:
    torch.manual_seed(0)
    generator = QuickGenerator(4, 1, 1).eval()
    generator.load_state_dict(
        {key: 0.2 * torch.randn_like(value) for key, value in generator.state_dict().items()}
    )
    photo = torch.rand(1, 3, 192, 192) * 2 - 1
    with torch.inference_mode():
        whole, tile = generator(photo), generator(photo[..., 16:176, 16:176])
    assert torch.allclose(whole[..., 80:112, 80:112], tile[..., 64:96, 64:96], atol=1e-5)
    assert whole[..., 80:112, 80:112].std() > 0.1


def test_quick_form_recovers_from_out_of_range() -> None:
    generator = QuickGenerator(4, 1, 0)
    nn.init.constant_(generator.change[1].get_parameter("bias"), 3.0)
    generator(torch.rand(1, 3, 32, 32)).sum().backward()
    gradient = generator.change[1].get_parameter("bias").grad
    assert gradient is not None
    assert gradient.abs().min() > 0


def test_patch_discriminator_sees_70_pixels() -> None:
    judge = PatchDiscriminator(filters=4, spectral=True).eval()
    image = torch.rand(1, 3, 128, 128, requires_grad=True)
    scores = judge(image)
    assert scores.shape == (1, 1, 14, 14)
    scores[0, 0, 7, 7].backward()
    assert image.grad is not None
    touched = image.grad[0].abs().sum(0).nonzero()
    assert (touched.amax(0) - touched.amin(0) + 1).tolist() == [70, 70]


def test_all_judges_score() -> None:
    features = VggFeatures(VGG_WEIGHTS)
    image = torch.rand(2, 3, 96, 96) * 2 - 1
    layers = features(image)
    assert [layer.shape[1] for layer in layers] == features.widths == [64, 128, 256]
    assert all(0.01 < layer.mean() < 10 for layer in layers)
    judge = Discriminator(("features", "whole", "patch"), features.widths)
    assert [score.shape[0] for score in judge(image, layers)] == [2] * 5


def test_deeper_vgg_is_judged_deeper(tmp_path: Path) -> None:
    weights = load_file(VGG_WEIGHTS)
    for block, i, inputs, outputs in ((3, 2, 256, 8), (4, 1, 8, 8), (4, 2, 8, 8), (4, 3, 8, 12)):
        weights[f"conv{block}_{i}.weight"] = torch.randn(outputs, inputs, 3, 3)
        weights[f"conv{block}_{i}.bias"] = torch.zeros(outputs)
    save_file(weights, tmp_path / "vgg.safetensors")
    features = VggFeatures(tmp_path / "vgg.safetensors")
    layers = features(torch.rand(1, 3, 96, 96) * 2 - 1)
    assert [layer.shape[1] for layer in layers] == features.widths == [64, 128, 256, 12]
    assert layers[-1].shape[2:] == (12, 12)


def test_cycle_loss_forgives_colour() -> None:
    photo = torch.zeros(1, 3, 8, 8)
    grey, tint = photo + 0.3, photo + torch.tensor([0.3, -0.3, 0]).view(1, 3, 1, 1)
    assert cycle_loss(tint, photo, 1.0) == pytest.approx(0.2)
    assert cycle_loss(tint, photo, 0.5) == pytest.approx(0.1)
    assert cycle_loss(grey, photo, 0.5) == pytest.approx(0.3)


def test_pooled_cycle_loss_forgives_fine_patterns() -> None:
    photo = torch.zeros(1, 3, 8, 8)
    stripes = torch.tensor([0.2, -0.2]).repeat(4).expand(1, 3, 8, 8)
    assert cycle_loss(stripes, photo) == pytest.approx(0.2)
    assert cycle_loss(stripes, photo, pool=4) == pytest.approx(0)
    assert cycle_loss(photo + 0.2, photo, pool=4) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("colour", "kept"),
    [
        ((0.2, 0.4, 0.8), True),  # blue sky
        ((0.9, 0.5, 0.2), True),  # sunset
        ((0.02, 0.02, 0.02), True),  # deep shade
        ((0.9, 0.75, 0.65), True),  # fair skin
        ((0.3, 0.5, 0.2), False),  # grass
        ((0.6, 0.5, 0.3), False),  # dry grass
        ((0.9, 0.9, 0.95), False),  # snow
        ((0.6, 0.7, 0.8), False),  # shadow on snow
    ],
)
def test_hue_loss_keeps_skies_and_frees_meadows(
    colour: tuple[float, float, float], kept: bool
) -> None:
    photo = (torch.tensor(colour) * 2 - 1).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert hue_loss(photo, photo) == 0
    loss = float(hue_loss(photo - 0.4, photo))
    assert loss > 0.3 if kept else loss < 1e-6


@pytest.mark.parametrize("start", [0.0, 3.0])
def test_moment_loss_leads_to_the_photos_from_both_sides(start: float) -> None:
    random = torch.Generator().manual_seed(0)
    photos = torch.randn(512, 8, generator=random) + 1.5
    noise = torch.randn(512, 8, generator=random)
    shift = torch.full((8,), start, requires_grad=True)
    optimiser = torch.optim.SGD([shift], 0.02)
    for _ in range(300):
        optimiser.zero_grad()
        translations = noise + shift
        moment_loss(translations, translations.detach(), photos).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert (shift - 1.5).abs().max() < 0.4


def test_moments_count_once_enough_was_seen() -> None:
    training = Training(replace(TINY, discriminators=("features",), moments=8), CPU)
    photos = {s: torch.rand(2, 3, 32, 32) * 2 - 1 for s in SEASONS}
    moments = [float(training.step(photos, no_sky(2, 32))[1]) for _ in range(6)]
    assert moments[0] == 0
    assert moments[-1] != 0
    kept = {kind: len(rows) for (_, kind, _), rows in training.means.items()}
    assert kept == {"translations": 8, "photos": 12}


def test_sky_ends_where_something_stands_out() -> None:
    photo = torch.full((3, 120, 160), 150, dtype=torch.uint8)
    photo += torch.arange(40, dtype=torch.uint8).repeat_interleave(3)[:, None]  # dusk
    photo[:, 60:] = 30  # hills, and snow as even as the sky on them
    photo[:, 90:] = 240
    found = sky(photo)
    assert found.shape == (1, 120, 160)
    assert found[:, :54].all()
    assert not found[:, 60:].any()
    photo[:, ::8, ::2] = 255  # twigs before all of it
    assert not sky(photo).any()


def test_sky_loss_counts_changes_of_the_sky_alone() -> None:
    photo = torch.rand(1, 3, 8, 8) * 2 - 1
    mask = torch.zeros(1, 1, 8, 8)
    mask[:, :, :4] = 1
    below, above = photo.clone(), photo.clone()
    below[:, :, 4:] += 0.5
    above[:, :, :4] += 0.5
    assert sky_loss(below, photo, mask) == 0
    assert sky_loss(above, photo, mask) == pytest.approx(0.25)


def test_blotch_loss_allows_a_change_that_follows_the_photo() -> None:
    photo = torch.zeros(1, 3, 64, 64)
    photo[..., 32:] = 1.0
    whole, blotch = photo.clone(), photo.clone()
    whole[:, 0, :, 32:] -= 0.5  # one side of an edge changes its colour
    blotch[:, 0, 16:48, 8:24] += 0.5  # a part of an even area does
    assert blotch_loss(photo, photo) == 0
    assert blotch_loss(photo + 0.5, photo) == 0
    assert blotch_loss(whole, photo) < 0.01 * blotch_loss(blotch, photo)


def test_photos_prefer_those_that_show_their_season(data: Path) -> None:
    grass = torch.tensor([70, 120, 40], dtype=torch.uint8).view(3, 1, 1).expand(3, 9, 9)
    snow = torch.full((3, 9, 9), 220, dtype=torch.uint8)
    assert [season_share(grass, s) for s in SEASONS] == [1, 0]
    assert [season_share(snow, s) for s in SEASONS] == [0, 1]
    Image.new("RGB", (96, 80), "black").save(data / "train" / "summer" / "night.png")
    odds = Photos(data / "train" / "summer", "summer", CPU, seed=0).odds
    assert odds[:6] == pytest.approx(odds[-1] * 1.25 / 0.25)


def test_photos_seldom_show_sunsets(data: Path) -> None:
    sunset = torch.tensor([240, 150, 90], dtype=torch.uint8).view(3, 1, 1).repeat(1, 9, 9)
    assert sunset_share(sunset) == 1
    sunset[:, :3] = 200
    assert sunset_share(sunset) == 0
    night = Image.new("RGB", (96, 80), "black")
    night.save(data / "train" / "summer" / "night.png")
    night.paste((240, 150, 90), (0, 0, 96, 40))
    night.save(data / "train" / "summer" / "sunset.png")
    odds = Photos(data / "train" / "summer", "summer", CPU, seed=0).odds
    assert odds[-1] == pytest.approx(0.1 * odds[-2])


def test_crops_are_squares_in_range(data: Path) -> None:
    photos = Photos(data / "train" / "winter", "winter", CPU, seed=0)
    for size in (32, 80, 128):
        batch, skies = photos.batch(size, 3)
        assert batch.shape == (3, 3, size, size)
        assert skies.shape == (3, 1, size, size)
        assert batch.dtype == torch.float32
        assert 0.4 < batch.mean() < 1
        assert batch.abs().max() <= 1


def test_half_of_the_crops_show_the_whole_photo(tmp_path: Path) -> None:
    ramp = Image.linear_gradient("L").convert("RGB")  # 256 px, black to white
    ramp.save(tmp_path / "ramp.png")
    batch, _ = Photos(tmp_path, "winter", CPU, seed=0).batch(256, 200)
    ranges = batch.amax((1, 2, 3)) - batch.amin((1, 2, 3))
    assert 0.4 < (ranges > 0.9 * ranges.max()).float().mean() < 0.75
    assert ranges.min() < 0.65 * ranges.max()


def test_a_folder_without_photos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no photographs"):
        Photos(tmp_path, "winter", CPU, seed=0)


def test_image_pool_returns_earlier_images() -> None:
    pool = ImagePool(4, seed=0)
    seen = [pool.exchange(torch.full((1, 1), float(i))).item() for i in range(60)]
    assert seen[:4] == [0, 1, 2, 3]
    older = [i for i, value in enumerate(seen) if value < i]
    assert 15 < len(older) < 45
    assert len(pool.images) == 4


def test_pace_is_constant_then_falls_to_zero() -> None:
    assert [pace(share, 0.5) for share in (0, 0.5, 0.75, 1, 1.1)] == [1, 1, 0.5, 0, 0]


def colour_gap(images: Tensor, others: Tensor) -> float:
    return float((images.float().mean((0, 2, 3)) - others.float().mean((0, 2, 3))).abs().mean())


def no_sky(count: int, side: int) -> dict[str, Tensor]:
    return {season: torch.zeros(count, 1, side, side) for season in SEASONS}


def test_learns_the_colours_of_the_other_season(data: Path) -> None:
    training = tiny_training()
    photos = {s: Photos(data / "train" / s, s, CPU, seed=0) for s in SEASONS}
    for _ in range(60):
        losses = training.step({s: photos[s].batch(32, 2)[0] for s in SEASONS}, no_sky(2, 32))
        assert losses.isfinite().all()
    test = {s: photos[s].batch(32, 6)[0] for s in SEASONS}
    apart = colour_gap(test["summer"], test["winter"])
    with torch.inference_mode():
        winter = training.networks["average_summer2winter"](test["summer"])
        summer = training.networks["average_winter2summer"](test["winter"])
    assert colour_gap(winter, test["winter"]) < 0.4 * apart
    assert colour_gap(summer, test["summer"]) < 0.4 * apart


def test_each_direction_has_its_own_weights() -> None:
    none = LossWeights(adversarial=0, cycle=0, identity=0, blotches=0, hues=0, skies=0)
    training = Training(replace(TINY, summer2winter=none, winter2summer=LossWeights(cycle=0)), CPU)
    before = {key: value.clone() for key, value in training.networks.state_dict().items()}
    training.step({s: torch.rand(1, 3, 32, 32) * 2 - 1 for s in SEASONS}, no_sky(1, 32))
    after = training.networks.state_dict()
    changed = {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])}
    assert {name for name in DIRECTIONS if name in changed} == {"winter2summer"}


@pytest.mark.parametrize("preset", ["cpu", "gpu", "paper"])
def test_every_preset_takes_a_step(preset: str) -> None:
    small = {"generator": GeneratorForm(filters=4, blocks=1), "crops": ((96, 1),)}
    settings = TrainingOptions(**{**vars(PRESETS[preset]), **small, "window": 64})
    training = Training(settings, CPU)
    photos = {season: torch.rand(1, 3, 96, 96) * 2 - 1 for season in SEASONS}
    before = {key: value.clone() for key, value in training.networks.state_dict().items()}
    assert training.step(photos, no_sky(1, 96)).isfinite().all()
    after = training.networks.state_dict()
    changed = {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])}
    assert changed == set(training.networks)


def test_saves_resumes_and_starts_from_its_networks(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = tiny_training()
    train(first, data, out, hours=2 / 3600, log_every=2)
    assert first.iteration > 0
    assert not list(out.glob("*.tmp"))

    again = tiny_training()
    again.load(out)
    assert (again.iteration, again.seconds) == (first.iteration, first.seconds)
    for key, weight in first.networks.state_dict().items():
        assert torch.equal(again.networks.state_dict()[key], weight)
    iteration = again.iteration
    train(again, data, out, hours=(first.seconds + 1) / 3600, log_every=2)
    assert again.iteration > iteration

    with (out / "losses.csv").open(newline="") as file:
        iterations = [int(row["iteration"]) for row in csv.DictReader(file)]
    assert iterations == sorted(set(iterations))
    for picture in (*out.glob("sheet_*.png"), out / "losses.png"):
        with Image.open(picture) as image:
            assert image.getextrema() != ((255, 255),) * 3

    other = Training(TINY, CPU)
    assert other.init(out / "networks.safetensors") == len(other.networks.state_dict())
    average = load_generator(out / "networks.safetensors", "average_summer2winter")
    own = again.networks["average_summer2winter"].state_dict()
    for key, weight in average.state_dict().items():
        assert torch.allclose(weight, own[key], atol=1e-3)
    with pytest.raises(ValueError, match="no generator"):
        load_generator(out / "networks.safetensors", "spring2autumn")
    save_file({"model.1.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="fits"):
        other.init(tmp_path / "other.safetensors")


def test_command_line_saves_on_sigterm(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "model_cyclegan.train", "--data", str(data)]
    command += ["--out", str(out), "--hours", "1", "--device", "cpu", "--sheet-minutes", "0.01"]
    command += ["--threads", "1", "--set", "crops=[[32,1]]", 'discriminators=["whole"]']
    command += ['generator={"filters": 4, "blocks": 1}', 'winter2summer={"adversarial": 8}']
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1])
    try:
        deadline = time.monotonic() + 60
        while not (out / "checkpoint.pt").exists() and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    assert (out / f"sheet_{state['iteration']:07d}.png").exists()


def test_unknown_setting_is_an_error(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="contrast"):
        main(["--data", str(data), "--out", str(tmp_path), "--hours", "1", "--set", "contrast=1"])


def test_refining_leads_the_means_on_and_stays_near(data: Path) -> None:
    torch.manual_seed(0)
    tiny = {"side": 32, "batch": 2, "photos": 16, "translations": 8, "ema": 0.5}
    settings = RefiningOptions(hues=0, skies=0, rate=2e-2, **tiny)  # type: ignore[arg-type]
    photos = {s: Photos(data / "train" / s, s, CPU, seed=0) for s in SEASONS}
    generator = nn.Conv2d(3, 3, 1)  # colours are all that tells these seasons apart
    with torch.no_grad():
        generator.weight.copy_(torch.eye(3)[..., None, None])
    refining = Refining(generator, "summer2winter", photos, VggFeatures(VGG_WEIGHTS), settings)
    summers = photos["summer"].batch(32, 8)[0]

    def gap(of: nn.Module) -> float:
        with torch.no_grad():
            means = refining._scaled(refining._means(of(summers)))
        return float((means.mean(0) - refining.goal.mean(0)).square().mean())

    for _ in range(60):
        refining.step()
    assert gap(refining.average) < 0.8 * gap(refining.before)
    with torch.no_grad():
        moved = (refining.average(summers) - refining.before(summers)).abs().mean()
    assert 0 < moved < 0.5


def test_refining_changes_its_direction_alone(data: Path, tmp_path: Path) -> None:
    training = tiny_training()
    training.save(tmp_path)
    file, out = tmp_path / "networks.safetensors", tmp_path / "refined.safetensors"
    arguments = [str(file), "--data", str(data), "--out", str(out), "--vgg", str(VGG_WEIGHTS)]
    arguments += ["--minutes", "0.02", "--directions", "winter2summer"]
    small = "side=32", "batch=2", "photos=4", "translations=4"
    refine_main([*arguments, "--device", "cpu", "--set", *small])
    before, after = load_file(file), load_file(out)
    assert before.keys() == after.keys()
    changed = {k.split(".")[0] for k in before if not torch.equal(before[k], after[k])}
    assert changed == {"average_winter2summer"}
    load_generator(out, "average_winter2summer")


def test_a_blend_lies_between_two_trainings(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.safetensors" for name in "abc"]
    for file in files[:2]:
        tiny_training().save(tmp_path)
        (tmp_path / "networks.safetensors").rename(file)
    name = "average_winter2summer.encode_full.1.weight"
    moved = load_file(files[1])
    moved[name] = moved[name] + 1
    save_file(moved, files[1])
    first, second, mean = files
    blend.main([str(mean), "winter2summer", f"{first}=0.25", f"{second}=0.75"])
    before, after = load_file(first), load_file(mean)
    expected = 0.25 * before[name].float() + 0.75 * moved[name].float()
    assert torch.allclose(after[name].float(), expected, atol=2e-3)
    others = [key for key in before if not key.startswith("average_winter2summer.")]
    assert all(torch.equal(before[key], after[key]) for key in others)
    load_generator(mean, "average_winter2summer")
    with pytest.raises(ValueError, match="another form"):
        blend.blend(
            {first: 0.5, WEIGHTS / "season_networks.safetensors": 0.5}, "winter2summer", mean
        )


def official_file(path: Path) -> dict[str, Tensor]:
    """A file as the authors published them: a state_dict with instance norm's old buffers."""
    torch.manual_seed(1)
    state = build_generator(PAPER).state_dict()
    old = dict(state)
    for norm in ("model.2", "model.10.conv_block.2"):
        old[f"{norm}.running_mean"] = torch.zeros(64)
        old[f"{norm}.running_var"] = torch.ones(64)
        old[f"{norm}.num_batches_tracked"] = torch.tensor(7)
    torch.save(old, path)
    return state


def test_converts_official_weights(tmp_path: Path) -> None:
    state = official_file(tmp_path / "net.pth")
    convert.main([str(tmp_path / "net.pth"), str(tmp_path / "net.safetensors")])
    converted = load_file(tmp_path / "net.safetensors")
    assert converted.keys() == state.keys()
    assert all(torch.equal(converted[key], state[key]) for key in state)
    generator = load_generator(tmp_path / "net.safetensors")
    with torch.inference_mode():
        assert generator(torch.zeros(1, 3, 32, 32)).shape == (1, 3, 32, 32)


def test_convert_refuses_other_networks(tmp_path: Path) -> None:
    state = official_file(tmp_path / "net.pth")
    with pytest.raises(ValueError, match="not the generator"):
        convert.convert({**state, "model.27.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"model\.1\.bias"):
        convert.convert({**state, "model.1.bias": torch.zeros(5)})
    with pytest.raises(ValueError, match="finite"):
        convert.convert({**state, "model.1.bias": torch.full((64,), float("nan"))})


def test_download_script_knows_two_names() -> None:
    script = Path(convert.__file__).parent / "scripts" / "download_cyclegan_model.sh"
    result = subprocess.run([script, "horse2zebra"], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "summer2winter_yosemite" in result.stderr
