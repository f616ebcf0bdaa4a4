"""The recipe of a training of the season generators, and changes to it by the command line."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from model_cyclegan.discriminator import DiscriminatorKind
from model_cyclegan.generator import PAPER, GeneratorForm
from model_cyclegan.losses import AdversarialLoss

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SEASONS = ("summer", "winter")
DIRECTIONS = {"summer2winter": SEASONS, "winter2summer": SEASONS[::-1]}
Options = TypeVar("Options", bound="DataclassInstance")


@dataclass(frozen=True)
class LossWeights:
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
class TrainingOptions:
    """The recipe; the defaults are for a small network on a few CPU cores."""

    generator: GeneratorForm = field(default_factory=GeneratorForm)
    discriminators: tuple[DiscriminatorKind, ...] = ("features", "whole")
    spectral: bool = True  # spectral norm in the patch discriminator, else instance norm
    loss: AdversarialLoss = "hinge"
    summer2winter: LossWeights = field(default_factory=LossWeights)
    # Where snow lay cannot be known from a meadow, and it has to turn green as a whole.
    winter2summer: LossWeights = field(
        default_factory=lambda: LossWeights(
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


PAPER_WEIGHTS = LossWeights(
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
    "cpu": TrainingOptions(),
    "gpu": TrainingOptions(
        generator=GeneratorForm(filters=32),
        discriminators=("features", "whole", "patch"),
        crops=((256, 16),),
        window=224,
        ema=0.999,
    ),
    "paper": TrainingOptions(
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


def changed(options: Options, changes: Sequence[str]) -> Options:
    """Copies options with NAME=VALUE changes; values are JSON.

    Raises `ValueError` on unknown names.
    """
    values: dict[str, Any] = {}
    names = {f.name for f in fields(options)}
    for change in changes:
        name, _, value = change.partition("=")
        if name not in names:
            raise ValueError(f"{name!r} is none of {', '.join(sorted(names))}")
        values[name] = json.loads(value)
    for part in ("generator", *DIRECTIONS):
        if part in values:
            values[part] = replace(getattr(options, part), **values[part])
    return replace(options, **values)
