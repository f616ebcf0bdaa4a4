"""Trains winter to summer on pseudo-pairs: `python -m model_cyclegan.train_pairs --data DIR
--others DIR --networks FILE --vgg FILE --out DIR --hours H`.

FILE of `--networks` is a training's `networks.safetensors`; its averaged summer to winter makes the
winters (`model_cyclegan.pairs`), and its winter to summer is what the new generator begins with. It
learns the way back by a plain loss. A part of each batch are real winters, whose summers nobody
knows: for them a judge and the means of VGG16's features tell what is summer, skies and hues stay,
and what is bright and grey on the ground may not stay white. There is no cycle, which would want to
keep where snow lay.

Into `--out` go, every few minutes, `checkpoint.pt` to go on from, `networks.safetensors` (that of
`--networks` with the new average in it), sheets of test winters and `losses.csv`. SIGTERM saves.
"""

import argparse
import copy
import csv
import json
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from model_cyclegan.discriminator import Discriminator
from model_cyclegan.generator import FrozenFeatures, GeneratorForm, build_generator, load_generator
from model_cyclegan.losses import (
    VggFeatures,
    blotch_loss,
    discriminator_loss,
    generator_loss,
    hue_loss,
    moment_loss,
    sky_loss,
    snow_loss,
)
from model_cyclegan.options import changed
from model_cyclegan.pairs import Pairs, above_ground, without_season
from model_cyclegan.photos import Photos, load_photo, photo_files
from model_cyclegan.train import pace
from model_cyclegan.training import VGG_WEIGHTS, channel_means, follow
from model_nst.training_precision import mixed_precision

DIRECTION = "winter2summer"
LOSSES = (
    *("means", "pixels", "features", "adversarial", "moments"),
    *("blotches", "hues", "skies", "snow"),
)


@dataclass(frozen=True)
class PairOptions:
    """What the losses count, how large a batch is, and how fast it learns."""

    pairs: int = 3
    winters: int = 2  # real ones
    size: int = 256  # pixels; whole photos, or large parts of them
    seen: int = 160  # pixels to which the pictures are made smaller for the judge and the features
    means: float = 8.0  # absolute error of means of 8x8 pixels
    pixels: float = 3.0  # and of 2x2
    features: float = 1.0
    adversarial: float = 0.3
    moments: float = 3.0
    blotches: float = 5.0
    hues: float = 8.0
    skies: float = 25.0
    snow: float = 1.5
    rate: float = 2.5e-4
    judge_rate: float = 6e-4
    warm_up: int = 300  # iterations before the judge and the moments count, then as many to count
    # fully: where they came at once, the last ReLUs died
    constant: float = 0.5  # share of the time before the rate falls to 0
    kept: int = 96  # latest translations of real winters whose means are compared, of summers 8x
    ema: float = 0.998
    clip: float = 3.0


class PairTraining:
    """The generator, its average, the judge of summers, and one iteration of them."""

    def __init__(
        self, options: PairOptions, networks: Path, vgg: Path, init: Path | None = None
    ) -> None:
        self.options = options
        self.form = GeneratorForm(wide=True)
        self.generator = build_generator(self.form)
        known = load_generator(init or networks, f"average_{DIRECTION}").state_dict()
        frozen = load_file(VGG_WEIGHTS)
        for name in FrozenFeatures.names:
            for kind in ("weight", "bias"):
                known[f"wide.features.{name}.{kind}"] = frozen[f"{name}.{kind}"].float()
        self.generator.load_state_dict(known, strict=False)
        self.average = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self.features = VggFeatures(vgg)
        self.judge = Discriminator(("features", "whole"), self.features.widths)
        for network in (self.generator, self.average, self.features, self.judge):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        learning = [each for each in self.generator.parameters() if each.requires_grad]
        self.optimiser = torch.optim.Adam(learning, options.rate, (0.8, 0.999))
        self.judge_optimiser = torch.optim.Adam(
            self.judge.parameters(), options.judge_rate, (0.0, 0.99)
        )
        self.summers, self.made = torch.empty(0), torch.empty(0)  # means of their features
        self.iteration, self.seconds = 0, 0.0

    def step(
        self,
        pair: tuple[Tensor, Tensor],
        real: tuple[Tensor, Tensor],
        summers: Tensor,
        pace: float = 1.0,
    ) -> list[float]:
        """One iteration on winters with their summers, real winters with their skies, and other
        summers for the judge; returns `LOSSES`.
        """
        options, (winters, wanted), (photos, skies) = self.options, pair, real
        for optimiser, rate in (
            (self.optimiser, options.rate),
            (self.judge_optimiser, options.judge_rate),
        ):
            for group in optimiser.param_groups:
                group["lr"] = rate * pace
        count = len(winters)
        both = zip(skies, photos, strict=True)
        ground = torch.stack([1 - above_ground(sky, photo) for sky, photo in both])
        x = torch.cat((winters, photos)).contiguous(memory_format=torch.channels_last)
        with mixed_precision():
            y = self.generator(x)
            layers = self.features(self._seen(y))
            with torch.no_grad():
                right = self.features(self._seen(torch.cat((wanted, summers))))
        error = y[:count] - wanted
        found = {
            "means": F.avg_pool2d(error, 8).abs().mean(),
            "pixels": F.avg_pool2d(error, 2).abs().mean(),
            "features": torch.stack(
                [
                    (a[:count].float() - b[:count].float()).abs().mean()
                    for a, b in zip(layers, right, strict=True)
                ]
            ).mean(),
            "blotches": blotch_loss(y[count:], photos),
            "hues": hue_loss(y[count:], photos),
            "skies": sky_loss(y[count:], photos, skies),
            "snow": snow_loss(y[count:], photos, ground),
        }
        judged = self._seen(y), layers
        if self.iteration >= options.warm_up:
            self.judge.requires_grad_(False)
            with mixed_precision():
                found["adversarial"] = generator_loss(self.judge(*judged), "hinge")
            found["moments"] = self._moments([layer[count:] for layer in layers])
        later = min(1.0, max(0.0, self.iteration / options.warm_up - 1))
        weights = dict.fromkeys(("adversarial", "moments"), later)
        loss = sum(
            getattr(options, name) * weights.get(name, 1.0) * value for name, value in found.items()
        )
        assert isinstance(loss, Tensor)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.optimiser.param_groups[0]["params"], options.clip)
        self.optimiser.step()
        self._teach_judge(judged, (self._seen(summers), [layer[count:] for layer in right]))
        self._keep([layer[count:] for layer in right], [layer[count:] for layer in layers])
        follow(self.average, self.generator, options.ema, self.iteration)
        self.iteration += 1
        return [float(found[name].detach()) if name in found else 0.0 for name in LOSSES]

    def _seen(self, image: Tensor) -> Tensor:
        side = self.options.seen
        return F.interpolate(image, (side, side), mode="bilinear", antialias=True)

    def _teach_judge(
        self, made: tuple[Tensor, list[Tensor]], real: tuple[Tensor, list[Tensor]]
    ) -> None:
        self.judge.requires_grad_(True)
        with mixed_precision():
            photos, translations = (
                self.judge(image.detach(), [layer.detach() for layer in layers])
                for image, layers in (real, made)
            )
            loss = discriminator_loss(photos, translations, "hinge")
        self.judge_optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.judge_optimiser.step()

    def _moments(self, layers: Sequence[Tensor]) -> Tensor:
        if len(self.made) < max(2, self.options.kept // 4):
            return torch.zeros(())
        deviation, mean = torch.std_mean(self.summers, 0)
        rows = [
            (means - mean) / (deviation + 1e-3)
            for means in (channel_means(layers), self.made, self.summers)
        ]
        return moment_loss(rows[0], rows[1], rows[2])

    def _keep(self, summers: Sequence[Tensor], made: Sequence[Tensor]) -> None:
        kept = self.options.kept
        rows = channel_means(summers).detach(), channel_means(made).detach()
        self.summers = torch.cat((self.summers, rows[0]))[-8 * kept :]
        self.made = torch.cat((self.made, rows[1]))[-kept:]

    @torch.inference_mode()
    def translate(self, photo: Tensor) -> Tensor:
        """A `uint8 [3, H, W]` photo by the averaged generator; sides are multiples of 32."""
        x = (photo[None] / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        with mixed_precision():
            y: Tensor = self.average(x)[0]
        return ((y.float() + 1) * 127.5).round().clamp(0, 255).byte()

    def save(self, out: Path, networks: Path) -> None:
        """Writes `checkpoint.pt` and `networks.safetensors`, each whole or not at all."""
        state: dict[str, Any] = {
            "generator": self.generator.state_dict(),
            "average": self.average.state_dict(),
            "judge": self.judge.state_dict(),
            "optimisers": [self.optimiser.state_dict(), self.judge_optimiser.state_dict()],
            "means": [self.summers, self.made],
            "iteration": self.iteration,
            "seconds": self.seconds,
        }
        torch.save(state, out / "checkpoint.tmp")
        (out / "checkpoint.tmp").replace(out / "checkpoint.pt")
        name = f"average_{DIRECTION}"
        small = {k: v for k, v in load_file(networks).items() if not k.startswith(f"{name}.")}
        small |= {f"{name}.{k}": v.half().contiguous() for k, v in state["average"].items()}
        with safe_open(networks, "pt") as tensors:
            facts = tensors.metadata() | {f"generator_{name}": json.dumps(asdict(self.form))}
        save_file(small, out / "networks.tmp", facts)
        (out / "networks.tmp").replace(out / "networks.safetensors")

    def load(self, out: Path) -> None:
        """Goes on from `save`."""
        state = torch.load(out / "checkpoint.pt", weights_only=True)
        self.generator.load_state_dict(state["generator"])
        self.average.load_state_dict(state["average"])
        self.judge.load_state_dict(state["judge"])
        self.optimiser.load_state_dict(state["optimisers"][0])
        self.judge_optimiser.load_state_dict(state["optimisers"][1])
        self.summers, self.made = state["means"]
        self.iteration, self.seconds = state["iteration"], state["seconds"]


def sheet(training: PairTraining, folder: Path, count: int = 20) -> Image.Image:
    """Test winters, each beside its summer."""
    files = photo_files(folder)
    tiles = []
    for path in files[:: max(1, len(files) // count)][:count]:
        photo = load_photo(path)
        short = min(photo.shape[1:])
        square = F.interpolate(photo[None, :, :short, :short].float(), (256, 256), mode="area")[0]
        pixels = square.round().byte()
        tiles.append(torch.cat((pixels, training.translate(pixels)), 2))
    rows = [torch.cat(tiles[i : i + 4], 2) for i in range(0, len(tiles) // 4 * 4, 4)]
    return Image.fromarray(torch.cat(rows, 1).permute(1, 2, 0).numpy())


def train(
    training: PairTraining,
    pairs: Pairs,
    winters: Photos,
    out: Path,
    hours: float,
    tests: Path,
    networks: Path,
    stop: threading.Event,
) -> None:
    """Trains until `hours` in all, earlier runs included, or until `stop` is set."""
    options, total = training.options, hours * 3600
    bar = tqdm(total=round(total), initial=round(training.seconds), unit="s", mininterval=30)
    rows, saved, clock = [], training.seconds, time.monotonic()
    while training.seconds < total and not stop.is_set():
        values = training.step(
            pairs.batch(options.size, options.pairs),
            winters.batch(options.size, options.winters),
            pairs.summers.batch(options.size, options.winters)[0],
            pace(training.seconds / total, options.constant)
            * min(1, (training.iteration + 1) / 200),
        )
        rows.append(values)
        now = time.monotonic()
        training.seconds, clock = training.seconds + now - clock, now
        if training.iteration % 20 == 0:
            means = np.mean(rows, 0)
            rows.clear()
            with (out / "losses.csv").open("a", newline="") as file:
                csv.writer(file).writerow([training.iteration, *(f"{m:.4f}" for m in means)])
            bar.n = round(training.seconds)
            told = zip(LOSSES, means, strict=True)
            bar.set_postfix_str(
                f"{training.iteration} " + " ".join(f"{n} {m:.3f}" for n, m in told)
            )
        if training.seconds - saved > 360 or stop.is_set():
            saved = training.seconds
            training.save(out, networks)
            sheet(training, tests).save(out / f"sheet_{training.iteration:06}.png")
    bar.close()
    training.save(out, networks)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_cyclegan.train_pairs")
    parser.add_argument("--data", type=Path, required=True, help="with train/ and test/")
    parser.add_argument("--others", type=Path, required=True, help="photographs without a season")
    parser.add_argument("--networks", type=Path, required=True)
    parser.add_argument("--vgg", type=Path, required=True, help="from model_cyclegan.vgg16")
    parser.add_argument("--init", type=Path, help="an earlier training's, to begin with")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--hours", type=float, required=True, help="in all, earlier runs included")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="JSON values")
    parser.add_argument("--threads", type=int, help="CPU threads")
    args = parser.parse_args(arguments)
    if args.threads:
        torch.set_num_threads(args.threads)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    training = PairTraining(changed(PairOptions(), args.set), args.networks, args.vgg, args.init)
    args.out.mkdir(parents=True, exist_ok=True)
    if (args.out / "checkpoint.pt").exists():
        training.load(args.out)
    device, seed = torch.device("cpu"), training.iteration
    summers = Photos(args.data / "train" / "summer", "summer", device, seed)
    winters = Photos(args.data / "train" / "winter", "winter", device, seed)
    to_winter = load_generator(args.networks, "average_summer2winter")
    pairs = Pairs(summers, without_season(args.others, 400), to_winter, seed)
    tests = args.data / "test" / "winter"
    train(training, pairs, winters, args.out, args.hours, tests, args.networks, stop)


if __name__ == "__main__":
    main()
