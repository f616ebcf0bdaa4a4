"""Trains both directions: `python -m model_cyclegan.train --data DIR --out DIR --hours H`.

The data's DIR holds `train/summer`, `train/winter`, `test/summer` and `test/winter`. Into the
other DIR go, every few minutes:

- `checkpoint.pt`: everything, to go on from; a training goes on by itself where it finds one;
- `networks.safetensors`: the generators, their averages and the discriminators in half precision,
  for `--init` and for export;
- `sheet_*.png`: photos the networks never trained on, each beside its translation;
- `losses.csv` and `losses.png`.

SIGTERM or Ctrl+C saves and ends it.
"""

import argparse
import copy
import csv
import json
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from model_cyclegan.discriminator import Discriminator, DiscriminatorKind
from model_cyclegan.generator import PAPER, GeneratorForm, build_generator
from model_cyclegan.losses import (
    AdversarialLoss,
    VggFeatures,
    blotch_loss,
    cycle_loss,
    discriminator_loss,
    generator_loss,
    hue_loss,
    moment_loss,
    sky_loss,
)
from model_cyclegan.photos import Photos, load_photo, photo_files

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SEASONS = ("summer", "winter")
DIRECTIONS = {"summer2winter": SEASONS, "winter2summer": SEASONS[::-1]}
View = Literal["whole", "window"]
Settings = TypeVar("Settings", bound="DataclassInstance")
VGG_WEIGHTS = Path(__file__).parents[1] / "models_wts" / "nst_features.safetensors"
LOSSES = (
    "adversarial",
    "moments",
    "cycle",
    "identity",
    "blotches",
    "hues",
    "skies",
    "discriminator",
)


@dataclass(frozen=True)
class Weights:
    """What the losses of one direction count."""

    adversarial: float = 3.0
    moments: float = 30.0  # of the features' means; needs "features"
    cycle: float = 4.0  # there and back again
    cycle_colour: float = 0.5
    cycle_pool: int = 1  # side in pixels of the means that are compared
    identity: float = 2.0
    blotches: float = 10.0
    hues: float = 15.0
    skies: float = 20.0


@dataclass(frozen=True)
class TrainSettings:
    """The recipe; the defaults are for a small network on a few CPU cores."""

    generator: GeneratorForm = field(default_factory=GeneratorForm)
    discriminators: tuple[DiscriminatorKind, ...] = ("features", "whole")
    spectral: bool = True  # spectral norm in the patch discriminator, else instance norm
    loss: AdversarialLoss = "hinge"
    summer2winter: Weights = field(default_factory=Weights)
    # Where snow lay cannot be known from a meadow, and it has to turn green as a whole.
    winter2summer: Weights = field(
        default_factory=lambda: Weights(
            cycle=2.0,
            cycle_colour=0.2,
            cycle_pool=4,
            identity=0.3,
            blotches=7.0,
            hues=10.0,
            skies=25.0,
        )
    )
    # Sides of the crops in pixels, and how many at a time; one pair is drawn for each iteration.
    crops: tuple[tuple[int, int], ...] = ((256, 1),)
    # Side in pixels of what the feature heads see: either a window of the crop, or all of it,
    # scaled down to this; 0: all of it as it is.
    window: int = 0
    pool: int = 0  # earlier translations kept to be judged again
    moments: int = 128  # translations into a season, and 8 times as many photos, to compare
    rate: float = 3.5e-4
    discriminator_rate: float = 8e-4
    betas: tuple[float, float] = (0.5, 0.99)
    discriminator_betas: tuple[float, float] = (0.0, 0.99)
    clip: float = 200.0  # longest gradient of the generators; without instance norm some are wild
    constant: float = 0.5  # share of the time before the rate falls to 0
    ema: float = 0.998


PAPER_WEIGHTS = Weights(
    adversarial=1.0,
    moments=0.0,
    cycle=10.0,
    cycle_colour=1.0,
    identity=5.0,
    blotches=0.0,
    hues=0.0,
    skies=0.0,
)
PRESETS = {
    "cpu": TrainSettings(),
    "gpu": TrainSettings(
        generator=GeneratorForm(filters=32),
        discriminators=("features", "whole", "patch"),
        crops=((256, 16),),
        window=224,
        ema=0.999,
    ),
    "paper": TrainSettings(
        generator=PAPER,
        discriminators=("patch",),
        spectral=False,
        loss="least_squares",
        summer2winter=PAPER_WEIGHTS,
        winter2summer=PAPER_WEIGHTS,
        crops=((256, 1),),
        pool=50,
        clip=float("inf"),
        rate=2e-4,
        discriminator_rate=2e-4,
        betas=(0.5, 0.999),
        discriminator_betas=(0.5, 0.999),
    ),
}


class ImagePool:
    """Earlier translations (Shrivastava et al., 2017): half of what is judged is older."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.images: list[Tensor] = []
        self.random = np.random.default_rng(seed)

    def exchange(self, batch: Tensor) -> Tensor:
        """Stores each image of a batch; gives back it or, every other time, an earlier one."""
        chosen = []
        for image in batch:
            if len(self.images) < self.size:
                self.images.append(image)
                chosen.append(image)
            elif self.random.random() < 0.5:
                i = int(self.random.integers(self.size))
                chosen.append(self.images[i])
                self.images[i] = image
            else:
                chosen.append(image)
        return torch.stack(chosen)


class Training:
    """Both generators, both discriminators, their optimisers, and one iteration of them all."""

    def __init__(
        self, settings: TrainSettings, device: torch.device, vgg: Path = VGG_WEIGHTS
    ) -> None:
        self.settings = settings
        self.device = device
        self.features = VggFeatures(vgg) if "features" in settings.discriminators else None
        widths = self.features.widths if self.features else ()
        self.networks = nn.ModuleDict()
        for name, (_, target) in DIRECTIONS.items():
            self.networks[name] = build_generator(settings.generator)
            self.networks[f"average_{name}"] = copy.deepcopy(self.networks[name])
            self.networks[f"judge_{target}"] = Discriminator(
                settings.discriminators, widths, settings.spectral
            )
            self.networks[f"average_{name}"].requires_grad_(False).eval()
        self._move(self.networks)
        if self.features is not None:
            self._move(self.features)
        self.generators = nn.ModuleList(self.networks[name] for name in DIRECTIONS)
        self.judges = nn.ModuleList(self.networks[f"judge_{t}"] for _, t in DIRECTIONS.values())
        self.optimisers = (
            torch.optim.Adam(self.generators.parameters(), settings.rate, settings.betas),
            torch.optim.Adam(
                self.judges.parameters(), settings.discriminator_rate, settings.discriminator_betas
            ),
        )
        self.pools = {name: ImagePool(settings.pool, seed=i) for i, name in enumerate(DIRECTIONS)}
        # Means of features over the latest photos and translations of a season, in one view.
        self.means: dict[tuple[str, str, View], Tensor] = {}
        self.random = np.random.default_rng()
        self.iteration = 0
        self.seconds = 0.0  # of training so far, over all runs

    def _move(self, module: nn.Module) -> None:
        module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def _look(self, image: Tensor) -> tuple[list[Tensor], View]:
        """Feature layers of an image, or of a window of it, and which of the two."""
        side, window = image.shape[-1], self.settings.window
        view: View = "whole"
        if 0 < window < side:
            if self.random.random() < 0.5:
                image = F.interpolate(image, (window, window), mode="bilinear", antialias=True)
            else:
                view = "window"
                top, left = self.random.integers(side - window + 1, size=2)
                image = image[..., top : top + window, left : left + window]
        return (self.features(image) if self.features is not None else []), view

    def _keep(self, season: str, kind: str, view: View, layers: Sequence[Tensor]) -> None:
        if layers:
            key = (season, kind, view)
            rows = [self.means[key]] if key in self.means else []
            rows.append(channel_means(layers).detach())
            # Photos do not age, translations do.
            kept = self.settings.moments * (8 if kind == "photos" else 1)
            self.means[key] = torch.cat(rows)[-kept:]

    def _moment_loss(self, target: str, view: View, layers: Sequence[Tensor]) -> Tensor:
        """`moment_loss` of translations with these layers; 0 until enough was seen."""
        keys = [(target, "translations", view), *((season, "photos", view) for season in SEASONS)]
        seen = {key: self.means[key] for key in keys if key in self.means}
        if len(seen) < len(keys) or min(map(len, seen.values())) < self.settings.moments // 4:
            return torch.zeros((), device=self.device)
        deviation, mean = torch.std_mean(torch.cat([seen[key] for key in keys[1:]]), 0)
        compared = (channel_means(layers), seen[keys[0]], seen[target, "photos", view])
        rows = [(means - mean) / (deviation + 1e-3) for means in compared]
        with torch.autocast(self.device.type, enabled=False):
            return moment_loss(*rows)

    def step(
        self, photos: Mapping[str, Tensor], skies: Mapping[str, Tensor], pace: float = 1.0
    ) -> Tensor:
        """One iteration on `[N, 3, S, S]` photos of each season; returns `LOSSES`, detached.

        `skies` tells where they show sky, `[N, 1, S, S]` in 0..1. `pace` multiplies the learning
        rates.
        """
        s = self.settings
        for optimiser, rate in zip(self.optimisers, (s.rate, s.discriminator_rate), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * pace
        photos = {k: v.to(memory_format=torch.channels_last) for k, v in photos.items()}

        # The generators: fool the judges, be undone by each other, leave their own season alone.
        self.judges.requires_grad_(False)
        loss = torch.zeros((), device=self.device)
        found: dict[str, dict[str, Tensor]] = {}
        translations: dict[str, Tensor] = {}
        with self._autocast():
            for name, (source, target) in DIRECTIONS.items():
                both = torch.cat((photos[source], photos[target]))
                translation, same = self.networks[name](both).chunk(2)
                translations[name] = translation
                found[name] = {
                    "identity": cycle_loss(same, photos[target]),
                    "blotches": blotch_loss(translation, photos[source]),
                    "hues": hue_loss(translation, photos[source]),
                    "skies": sky_loss(translation, photos[source], skies[source]),
                }
            for name, back in zip(DIRECTIONS, reversed(DIRECTIONS), strict=True):
                source, target = DIRECTIONS[name]
                weights: Weights = getattr(s, name)
                restored = self.networks[back](translations[name])
                found[name]["cycle"] = cycle_loss(
                    restored, photos[source], weights.cycle_colour, weights.cycle_pool
                )
                layers, view = self._look(translations[name])
                scores = self.networks[f"judge_{target}"](translations[name], layers)
                found[name]["adversarial"] = generator_loss(scores, s.loss)
                found[name]["moments"] = self._moment_loss(target, view, layers)
                for kind, value in found[name].items():
                    loss = loss + getattr(weights, kind) * value
        self._descend(0, loss, s.clip)

        # The judges.
        self.judges.requires_grad_(True)
        judged = torch.zeros((), device=self.device)
        with self._autocast():
            for name, (_, target) in DIRECTIONS.items():
                fake = translations[name].detach()
                if s.pool:
                    fake = self.pools[name].exchange(fake)
                scores = []
                for kind, image in (("photos", photos[target]), ("translations", fake)):
                    layers, view = self._look(image)
                    self._keep(target, kind, view, layers)
                    scores.append(self.networks[f"judge_{target}"](image, layers))
                judged = judged + discriminator_loss(scores[0], scores[1], s.loss)
        self._descend(1, judged, float("inf"))

        for name in DIRECTIONS:
            follow(self.networks[f"average_{name}"], self.networks[name], s.ema, self.iteration)
        self.iteration += 1
        sums = [torch.stack([found[name][k] for name in DIRECTIONS]).sum() for k in LOSSES[:-1]]
        return torch.stack((*sums, judged)).detach()

    def _descend(self, which: int, loss: Tensor, clip: float) -> None:
        optimiser = self.optimisers[which]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(optimiser.param_groups[0]["params"], clip)
        optimiser.step()

    @torch.inference_mode()
    def translate(self, name: str, photo: Tensor) -> Tensor:
        """A `uint8 [3, H, W]` photo by the averaged generator, same form; sides multiples of 8."""
        x = (photo[None].to(self.device).float() / 127.5 - 1).contiguous(
            memory_format=torch.channels_last
        )
        with self._autocast():
            y: Tensor = self.networks[f"average_{name}"](x)[0]
        return ((y.float() + 1) * 127.5).round().clamp(0, 255).byte().cpu()

    def save(self, out: Path) -> None:
        """Writes `checkpoint.pt` and `networks.safetensors`, each whole or not at all."""
        state: dict[str, Any] = {
            "networks": self.networks.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "iteration": self.iteration,
            "seconds": self.seconds,
        }
        torch.save(state, out / "checkpoint.tmp")
        (out / "checkpoint.tmp").replace(out / "checkpoint.pt")
        small = {key: value.half().contiguous() for key, value in state["networks"].items()}
        facts = {
            "generator": json.dumps(asdict(self.settings.generator)),
            "iteration": str(self.iteration),
        }
        save_file(small, out / "networks.tmp", facts)
        (out / "networks.tmp").replace(out / "networks.safetensors")

    def load(self, out: Path) -> None:
        """Goes on from `save`; raises `RuntimeError` if the networks have another form."""
        state = torch.load(out / "checkpoint.pt", map_location=self.device, weights_only=True)
        self.networks.load_state_dict(state["networks"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.iteration, self.seconds = state["iteration"], state["seconds"]

    def init(self, file: Path) -> int:
        """Takes over what fits, by name and shape, from `networks.safetensors`; how many tensors.

        Raises `ValueError` when nothing fits.
        """
        state, own = load_file(file), self.networks.state_dict()
        fitting = {k: v.float() for k, v in state.items() if k in own and v.shape == own[k].shape}
        if not fitting:
            raise ValueError(f"no weight in {file} fits")
        self.networks.load_state_dict(fitting, strict=False)
        return len(fitting)


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, ema: float, iteration: int) -> None:
    """Moves the shipped weights, an exponential moving average, on; quicker at the start."""
    keep = min(ema, (1 + iteration) / (10 + iteration))
    torch._foreach_lerp_([*average.parameters()], [*network.parameters()], 1 - keep)


def channel_means(layers: Sequence[Tensor]) -> Tensor:
    """Each channel's mean over the image, of all layers: `[N, D]`."""
    return torch.cat([layer.float().mean((2, 3)) for layer in layers], 1)


def sheet(training: Training, folder: Path, count: int = 8, side: int = 256) -> Image.Image:
    """Test photos, each beside its translation: summers in the upper half, winters in the lower."""
    rows = []
    for name, (source, _) in DIRECTIONS.items():
        files = photo_files(folder / source)
        tiles = []
        for path in files[:: max(1, len(files) // count)][:count]:
            photo = load_photo(path)
            short = min(photo.shape[1:])
            square = photo[None, :, :short, :short].float()
            square = F.interpolate(square, (side, side), mode="bilinear", antialias=True)[0]
            pixels = square.round().byte()
            tiles += [pixels, training.translate(name, pixels)]
        rows += [torch.cat(tiles[i : i + 8], 2) for i in range(0, len(tiles), 8)]
    width = max(row.shape[2] for row in rows)
    rows = [F.pad(row, (0, width - row.shape[2])) for row in rows]
    return Image.fromarray(torch.cat(rows, 1).permute(1, 2, 0).numpy())


def plot(rows: Sequence[Sequence[float]]) -> Image.Image:
    """The losses by iteration, one strip each; rows hold the iteration, then `LOSSES`."""
    width, height, margin = 900, 150, 24
    image = Image.new("RGB", (width, height * len(LOSSES)), "white")
    draw = ImageDraw.Draw(image)
    table = np.array(rows, dtype=float)
    first, last = table[0, 0], max(table[-1, 0], table[0, 0] + 1)
    for strip, name in enumerate(LOSSES):
        values = table[:, strip + 1]
        low, high = float(values.min()), max(float(values.max()), float(values.min()) + 1e-9)
        x = margin + (table[:, 0] - first) / (last - first) * (width - 2 * margin)
        y = height * (strip + 1) - margin - (values - low) / (high - low) * (height - 2 * margin)
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill="navy", width=1)
        draw.text((margin, height * strip + 4), f"{name}: {low:.3f} to {high:.3f}", fill="black")
    draw.text((width - 200, 4), f"iterations {first:.0f} to {last:.0f}", fill="black")
    return image


def pace(share: float, constant: float) -> float:
    """The learning rate's factor when `share` of the time is over: 1, then linearly to 0."""
    return min(1.0, max(0.0, (1 - share) / max(1e-9, 1 - constant)))


def train(
    training: Training,
    data: Path,
    out: Path,
    hours: float,
    *,
    sheet_minutes: float = 10.0,
    log_every: int = 20,
    stop: threading.Event | None = None,
) -> None:
    """Trains until `hours` in all, earlier runs into `out` included, or until `stop` is set."""
    out.mkdir(parents=True, exist_ok=True)
    if (out / "checkpoint.pt").exists():
        training.load(out)
    photos = {
        season: Photos(data / "train" / season, season, training.device, seed=training.iteration)
        for season in SEASONS
    }
    total = hours * 3600
    bar = tqdm(
        total=round(total),
        initial=round(training.seconds),
        unit="s",
        mininterval=1 if sys.stderr.isatty() else 60,
    )
    sums, saved, clock = [], training.seconds, time.monotonic()
    while training.seconds < total and not (stop and stop.is_set()):
        size, count = training.settings.crops[
            int(training.random.integers(len(training.settings.crops)))
        ]
        batches = {season: photos[season].batch(size, count) for season in SEASONS}
        losses = training.step(
            {season: crops for season, (crops, _) in batches.items()},
            {season: skies for season, (_, skies) in batches.items()},
            pace(training.seconds / total, training.settings.constant),
        )
        sums.append(losses)
        now = time.monotonic()
        training.seconds, clock = training.seconds + now - clock, now
        if training.iteration % log_every == 0:
            means = torch.stack(sums).mean(0).tolist()  # the only wait for the device
            sums.clear()
            _log(out, training, means)
            bar.n = min(round(training.seconds), round(total))
            bar.set_postfix(iteration=training.iteration, adversarial=f"{means[0]:.2f}")
        if training.seconds - saved > sheet_minutes * 60:
            saved = training.seconds
            _report(training, data, out)
    bar.close()
    _report(training, data, out)


def _log(out: Path, training: Training, means: Sequence[float]) -> None:
    path = out / "losses.csv"
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(("iteration", "seconds", *LOSSES))
        row = [training.iteration, f"{training.seconds:.0f}", *(f"{m:.4f}" for m in means)]
        writer.writerow(row)


def _report(training: Training, data: Path, out: Path) -> None:
    training.save(out)
    sheet(training, data / "test").save(out / f"sheet_{training.iteration:07d}.png")
    if (out / "losses.csv").exists():
        with (out / "losses.csv").open(newline="") as file:
            rows = [
                [float(row["iteration"]), *(float(row[k]) for k in LOSSES)]
                for row in csv.DictReader(file)
            ]
        if rows:
            plot(rows).save(out / "losses.png")


def changed(settings: Settings, changes: Sequence[str]) -> Settings:
    """Settings with NAME=VALUE changes; values are JSON. Raises `ValueError` on unknown names."""
    values: dict[str, Any] = {}
    names = {f.name for f in fields(settings)}
    for change in changes:
        name, _, value = change.partition("=")
        if name not in names:
            raise ValueError(f"{name!r} is none of {', '.join(sorted(names))}")
        values[name] = json.loads(value)
    for part in ("generator", *DIRECTIONS):
        if part in values:
            values[part] = replace(getattr(settings, part), **values[part])
    return replace(settings, **values)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_cyclegan.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--hours", type=float, required=True, help="in all, earlier runs included")
    parser.add_argument("--init", type=Path, help="networks.safetensors to start from")
    parser.add_argument("--vgg", type=Path, default=VGG_WEIGHTS, help="deeper ones judge better")
    parser.add_argument("--preset", choices=PRESETS, default="cpu")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="JSON values")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--sheet-minutes", type=float, default=10.0)
    args = parser.parse_args(arguments)
    if args.threads:
        torch.set_num_threads(args.threads)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings = changed(PRESETS[args.preset], args.set)
    training = Training(settings, torch.device(args.device), args.vgg)
    if args.init and not (args.out / "checkpoint.pt").exists():
        print(f"{training.init(args.init)} tensors taken from {args.init}", file=sys.stderr)
    train(training, args.data, args.out, args.hours, sheet_minutes=args.sheet_minutes, stop=stop)


if __name__ == "__main__":
    main()
