"""Leads trained generators on to the photographs' features: `python -m model_cyclegan.refine FILE
--data DIR --out FILE --minutes M`.

FILE is a training's `networks.safetensors`. Its averaged generators learn on, without judges and
cycles and so several times as fast: the means of VGG16's features over their translations go to
those over all photographs of the season (`moment_loss`), while each translation stays near what the
generator made of the photo before. Everything else in the file is handed on as it is.
"""

import argparse
import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from model_cyclegan.generator import load_generator
from model_cyclegan.losses import VggFeatures, blotch_loss, hue_loss, moment_loss, sky_loss
from model_cyclegan.options import DIRECTIONS, SEASONS, changed
from model_cyclegan.photos import Photos
from model_cyclegan.train import pace
from model_cyclegan.training import channel_means, follow
from model_nst.training_precision import mixed_precision


@dataclass(frozen=True)
class RefiningOptions:
    """What the losses count, and how fast and how long it learns by them."""

    moments: float = 30.0
    near: float = 3.0  # to the earlier translation, as means of 4x4 pixels
    hues: float = 10.0
    skies: float = 20.0
    blotches: float = 7.0
    rate: float = 2e-5  # of Adam; several times as much and the means swing about their goal
    side: int = 256  # pixels of a crop
    batch: int = 4
    photos: int = 896  # crops of each season whose features are compared
    translations: int = 64  # the latest, against which the next are held
    ema: float = 0.99


class Refining:
    """One direction's generator, what it was before, its average and its optimiser.

    `features` are VGG16's, on the device of the generator and the photos.
    """

    def __init__(
        self,
        generator: nn.Module,
        direction: str,
        photos: Mapping[str, Photos],
        features: VggFeatures,
        options: RefiningOptions,
    ) -> None:
        self.options, self.features, self.photos = options, features, photos
        self.source, self.target = DIRECTIONS[direction]
        self.generator = generator
        self.before = copy.deepcopy(generator).requires_grad_(False)
        self.average = copy.deepcopy(self.before)
        self.optimiser = torch.optim.Adam(generator.parameters(), options.rate, (0.8, 0.99))
        self.iteration = 0
        s = options
        with torch.no_grad():
            seen = {
                season: torch.cat(
                    [self._means(self._draw(season)[0]) for _ in range(s.photos // s.batch)]
                )
                for season in SEASONS
            }
            self.deviation, self.mean = torch.std_mean(torch.cat([*seen.values()]), 0)
            self.goal = self._scaled(seen[self.target])
            drawn = [self._draw(self.source)[0] for _ in range(s.translations // s.batch)]
            self.latest = torch.cat([self._scaled(self._means(self._run(x))) for x in drawn])

    def _draw(self, season: str) -> tuple[Tensor, Tensor]:
        photos, skies = self.photos[season].batch(self.options.side, self.options.batch)
        return photos.contiguous(memory_format=torch.channels_last), skies

    def _run(self, photos: Tensor) -> Tensor:
        with mixed_precision(photos.device.type):
            result: Tensor = self.generator(photos)
        return result

    def _means(self, images: Tensor) -> Tensor:
        with mixed_precision(images.device.type):
            layers = self.features(images)
        return channel_means(layers)

    def _scaled(self, means: Tensor) -> Tensor:
        return (means - self.mean) / (self.deviation + 1e-3)

    def step(self, pace: float = 1.0) -> tuple[float, float]:
        """One iteration; the loss of the moments and that of nearness, unweighted."""
        s = self.options
        for group in self.optimiser.param_groups:
            group["lr"] = s.rate * pace
        photos, skies = self._draw(self.source)
        translations = self._run(photos)
        with torch.no_grad(), mixed_precision(photos.device.type):
            before = self.before(photos)
        means = self._scaled(self._means(translations))
        moments = moment_loss(means, self.latest, self.goal)
        near = F.avg_pool2d(translations.float() - before.float(), 4).abs().mean()
        loss = (
            s.moments * moments
            + s.near * near
            + s.hues * hue_loss(translations, photos)
            + s.skies * sky_loss(translations, photos, skies)
            + s.blotches * blotch_loss(translations, photos)
        )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.generator.parameters(), 100.0)
        self.optimiser.step()
        self.latest = torch.cat((self.latest, means.detach()))[-s.translations :]
        follow(self.average, self.generator, s.ema, self.iteration)
        self.iteration += 1
        return moments.item(), near.item()


def refine(refining: Refining, minutes: float) -> nn.Module:
    """The averaged generator after so many minutes, the second half of them ever more slowly."""
    bar = tqdm(total=round(minutes * 60), unit="s", desc=refining.target)
    start = time.monotonic()
    while (seconds := time.monotonic() - start) < minutes * 60:
        moments, near = refining.step(pace(seconds / (minutes * 60), 0.5))
        bar.n = round(seconds)
        bar.set_postfix(iteration=refining.iteration, moments=f"{moments:.3f}", near=f"{near:.3f}")
    bar.close()
    return refining.average


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_cyclegan.refine", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vgg", type=Path, required=True, help="from model_cyclegan.vgg16")
    parser.add_argument("--minutes", type=float, required=True, help="for each direction")
    parser.add_argument("--directions", nargs="+", choices=DIRECTIONS, default=[*DIRECTIONS])
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="JSON values")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args(arguments)
    options = changed(RefiningOptions(), args.set)
    state = load_file(args.file)
    with safe_open(args.file, "pt") as tensors:
        facts = tensors.metadata()
    features = VggFeatures(args.vgg).to(args.device)
    device = torch.device(args.device)
    photos = {s: Photos(args.data / "train" / s, s, device, seed=time.time_ns()) for s in SEASONS}
    # With the training's preference for what shows its season, KID rose.
    for season in photos.values():
        season.odds = np.full(len(season.odds), 1 / len(season.odds))
    for direction in args.directions:
        name = f"average_{direction}"
        generator = load_generator(args.file, name).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        refining = Refining(generator, direction, photos, features, options)
        average = refine(refining, args.minutes)
        state |= {f"{name}.{k}": v.half().contiguous() for k, v in average.state_dict().items()}
    save_file(state, args.out, facts)


if __name__ == "__main__":
    main()
