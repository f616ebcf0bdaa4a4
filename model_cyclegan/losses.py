"""What the networks are trained for: scores, cycles, and colours without blotches."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

AdversarialLoss = Literal["hinge", "least_squares"]


def generator_loss(scores: Sequence[Tensor], kind: AdversarialLoss) -> Tensor:
    """How far the judges are from taking translations for photos; sum over the score maps."""
    if kind == "hinge":
        return torch.stack([-score.float().mean() for score in scores]).sum()
    return torch.stack([(score.float() - 1).square().mean() for score in scores]).sum()


def discriminator_loss(
    real: Sequence[Tensor], fake: Sequence[Tensor], kind: AdversarialLoss
) -> Tensor:
    """How badly the judges tell photos (`real`) from translations (`fake`); sum over the maps.

    Least squares (Mao et al., 2017), halved as in CycleGAN, or hinge (Lim and Ye, 2017).
    """
    losses = []
    for photo, translation in zip(real, fake, strict=True):
        r, f = photo.float(), translation.float()
        if kind == "hinge":
            losses.append(F.relu(1 - r).mean() + F.relu(1 + f).mean())
        else:
            losses.append(((r - 1).square().mean() + f.square().mean()) / 2)
    return torch.stack(losses).sum()


def cycle_loss(restored: Tensor, photo: Tensor, colour: float = 1.0, pool: int = 1) -> Tensor:
    """Mean absolute error of a photo that was translated and translated back.

    `colour` below 1 forgives wrong colours but not wrong brightness: which green a snowy meadow
    had cannot be known, and full punishment makes the generator keep traces of the green. Means of
    `pool` x `pool` pixels are compared, so that patterns finer than that may change too.
    """
    error = F.avg_pool2d(restored.float() - photo.float(), pool)
    grey = error.mean(1, keepdim=True)
    return (grey + colour * (error - grey)).abs().mean()


def blotch_loss(translation: Tensor, photo: Tensor) -> Tensor:
    """How much the *change* varies where the photo itself is even.

    A sky or a meadow may change as a whole; a blotch in its middle costs, of colour twice what one
    of brightness does. Compared are neighbouring means of 4x4 and of 16x16 pixels; as in edge-aware
    smoothness of depth (Godard et al., 2017), differences count less at the photo's own edges.
    """
    photo = photo.float()
    change = translation.float() - photo
    change = change - 0.5 * change.mean(1, keepdim=True)
    total = photo.new_zeros(())
    for size in (4, 16):
        even, varied = F.avg_pool2d(photo, size), F.avg_pool2d(change, size)
        for axis in (2, 3):
            edge = even.diff(dim=axis).abs().mean(1)
            step = varied.diff(dim=axis).abs().mean(1)
            total = total + (step * torch.exp(-edge / 0.1)).mean()
    return total


def hue_loss(translation: Tensor, photo: Tensor) -> Tensor:
    """Mean absolute change of what is clearly blue, red, orange, pink, skin or black in the photo.

    People, painted walls, skies and deep shade look like this in every season. Green and yellow,
    dry grass too, and the pale blue of shadows on snow are free to change.
    """
    red, green, blue = (photo.float() + 1).div(2).unbind(1)
    hue = torch.maximum(8 * (red - green - 0.1), 4 * (blue - green - 0.1)).clamp(0, 1)
    # Fair skin is hardly redder than dry grass, but grass has far less blue.
    rosy = 8 * (red - green - 0.04)
    skin = torch.minimum(rosy, 8 * (1.5 * (red - green) - (green - blue))).clamp(0, 1)
    black = (1 - 8 * torch.maximum(torch.maximum(red, blue), green)).clamp(0, 1)
    return _masked_change(
        translation, photo, torch.stack((hue, skin, black), 1).amax(1, keepdim=True)
    )


def sky_loss(translation: Tensor, photo: Tensor, sky: Tensor) -> Tensor:
    """Mean absolute change of the sky, `[N, 1, H, W]`; on it the eye forgives nothing."""
    return _masked_change(translation, photo, sky)


def _masked_change(translation: Tensor, photo: Tensor, mask: Tensor) -> Tensor:
    return (mask * (translation.float() - photo.float()).abs()).mean()


def snow_loss(translation: Tensor, photo: Tensor, ground: Tensor) -> Tensor:
    """How white is what was bright and grey on the ground, `[N, 1, H, W]`, of a winter's photo."""
    photo = photo.float()
    least, most = photo.amin(1, keepdim=True), photo.amax(1, keepdim=True)
    bright = ((least - 0.1) / 0.4).clamp(0, 1)
    grey = (1 - (most - least) / 0.35).clamp(0, 1)
    snow = ground * bright * grey
    white = (translation.float().amin(1, keepdim=True) + 0.1).relu()
    return (snow * white).sum() / (snow.sum() + 0.01 * snow.numel())


def moment_loss(translations: Tensor, earlier: Tensor, photos: Tensor) -> Tensor:
    """How far translations, `[N, D]`, push the squared MMD between `earlier` ones and `photos`.

    The kernel is KID's, `(x·y / D + 1)³` (Bińkowski et al., "Demystifying MMD GANs", 2018), on
    features of deviation 1. Unlike a judge's score it turns round when the translations as a whole
    have gone past the photos: too grey, too white, too green.
    """

    def likeness(others: Tensor) -> Tensor:
        return (translations @ others.T / others.shape[1] + 1).pow(3).mean()

    return 2 * (likeness(earlier) - likeness(photos))


class VggFeatures(nn.Module):
    """Layers of a frozen VGG16 (Simonyan and Zisserman, 2014) as judges' eyes.

    The file holds `convB_I.weight` and `.bias` from conv1_1 on, as far as it goes, for RGB input
    in 0..1. Raises `FileNotFoundError` without it.
    """

    # Layers to judge and a factor that brings their activations to about 1.
    taps: ClassVar = {
        "conv1_2": 0.01,
        "conv2_2": 0.005,
        "conv3_1": 0.005,
        "conv4_3": 0.03,
        "conv5_3": 0.3,
    }

    def __init__(self, weights: Path) -> None:
        super().__init__()
        state = load_file(weights)
        self.convolutions = nn.ModuleDict()
        for name in sorted({key.split(".")[0] for key in state}):
            weight, bias = state[f"{name}.weight"].float(), state[f"{name}.bias"].float()
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
            conv.weight, conv.bias = nn.Parameter(weight), nn.Parameter(bias)
            self.convolutions[name] = conv
        self.requires_grad_(False)
        self.widths = [len(state[f"{tap}.bias"]) for tap in self.taps if f"{tap}.bias" in state]

    def forward(self, image: Tensor) -> list[Tensor]:
        """Layers of `[N, 3, H, W]` RGB in -1..1 after their ReLU, scaled to about 1."""
        x = (image + 1) / 2
        layers = []
        for name, conv in self.convolutions.items():
            if name.endswith("_1") and name != "conv1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu(conv(x))
            if name in self.taps:
                layers.append(x * self.taps[name])
        return layers
