"""Trains the quick network: `python -m model_nst.train_quick --data DIR [DIR ...] --out DIR`.

Its loss is that of the style transfer which it stands in for (`model_nst/style_transfer.py`), on
the same layers of VGG16, at the full size and at a half and a quarter of it. Into --out go, every
few minutes:

- `checkpoint.pt`: everything, to go on from; a training goes on by itself where it finds one;
- `quick.safetensors`: the moving average of the weights in half precision, for `--init` and for
  `model_nst.quick_export`;
- `sheet_*.png`: photos that it never trained on, each in all styles;
- `losses.csv` and `losses.png`.

SIGTERM or Ctrl+C saves and ends it. A new preset needs only a scale and a shift for each channel:
`--add NAME PAINTING --init models_wts/quick.safetensors --iterations 1200` trains these alone;
`quick.safetensors` then has the old styles and the new one. Several at once are trained with all
others by `--init` and `--favour NAME ...`, which draws these more often.
"""

import argparse
import copy
import csv
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

from model_nst.layers import CONTENT
from model_nst.network import StyleNetwork
from model_nst.quick import QuickNetwork, read_weights
from model_nst.quick_loss import content_error, gradient_cosine, grams, octaves, relative_error
from model_nst.quick_photos import Crops
from model_nst.training_precision import mixed_precision
from presets import PRESETS
from settings import ROOT

VGG_WEIGHTS = ROOT / "models_wts" / "nst_features.safetensors"
SHEET_PHOTOS = ("astronaut", "summer_palace", "coffee", "chelsea", "summer_valley")
FAVOUR = 4.0
COLUMNS = ("iteration", "content", "style", "variation", "gradients")


@dataclass(frozen=True)
class Recipe:
    """What the training is made of; the losses that are weighted here are relative."""

    batch: int = 4
    # Sides of the crops in pixels, and from which share of the iterations on: the first can be
    # small, since little of what is learnt from them is lost.
    crops: tuple[tuple[float, int], ...] = ((0, 192), (0.5, 256))
    rate: float = 1e-3
    constant: float = 0.5  # share of the iterations before the rate falls, to a hundredth
    style_pace: float = 3.0  # the rate of the styles' own parameters, to that of the convolutions
    content: float = 0.008
    content_of: Mapping[str, float] = field(default_factory=dict)  # of styles that need another
    favoured: frozenset[str] = frozenset()  # styles drawn `FAVOUR` times as often as the others
    # Long sides in pixels at which the painting is looked at, and the weights of its strokes there.
    # The photo is a crop of one of some 512 px, made smaller by the same factor.
    sides: tuple[tuple[int, float], ...] = ((512, 0.2), (256, 0.3), (128, 0.3), (64, 0.2))
    gradients: float = 0.02  # 1 minus the cosine between the gradients of picture and photo
    faces: float = 12.0  # the content error counts so much more on a face
    variation: float = 0.05  # total variation, squared
    noise: float = 0.02  # standard deviation of the input's noise, at each of five sizes
    clip: float = 5.0  # longest gradient
    ema: float = 0.998


class Training:
    """The network, its moving average, the optimiser, and one iteration of them."""

    def __init__(
        self, recipe: Recipe, paintings: Mapping[str, Path], iterations: int, only_styles: bool
    ) -> None:
        """`only_styles` leaves the convolutions as they are."""
        self.recipe, self.iterations = recipe, iterations
        self.styles = tuple(paintings)
        self.network = QuickNetwork(len(self.styles))
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        self.vgg = StyleNetwork()
        self.vgg.load_state_dict(load_file(VGG_WEIGHTS))
        self.front = copy.deepcopy(self.vgg)  # as far as the content is compared
        for name, _ in list(self.front.named_children())[CONTENT + 1 :]:
            delattr(self.front, name)
        for network in (self.network, self.average, self.vgg, self.front):
            channels_last(network)
        of_styles = [each for norm in self.network.norms() for each in norm.parameters()]
        shared = [each for name, each in self.network.named_parameters() if ".norm." not in name]
        groups = [{"params": of_styles, "pace": recipe.style_pace}]
        if only_styles:
            for each in shared:
                each.requires_grad_(False)
        else:
            groups.append({"params": shared, "pace": 1.0})
        self.optimiser = torch.optim.Adam(groups, recipe.rate, (0.9, 0.99))
        self.targets = self._targets(list(paintings.values()))
        self.content = torch.tensor(
            [recipe.content_of.get(style, recipe.content) for style in self.styles]
        )
        self.odds = torch.tensor([FAVOUR if s in recipe.favoured else 1.0 for s in self.styles])
        self.iteration = 0

    @torch.no_grad()
    def _targets(self, paintings: Sequence[Path]) -> list[list[Tensor]]:
        """For each size and layer the Gram matrices of all paintings, `[S, C, C]`."""
        targets: list[list[Tensor]] = []
        for side, _ in self.recipe.sides:
            each = [grams(self.vgg.activations(load(path, side))) for path in paintings]
            targets.append([torch.cat(layer) for layer in zip(*each, strict=True)])
        return targets

    def crop(self) -> int:
        """The side of the crops that this iteration gets."""
        share = self.iteration / self.iterations
        return [side for start, side in self.recipe.crops if start <= share][-1]

    def pace(self) -> float:
        """The factor of the rate: up within 100 iterations; later down along a cosine."""
        share = self.iteration / self.iterations
        falling = min(1.0, max(0.0, (share - self.recipe.constant) / (1 - self.recipe.constant)))
        down = 0.01 + 0.99 * (0.5 + 0.5 * float(np.cos(np.pi * falling)))
        return min(1.0, (self.iteration + 1) / 100) * down

    def step(self, photos: Tensor, faces: Tensor) -> list[float]:
        """One iteration on `Crops.batch`; returns the values of `COLUMNS` after the first."""
        recipe = self.recipe
        photos = photos.contiguous(memory_format=torch.channels_last)
        chosen = torch.multinomial(self.odds, len(photos), replacement=True)
        shares = F.one_hot(chosen, len(self.styles)).float()
        with mixed_precision():
            with torch.no_grad():
                wanted = self.front.activations(photos)[CONTENT]
            picture = self.network(photos + octaves(photos, recipe.noise), shares)
            taps = self.vgg.activations(picture)
            weight = 1 + recipe.faces * F.avg_pool2d(faces, 2)
            content = content_error(taps[CONTENT], wanted, weight)
            style = self._style_error(picture, taps, chosen)
        variation = sum(picture.diff(dim=d).square().mean((1, 2, 3)) for d in (2, 3))
        cosine = gradient_cosine(picture, photos)
        loss = style + self.content[chosen] * content + recipe.gradients * (1 - cosine)
        loss = (loss + recipe.variation * variation).mean()
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.rate * self.pace() * group["pace"]
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
        self.optimiser.step()
        self._follow()
        self.iteration += 1
        values = (content, style, variation, cosine)
        return [float(each.detach().mean()) for each in values]

    def _style_error(self, picture: Tensor, taps: list[Tensor], chosen: Tensor) -> Tensor:
        """The mean over layers and sizes, weighted; `taps` are those of the full size."""
        total = torch.zeros(len(picture))
        for i, (_, weight) in enumerate(self.recipe.sides):
            if i:
                picture = F.avg_pool2d(picture, 2)
                taps = self.vgg.activations(picture)
            pairs = zip(grams(taps), self.targets[i], strict=True)
            errors = [relative_error(gram, target[chosen]) for gram, target in pairs]
            total = total + weight * torch.stack(errors).mean(0)
        return total

    @torch.no_grad()
    def _follow(self) -> None:
        """Moves the average on; quicker at the start."""
        keep = min(self.recipe.ema, (1 + self.iteration) / (10 + self.iteration))
        average, own = (list[Tensor](n.parameters()) for n in (self.average, self.network))
        torch._foreach_lerp_(average, own, 1 - keep)

    @torch.inference_mode()
    def paint(self, photo: Tensor, style: int) -> Image.Image:
        """By the averaged network; the photo is `[1, 3, H, W]` with fitting sides."""
        shares = F.one_hot(torch.tensor([style]), len(self.styles)).float()
        with mixed_precision():
            picture = self.average(photo.contiguous(memory_format=torch.channels_last), shares)
        pixels = (picture[0].permute(1, 2, 0) * 255).round().byte().numpy()
        return Image.fromarray(pixels)

    def save(self, out: Path) -> None:
        """Writes `checkpoint.pt` and `quick.safetensors`, each whole or not at all."""
        state: dict[str, Any] = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "iteration": self.iteration,
        }
        torch.save(state, out / "checkpoint.tmp")
        (out / "checkpoint.tmp").replace(out / "checkpoint.pt")
        small = {key: value.half().contiguous() for key, value in state["average"].items()}
        facts = {"styles": " ".join(self.styles), "iteration": str(self.iteration)}
        save_file(small, out / "quick.tmp", facts)
        (out / "quick.tmp").replace(out / "quick.safetensors")

    def load(self, out: Path) -> None:
        """Goes on from `save`."""
        state = torch.load(out / "checkpoint.pt", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.iteration = state["iteration"]

    def init(self, file: Path) -> None:
        """Begins with the weights of a `quick.safetensors`; a style unknown there with the mean."""
        known, state = read_weights(file)
        rows = [known.index(style) if style in known else None for style in self.styles]
        for key, table in state.items():
            if ".norm." in key:
                mean = table.mean(0)
                state[key] = torch.stack([mean if i is None else table[i] for i in rows])
        self.network.load_state_dict(state)
        self.average.load_state_dict(state)


def channels_last(network: nn.Module) -> None:
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def with_style(file: Path, added: Path, out: Path) -> None:
    """Writes `file` with the styles of `added` behind its own; their convolutions are the same."""
    styles, state = read_weights(file)
    new_styles, new = read_weights(added)
    if taken := set(styles) & set(new_styles):
        raise ValueError(f"{file} already has {', '.join(sorted(taken))}")
    for key in state:
        if ".norm." in key:
            state[key] = torch.cat((state[key], new[key]))
    small = {key: value.half() for key, value in state.items()}
    save_file(small, out, {"styles": " ".join([*styles, *new_styles]), "iteration": "0"})


def load(path: Path, long_side: int) -> Tensor:
    """A picture at this long side, `[1, 3, H, W]`, RGB, 0 to 1; sides are multiples of 8."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    scale = long_side / max(image.size)
    width, height = (max(8, round(side * scale / 8) * 8) for side in image.size)
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None]


def sheet(training: Training, side: int) -> Image.Image:
    """`SHEET_PHOTOS` below one another, each in all styles."""
    rows = []
    for name in SHEET_PHOTOS:
        photo = load(ROOT / "images" / "photos" / f"{name}.jpg", side)
        rows.append([training.paint(photo, i) for i in range(len(training.styles))])
    width, height = max(row[0].width for row in rows), sum(row[0].height for row in rows)
    image = Image.new("RGB", (width * len(rows[0]), height), "white")
    top = 0
    for row in rows:
        for i, picture in enumerate(row):
            image.paste(picture, (i * width, top))
        top += row[0].height
    return image


def plot(rows: Sequence[Sequence[float]]) -> Image.Image:
    """The values by iteration, a strip each; rows are `COLUMNS`."""
    width, height, margin = 900, 150, 24
    image = Image.new("RGB", (width, height * (len(COLUMNS) - 1)), "white")
    draw = ImageDraw.Draw(image)
    table = np.array(rows, float)
    x = np.linspace(margin, width - margin, len(table))
    for strip, name in enumerate(COLUMNS[1:]):
        values = table[:, strip + 1]
        low, high = np.quantile(values, (0.0, 0.98))
        shares = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
        y = height * (strip + 1) - margin - shares * (height - 2 * margin)
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill="navy")
        label = f"{name}: {values[-1]:.3f}, from {low:.3f} to {high:.3f}"
        draw.text((margin, height * strip + 4), label, fill="black")
    draw.text((width - 220, 4), f"iterations {table[0, 0]:.0f} to {table[-1, 0]:.0f}", fill="black")
    return image


class Log:
    """The losses, a row for every so many iterations, in `losses.csv`."""

    def __init__(self, out: Path, every: int = 50) -> None:
        self.path, self.every = out / "losses.csv", every
        self.recent: list[list[float]] = []
        self.rows: list[list[float]] = []
        if self.path.exists():
            with self.path.open() as file:
                self.rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]

    def add(self, iteration: int, values: list[float]) -> str:
        """Tells the latest means, or "" if they are not due."""
        self.recent.append(values)
        if len(self.recent) < self.every:
            return ""
        means = np.mean(self.recent, 0).tolist()
        self.rows.append([iteration, *means])
        self.recent = []
        return " ".join(f"{n} {v:.3f}" for n, v in zip(COLUMNS[1:], means, strict=True))

    def save(self) -> None:
        with self.path.open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *self.rows])
        if self.rows:
            plot(self.rows).save(self.path.with_suffix(".png"))


def train(
    training: Training,
    crops: Crops,
    out: Path,
    stop: threading.Event,
    *,
    save_minutes: float = 4.0,
    sheet_minutes: float = 10.0,
) -> None:
    """Trains to the last iteration or until `stop` is set."""
    log = Log(out)
    bar = tqdm(
        total=training.iterations,
        initial=training.iteration,
        mininterval=1 if sys.stderr.isatty() else 30,
    )
    saved = drawn = time.monotonic()
    while training.iteration < training.iterations and not stop.is_set():
        values = training.step(*crops.batch(training.recipe.batch, training.crop()))
        if told := log.add(training.iteration, values):
            bar.set_postfix_str(told, refresh=False)
        bar.update()
        last = stop.is_set() or training.iteration == training.iterations
        if last or time.monotonic() - saved > save_minutes * 60:
            training.save(out)
            log.save()
            saved = time.monotonic()
        if last or time.monotonic() - drawn > sheet_minutes * 60:
            sheet(training, 384).save(out / f"sheet_{training.iteration:06}.png")
            drawn = time.monotonic()
    bar.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model_nst.train_quick",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of photos")
    parser.add_argument("--faces", type=Path, help="what model_nst.quick_photos wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--iterations", type=int, default=20000, help="earlier runs' included")
    parser.add_argument("--init", type=Path, help="quick.safetensors to begin with")
    parser.add_argument("--add", nargs=2, metavar=("NAME", "PAINTING"), help="train one new style")
    parser.add_argument("--favour", nargs="+", default=[], choices=PRESETS, metavar="NAME")
    parser.add_argument("--threads", type=int, help="CPU threads")
    args = parser.parse_args(arguments)
    if args.add and not args.init:
        parser.error("--add needs --init")
    if args.threads:
        torch.set_num_threads(args.threads)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    paintings = {name: preset.path for name, preset in PRESETS.items()}
    if args.add:
        paintings = {args.add[0]: Path(args.add[1])}
    recipe = Recipe(favoured=frozenset(args.favour))
    training = Training(recipe, paintings, args.iterations, only_styles=bool(args.add))
    args.out.mkdir(parents=True, exist_ok=True)
    if (args.out / "checkpoint.pt").exists():
        training.load(args.out)
    elif args.init:
        training.init(args.init)
    crops = Crops(args.data, args.faces, seed=training.iteration)
    train(training, crops, args.out, stop)
    if args.add:
        with_style(args.init, args.out / "quick.safetensors", args.out / "quick.safetensors")


if __name__ == "__main__":
    main()
