"""The network of style transfer, its two engines and the optimisation."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file

from model_nst import engine, lbfgs
from model_nst.colours import in_colours_of
from model_nst.engine import StyleEngine
from model_nst.export import export_network
from model_nst.images import Array, to_array
from model_nst.layers import CONTENT, MARGIN
from model_nst.lbfgs import minimise
from model_nst.losses import Guidance, Loss, goal_of
from model_nst.network import StyleNetwork
from model_nst.openvino_engine import OpenVino
from model_nst.style_transfer import Style, schedule, transfer
from model_nst.tiles import tiles
from model_nst.torch_engine import Torch
from settings import ROOT
from weights import WEIGHTS
from wishes import PaintingOptions, Strength

STYLE_WEIGHT = 100.0


def picture(width: int, height: int, seed: int) -> Array:
    """Smooth noise, which like a photo is not the same everywhere."""
    rough = np.random.default_rng(seed).random((height // 4, width // 4, 3))
    smooth = Image.fromarray((rough * 255).astype(np.uint8)).resize((width, height))
    return np.ascontiguousarray(np.asarray(smooth, np.float32).transpose(2, 0, 1)[None] / 255)


def gram_matrix(features: torch.Tensor) -> torch.Tensor:
    f = features.flatten(2)[0]
    return f @ f.T / f.shape[1]


def guided(height: int, width: int, regions: int = 1) -> Guidance:
    """Other weights at every pixel."""
    random = np.random.default_rng(5)
    return Guidance(
        (1 + 4 * random.random((1, 1, height // 2, width // 2))).astype(np.float32),
        random.random((1, regions, height, width)).astype(np.float32),
    )


def loss_by_autograd(
    network: StyleNetwork,
    image: torch.Tensor,
    content: torch.Tensor,
    styles: Sequence[torch.Tensor],
    guidance: Guidance | None = None,
) -> tuple[float, torch.Tensor]:
    """The loss as its definition says, from the pictures themselves, and torch's own gradient."""
    image = image.clone().requires_grad_()
    taps, wanted = network.activations(image), network.activations(content)
    content_map = torch.from_numpy(guidance.content) if guidance else torch.ones(1, 1, 1, 1)
    errors = (taps[CONTENT] - wanted[CONTENT]).square() * content_map
    loss = errors.sum() / wanted[CONTENT].square().sum()
    maps = torch.from_numpy(guidance.style).to(image) if guidance else torch.ones(1, 1, 1, 1)
    for style, style_map in zip(styles, maps[0], strict=True):
        share = style_map.sum() / maps.sum()
        for tap, style_tap in zip(taps, network.activations(style), strict=True):
            target = gram_matrix(style_tap)
            stride = image.shape[2] // tap.shape[2]
            counted = style_map[None, None, ::stride, ::stride].expand(1, 1, *tap.shape[2:])
            gram = (tap * counted).flatten(2)[0] @ tap.flatten(2)[0].T / counted.sum()
            error = (gram - target).square().sum() / target.square().sum()
            loss = loss + STYLE_WEIGHT * share * error / 5
    loss.backward()  # type: ignore[no-untyped-call]
    assert image.grad is not None
    return loss.item(), image.grad


def style_network() -> StyleNetwork:
    network = StyleNetwork()
    network.load_state_dict(load_file(WEIGHTS / "nst_features.safetensors"))
    return network


@pytest.mark.parametrize("regions", [0, 1, 2])
@pytest.mark.parametrize(("width", "height"), [(48, 64), (4, 4), (100, 8)])
def test_gradient_by_hand_is_autograds(width: int, height: int, regions: int) -> None:
    network = style_network().double()
    image, content, *styles = (
        torch.from_numpy(picture(w, h, seed)).double()
        for w, h, seed in ((width, height, 1), (width, height, 2), (40, 32, 3), (24, 48, 4))
    )
    styles = styles[: max(regions, 1)]
    wanted = network.activations(content)[CONTENT]
    grams = [[gram_matrix(tap).numpy() for tap in network.activations(style)] for style in styles]
    guidance = guided(height, width, regions) if regions else None
    content_map = guidance.content if guidance else np.ones((1, 1, 1, 1), np.float32)
    goal = goal_of(
        wanted.numpy().astype(np.float16), STYLE_WEIGHT, [tuple(each) for each in grams], guidance
    )
    inputs: list[NDArray[np.floating]] = []
    for region in goal.regions:
        everywhere = np.ones((1, 1, height, width))
        style_map = everywhere if region.style_map is None else region.style_map
        inputs += [style_map, region.gram_weights, *region.targets]
    _, _, by_hand, *_ = network(
        image,
        torch.ones(1, 1, height, width).double(),
        wanted,
        2 / wanted.square().sum() * torch.from_numpy(content_map),
        *(torch.from_numpy(array).double() for array in inputs),
    )
    _, by_autograd = loss_by_autograd(network, image, content, styles, guidance)
    assert torch.dist(by_hand, by_autograd) < 1e-6 * by_autograd.norm()


def openvino_f32() -> OpenVino:
    return OpenVino("f32")


@pytest.mark.parametrize("guidance", [None, guided(64, 96), guided(64, 96, 2)])
@pytest.mark.parametrize(
    ("make_engine", "tolerance"), [(Torch, 1e-3), (openvino_f32, 1e-3), (OpenVino, 0.2)]
)
def test_every_engine_gives_autograds_gradient(
    make_engine: Callable[[], StyleEngine], tolerance: float, guidance: Guidance | None
) -> None:
    """Relative to the gradient's length; the last is bf16 where the processor has it."""
    image, content = picture(96, 64, 1), picture(96, 64, 2)
    styles = [picture(64, 80, 3), picture(48, 64, 4)][: regions_of(guidance)]
    engine = make_engine()
    features, grams = engine.content(content), [engine.grams(style) for style in styles]
    with engine.loss(features, STYLE_WEIGHT, grams, guidance) as loss_of:
        loss = loss_of(image)
    x, photo, *paintings = (torch.from_numpy(array) for array in (image, content, *styles))
    expected_loss, expected = loss_by_autograd(style_network(), x, photo, paintings, guidance)
    assert loss.content + STYLE_WEIGHT * loss.style == pytest.approx(expected_loss, rel=tolerance)
    difference = np.linalg.norm(loss.gradient - expected.numpy())
    assert difference < tolerance * np.linalg.norm(expected.numpy())


def regions_of(guidance: Guidance | None) -> int:
    return guidance.style.shape[1] if guidance else 1


@pytest.mark.parametrize("make_engine", [Torch, openvino_f32])
def test_grams_of_a_part_count_its_pixels(make_engine: Callable[[], StyleEngine]) -> None:
    image, counted = picture(96, 64, 1), guided(64, 96).style
    grams = make_engine().grams(image, counted)
    for gram, tap in zip(grams, style_network().activations(torch.from_numpy(image)), strict=True):
        stride = 64 // tap.shape[2]
        weights = torch.from_numpy(counted)[:, :, ::stride, ::stride]
        wanted = (tap * weights).flatten(2)[0] @ tap.flatten(2)[0].T / weights.sum()
        assert np.linalg.norm(gram - wanted.numpy()) < 1e-3 * float(wanted.norm())


@pytest.mark.parametrize("guidance", [None, guided(100, 200), guided(100, 200, 2)])
@pytest.mark.parametrize("largest", [120 * 100, 100 * 76, 64 * 76])
def test_tiles_give_what_the_whole_image_gives(largest: int, guidance: Guidance | None) -> None:
    """From one cut to tiles whose margins are most of them, and which meet every edge."""
    image, content = picture(200, 100, 1), picture(200, 100, 2)
    styles = [picture(64, 80, 3), picture(48, 64, 4)][: regions_of(guidance)]
    assert len(tiles(100, 200, largest)) > 1
    of_whole, of_tiles = OpenVino("f32"), OpenVino("f32", largest)
    wanted, grams = of_whole.content(content), [of_whole.grams(style) for style in styles]
    np.testing.assert_allclose(of_tiles.content(content), wanted, rtol=2e-3, atol=1e-2)
    for a, b in zip(of_tiles.grams(content), of_whole.grams(content), strict=True):
        assert np.linalg.norm(a - b) < 1e-5 * np.linalg.norm(b)
    with (
        of_whole.loss(wanted, STYLE_WEIGHT, grams, guidance) as whole_loss,
        of_tiles.loss(wanted, STYLE_WEIGHT, grams, guidance) as tiled_loss,
    ):
        whole, tiled = whole_loss(image), tiled_loss(image)
    assert tiled.content == pytest.approx(whole.content, rel=1e-5)
    assert tiled.style == pytest.approx(whole.style, rel=1e-5)
    difference = np.linalg.norm(tiled.gradient - whole.gradient)
    assert difference < 2e-5 * np.linalg.norm(whole.gradient)


@given(
    height=st.integers(1, 300).map(lambda n: 4 * n),
    width=st.integers(1, 300).map(lambda n: 4 * n),
    largest=st.integers(10_000, 1_000_000),
)
def test_tiles_cover_every_pixel_once_and_have_their_margins(
    height: int, width: int, largest: int
) -> None:
    count = np.zeros((height, width), int)
    cut = tiles(height, width, largest)
    sizes = set()
    for tile in cut:
        count[tile.inner] += 1
        for window, inner, length in zip(tile.window, tile.inner, (height, width), strict=True):
            assert window.start == 0 or inner.start - window.start >= MARGIN
            assert window.stop == length or window.stop - inner.stop >= MARGIN
            assert window.start % 4 == window.stop % 4 == inner.start % 4 == inner.stop % 4 == 0
        sizes.add(tuple(window.stop - window.start for window in tile.window))
    assert count.min() == count.max() == 1
    assert len(sizes) == 1
    (size,) = sizes
    assert size[0] * size[1] <= largest


def test_a_flat_image_has_no_frame_in_its_first_features() -> None:
    first = style_network().activations(torch.full((1, 3, 16, 16), 0.7))[0]
    torch.testing.assert_close(first, first[:, :, 8:9, 8:9].expand_as(first), rtol=1e-4, atol=1e-3)


def test_the_exported_network_holds_the_committed_weights(tmp_path: Path) -> None:
    export_network(load_file(WEIGHTS / "nst_features.safetensors"), tmp_path)
    assert (tmp_path / "nst.bin").read_bytes() == (WEIGHTS / "nst.bin").read_bytes()


def test_the_weights_are_small() -> None:
    assert (WEIGHTS / "nst_features.safetensors").stat().st_size <= 2_200_000


def test_painting_on_a_cpu_imports_no_torch() -> None:
    program = """
import sys
from numpy.typing import NDArray
from PIL import Image
from image_processing import paint
from model_nst.style_transfer import Style
photo = Image.linear_gradient("L").resize((64, 48)).convert("RGB")
paint(photo, [Style(photo.rotate(90))], size=128, engine="openvino")
sys.exit([name for name in sys.modules if name.split(".")[0] in ("torch", "torchvision")] != [])
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_torch_s_engine_needs_no_openvino() -> None:
    program = """
import sys
import model_nst.torch_engine
sys.exit("openvino" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_several_threads_load_the_engine_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[OpenVino] = []

    class Slow(OpenVino):
        def __init__(self) -> None:
            super().__init__("f32")
            made.append(self)
            time.sleep(0.1)  # for the others to come

    monkeypatch.setattr("model_nst.openvino_engine.OpenVino", Slow)
    engine._loaded.cache_clear()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: engine.get_engine("openvino"), range(4)))
    engine._loaded.cache_clear()
    assert len(made) == 1
    assert found == made * 4


def parabola(x: Array) -> Loss:
    """Lowest at 0.25 and, outside the box, at 2; of very different curvature by coordinate."""
    curvature = np.linspace(1, 50, x.size, dtype=np.float32).reshape(x.shape)
    error = x - np.where(np.arange(x.size).reshape(x.shape) % 2, 0.25, 2).astype(np.float32)
    return Loss(float((curvature * error**2).sum() / 2), 0.0, curvature * error)


@pytest.mark.parametrize(("side", "most"), [(8, 10), (640, 1)])
def test_of_a_large_image_one_move_is_kept(
    side: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    recursion = lbfgs._inverse_hessian_times

    def counted(gradient: Array, moves: list[lbfgs.Move]) -> Array:
        kept.append(len(moves))
        return recursion(gradient, moves)

    monkeypatch.setattr(lbfgs, "_inverse_hessian_times", counted)
    start = np.random.default_rng(0).random((1, 3, side, side), np.float32)

    def quartic(x: Array) -> Loss:  # which is not at its minimum after two steps
        return Loss(float(((x - 0.5) ** 4).sum()), 0.0, 4 * (x - 0.5) ** 3)

    list(minimise(quartic, start, 1.0, steps=14))
    assert max(kept) == most


def test_minimise_finds_the_minimum_in_the_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """This one is a weave, which it else finds only in many steps."""
    monkeypatch.setattr(lbfgs, "without_weave", lambda gradient: gradient)
    images = list(minimise(parabola, np.full((1, 3, 4, 4), 0.9, np.float32), 1.0, steps=60))
    wanted = np.where(np.arange(48).reshape(1, 3, 4, 4) % 2, 0.25, 1)
    np.testing.assert_allclose(images[-1], wanted, atol=1e-3)
    losses = [parabola(x).content for x in images]
    assert losses == sorted(losses, reverse=True)


@given(long_side=st.integers(4, 2048))
def test_schedule_goes_from_coarse_to_the_size_asked_for(long_side: int) -> None:
    sides = [side for side, _, _ in schedule(long_side)]
    assert sides[-1] == long_side
    assert sides == sorted(set(sides))
    assert all(steps > 0 for _, steps, _ in schedule(long_side))


@pytest.mark.parametrize("long_side", [384, 400, 448, 479])
def test_what_is_worked_at_near_a_scale_gets_its_work(long_side: int) -> None:
    def work(side: int) -> float:
        return sum(steps * side**2 for side, steps, _ in schedule(side))

    assert 0.8 * work(512) < work(long_side) < 1.05 * work(512)


def test_colour_transfer_gives_mean_and_covariance() -> None:
    generator = np.random.default_rng(0)
    photo = (0.5 + 0.05 * generator.standard_normal((1, 3, 40, 40))).astype(np.float32)
    mixed = np.array([[1, 0.5, 0], [0, 1, 0.2], [0.3, 0, 1]]) * 0.03
    style = (0.4 + mixed @ generator.standard_normal((3, 900))).astype(np.float32)
    result = in_colours_of(photo, style.reshape(1, 3, 30, 30)).reshape(3, -1)
    np.testing.assert_allclose(result.mean(1), style.mean(1), atol=1e-4)
    np.testing.assert_allclose(np.cov(result), np.cov(style), atol=1e-5)


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    with Image.open(ROOT / "images" / "photos" / "chelsea.jpg") as image:
        return image.resize((150, 99))


@pytest.fixture(scope="module")
def style() -> Image.Image:
    with Image.open(ROOT / "images" / "styles" / "3_kiss.jpg") as image:
        return image.copy()


def style_error(engine: StyleEngine, image: Image.Image, style: Image.Image) -> float:
    """Mean over the layers of the Gram matrices' relative squared error, both at 96x96."""
    grams, targets = (engine.grams(to_array(x.resize((96, 96)))) for x in (image, style))
    errors = [((g - t) ** 2).sum() / (t**2).sum() for g, t in zip(grams, targets, strict=True)]
    return float(np.mean(errors))


def test_transfer_brings_the_photo_near_the_style(photo: Image.Image, style: Image.Image) -> None:
    engine = OpenVino()
    reached: list[float] = []
    painting = transfer(photo, [Style(style)], engine, on_progress=reached.append)
    assert painting.size == photo.size
    assert style_error(engine, painting, style) < 0.2 * style_error(engine, photo, style)
    assert reached == sorted(reached)
    assert reached[0] > 0
    assert reached[-1] == pytest.approx(1)
    assert len(reached) == sum(steps for _, steps, _ in schedule(152))


def test_strengths_are_ordered(photo: Image.Image, style: Image.Image) -> None:
    """The stronger the style, the less is left of the photo."""
    engine = OpenVino()
    wanted = engine.content(to_array(photo.resize((96, 96)))).astype(np.float32)

    def content_error(strength: Strength) -> float:
        painting = transfer(
            photo, [Style(style)], engine, PaintingOptions(strength=strength)
        ).resize((96, 96))
        features = engine.content(to_array(painting)).astype(np.float32)
        return float(np.square(features - wanted).sum() / np.square(wanted).sum())

    assert content_error("soft") < content_error("normal") < content_error("strong")


def test_variations_differ_and_can_be_repeated(photo: Image.Image, style: Image.Image) -> None:
    engine = openvino_f32()
    small = photo.resize((64, 48))
    first, second, again = (
        np.asarray(
            transfer(small, [Style(style)], engine, PaintingOptions(variation=variation)),
            np.float32,
        )
        for variation in (0, 1, 1)
    )
    assert np.abs(first - second).mean() > 2
    assert np.abs(second - again).mean() < 0.5


def test_what_progress_raises_stops_the_work(photo: Image.Image, style: Image.Image) -> None:
    calls = 0

    def on_progress(_: float) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        transfer(photo, [Style(style)], OpenVino(), on_progress=on_progress)
    assert calls == 3


def test_one_engine_serves_several_threads(style: Image.Image) -> None:
    engine = openvino_f32()
    photos = [Image.effect_noise((64, 64), spread).convert("RGB") for spread in (20, 80)]
    one_by_one = [transfer(photo, [Style(style)], engine) for photo in photos]
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(lambda photo: transfer(photo, [Style(style)], engine), photos))
    for alone, beside in zip(one_by_one, together, strict=True):
        assert np.abs(np.asarray(alone, int) - np.asarray(beside, int)).mean() < 1


def test_a_sketch_stays_where_it_is(photo: Image.Image, style: Image.Image) -> None:
    """150x99 is worked at as 152x100: edges would double if the sketch were stretched to that."""
    options = PaintingOptions(strength="soft")
    painting = transfer(photo, [Style(style)], OpenVino(), options, sketch=photo)
    columns = (
        np.diff(np.asarray(each.convert("L"), np.float32), axis=1) for each in (photo, painting)
    )
    wanted, found = (each.ravel() for each in columns)
    assert np.corrcoef(wanted, found)[0, 1] > 0.7
