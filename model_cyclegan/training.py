"""Both generators and both judges, and one iteration of their training."""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from model_cyclegan.discriminator import Discriminator
from model_cyclegan.generator import build_generator
from model_cyclegan.losses import (
    VggFeatures,
    blotch_loss,
    cycle_loss,
    discriminator_loss,
    generator_loss,
    hue_loss,
    moment_loss,
    sky_loss,
)
from model_cyclegan.options import DIRECTIONS, SEASONS, LossWeights, TrainingOptions
from model_nst.training_precision import mixed_precision
from weights import WEIGHTS

View = Literal["whole", "window"]
VGG_WEIGHTS = WEIGHTS / "nst_features.safetensors"
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
        self, options: TrainingOptions, device: torch.device, vgg: Path = VGG_WEIGHTS
    ) -> None:
        self.options = options
        self.device = device
        self.features = VggFeatures(vgg) if "features" in options.discriminators else None
        widths = self.features.widths if self.features else ()
        self.networks = nn.ModuleDict()
        for name, (_, target) in DIRECTIONS.items():
            self.networks[name] = build_generator(options.generator)
            self.networks[f"average_{name}"] = copy.deepcopy(self.networks[name])
            self.networks[f"judge_{target}"] = Discriminator(
                options.discriminators, widths, options.spectral
            )
            self.networks[f"average_{name}"].requires_grad_(False).eval()
        self._move(self.networks)
        if self.features is not None:
            self._move(self.features)
        self.generators = nn.ModuleList(self.networks[name] for name in DIRECTIONS)
        self.judges = nn.ModuleList(self.networks[f"judge_{t}"] for _, t in DIRECTIONS.values())
        self.optimisers = (
            torch.optim.Adam(self.generators.parameters(), options.rate, options.betas),
            torch.optim.Adam(
                self.judges.parameters(), options.discriminator_rate, options.discriminator_betas
            ),
        )
        self.pools = {name: ImagePool(options.pool, seed=i) for i, name in enumerate(DIRECTIONS)}
        # Means of features over the latest photos and translations of a season, in one view.
        self.means: dict[tuple[str, str, View], Tensor] = {}
        self.random = np.random.default_rng()
        self.iteration = 0
        self.seconds = 0.0  # of training so far, over all runs

    def _move(self, module: nn.Module) -> None:
        module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _autocast(self) -> torch.autocast:
        return mixed_precision(self.device.type)

    def _look(self, image: Tensor) -> tuple[list[Tensor], View]:
        """Feature layers of an image, or of a window of it, and which of the two."""
        side, window = image.shape[-1], self.options.window
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
            kept = self.options.moments * (8 if kind == "photos" else 1)
            self.means[key] = torch.cat(rows)[-kept:]

    def _moment_loss(self, target: str, view: View, layers: Sequence[Tensor]) -> Tensor:
        """`moment_loss` of translations with these layers; 0 until enough was seen."""
        keys = [(target, "translations", view), *((season, "photos", view) for season in SEASONS)]
        seen = {key: self.means[key] for key in keys if key in self.means}
        if len(seen) < len(keys) or min(map(len, seen.values())) < self.options.moments // 4:
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
        rates = self.options.rate, self.options.discriminator_rate
        for optimiser, rate in zip(self.optimisers, rates, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * pace
        photos = {k: v.to(memory_format=torch.channels_last) for k, v in photos.items()}
        found, translations = self._generators_step(photos, skies)
        judged = self._judges_step(photos, translations)
        for name in DIRECTIONS:
            average, network = self.networks[f"average_{name}"], self.networks[name]
            follow(average, network, self.options.ema, self.iteration)
        self.iteration += 1
        sums = [torch.stack([found[name][k] for name in DIRECTIONS]).sum() for k in LOSSES[:-1]]
        return torch.stack((*sums, judged)).detach()

    def _generators_step(
        self, photos: Mapping[str, Tensor], skies: Mapping[str, Tensor]
    ) -> tuple[dict[str, dict[str, Tensor]], dict[str, Tensor]]:
        """The generators learn to fool the judges, to be undone by each other, and to leave their
        own season alone; returns the losses and the translations of each direction.
        """
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
                weights: LossWeights = getattr(self.options, name)
                restored = self.networks[back](translations[name])
                found[name]["cycle"] = cycle_loss(
                    restored, photos[source], weights.cycle_colour, weights.cycle_pool
                )
                layers, view = self._look(translations[name])
                scores = self.networks[f"judge_{target}"](translations[name], layers)
                found[name]["adversarial"] = generator_loss(scores, self.options.loss)
                found[name]["moments"] = self._moment_loss(target, view, layers)
                for kind, value in found[name].items():
                    loss = loss + getattr(weights, kind) * value
        self._descend(0, loss, self.options.clip)
        return found, translations

    def _judges_step(
        self, photos: Mapping[str, Tensor], translations: Mapping[str, Tensor]
    ) -> Tensor:
        """The judges learn to tell photos from translations; returns their loss."""
        self.judges.requires_grad_(True)
        judged = torch.zeros((), device=self.device)
        with self._autocast():
            for name, (_, target) in DIRECTIONS.items():
                fake = translations[name].detach()
                if self.options.pool:
                    fake = self.pools[name].exchange(fake)
                scores = []
                for kind, image in (("photos", photos[target]), ("translations", fake)):
                    layers, view = self._look(image)
                    self._keep(target, kind, view, layers)
                    scores.append(self.networks[f"judge_{target}"](image, layers))
                judged = judged + discriminator_loss(scores[0], scores[1], self.options.loss)
        self._descend(1, judged, float("inf"))
        return judged

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
            "generator": json.dumps(asdict(self.options.generator)),
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
