"""The networks that turn a photo of one season into the other.

Two forms: the ResNet of the paper, which loads the weights its authors published, and a quick one
that adds a correction to its input. Both map `[N, 3, H, W]` RGB in -1..1 to the same shape and
range; H and W must be multiples of `stride(form)`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class GeneratorForm:
    """What a generator is made of; stored beside its weights.

    `filters` is the width of the first layer. `blocks` are the residual blocks at a quarter of the
    resolution, `context_blocks` (quick form only) those at an eighth. `wide` (quick form only) adds
    a `WideView`. `upsample` (ResNet form only) is "transposed", as in the paper, or "bilinear",
    which leaves no checkerboard.
    """

    kind: Literal["resnet", "quick"] = "quick"
    filters: int = 16
    blocks: int = 6
    context_blocks: int = 4
    wide: bool = False
    upsample: Literal["transposed", "bilinear"] = "bilinear"


PAPER = GeneratorForm("resnet", filters=64, blocks=9, context_blocks=0, upsample="transposed")


def build_generator(form: GeneratorForm) -> nn.Module:
    """An untrained generator of the given form."""
    if form.kind == "resnet":
        return ResnetGenerator(form.filters, form.blocks, form.upsample)
    return QuickGenerator(form.filters, form.blocks, form.context_blocks, form.wide)


def load_generator(file: Path, name: str = "") -> nn.Module:
    """A generator out of a safetensors file that tells its form under "generator", or under
    "generator_NAME" where that of the others is another.

    `name` picks one of several: "average_summer2winter" out of a training's networks, say. Raises
    `FileNotFoundError`, or `ValueError` if the file does not hold that generator.
    """
    prefix = f"{name}." if name else ""
    with safe_open(file, "pt") as tensors:
        facts = tensors.metadata() or {}
        state = {
            key.removeprefix(prefix): tensors.get_tensor(key).float()
            for key in tensors.keys()  # noqa: SIM118 not a dict
            if key.startswith(prefix)
        }
    form = facts.get(f"generator_{name}", facts.get("generator"))
    if form is None or not state:
        raise ValueError(f"no generator {name!r} in {file}")
    generator = build_generator(GeneratorForm(**json.loads(form)))
    generator.load_state_dict(state)
    return generator.eval()


def stride(form: GeneratorForm) -> int:
    """What both sides of a generator's input must be a multiple of, in pixels."""
    if form.kind == "quick" and form.wide:
        return 32
    return 8 if form.kind == "quick" and form.context_blocks else 4


class Bilinear(nn.Module):
    """Doubles both sides."""

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class ResnetBlock(nn.Module):
    """Two 3x3 convolutions whose result is added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.conv_block(x)
        return x + change


class ResnetGenerator(nn.Module):
    """The generator of the paper's appendix; layers are numbered as in the authors' weights."""

    def __init__(
        self,
        filters: int = 64,
        blocks: int = 9,
        upsample: Literal["transposed", "bilinear"] = "transposed",
    ) -> None:
        super().__init__()
        f = filters
        layers: list[nn.Module] = [
            *(nn.ReflectionPad2d(3), nn.Conv2d(3, f, 7)),
            *(nn.InstanceNorm2d(f), nn.ReLU(inplace=True)),
        ]
        for width in (f, 2 * f):
            layers += [
                nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
                *(nn.InstanceNorm2d(2 * width), nn.ReLU(inplace=True)),
            ]
        layers += [ResnetBlock(4 * f) for _ in range(blocks)]
        for width in (4 * f, 2 * f):
            if upsample == "transposed":
                layers.append(
                    nn.ConvTranspose2d(width, width // 2, 3, stride=2, padding=1, output_padding=1)
                )
            else:
                layers += [Bilinear(), nn.Conv2d(width, width // 2, 3, padding=1)]
            layers += [nn.InstanceNorm2d(width // 2), nn.ReLU(inplace=True)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(f, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, 0.0, 0.02)
                nn.init.zeros_(module.get_parameter("bias"))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.model(x)
        return result


def _conv(
    inputs: int, outputs: int, kernel: int, step: int = 1, slope: float = 0.0
) -> nn.Sequential:
    """Convolution and ReLU, with a `slope` below 0; reflected edges leave no frame."""
    conv = nn.Conv2d(inputs, outputs, kernel, step)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.get_parameter("bias"))
    activation = nn.LeakyReLU(slope) if slope else nn.ReLU(inplace=True)
    return nn.Sequential(nn.ReflectionPad2d(kernel // 2), conv, activation)


def _separable(width: int, gain: float) -> list[nn.Module]:
    """A 3x3 convolution at a ninth of the cost: 3x3 sees one channel at a time, 1x1 mixes them."""
    spread = nn.Conv2d(width, width, 3, groups=width, bias=False)
    mix = nn.Conv2d(width, width, 1)
    nn.init.dirac_(spread.weight, groups=width)
    spread.weight.data += 0.2 * torch.randn_like(spread.weight)
    nn.init.normal_(mix.weight, 0.0, gain * (2 / width) ** 0.5)
    nn.init.zeros_(mix.get_parameter("bias"))
    return [nn.ReflectionPad2d(1), spread, mix]


class SeparableBlock(nn.Module):
    """A residual block of separable convolutions, with a small effect at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            *_separable(width, 1.0), nn.ReLU(inplace=True), *_separable(width, 0.2)
        )

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.conv_block(x)
        return x + change


class FrozenFeatures(nn.Module):
    """VGG16 as far as conv3_1: what it learnt from ImageNet tells snow from cloud."""

    widths = (3, 64, 64, 128, 128, 256)
    names = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1")

    def __init__(self) -> None:
        super().__init__()
        for name, inputs, outputs in zip(self.names, self.widths, self.widths[1:], strict=False):
            self.add_module(name, nn.Conv2d(inputs, outputs, 3, padding=1))
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        """`[N, 3, H, W]` in -1..1 to `[N, 256, H/4, W/4]`, about 1."""
        x = (image + 1) / 2
        for name, convolution in self.named_children():
            if name in ("conv2_1", "conv3_1"):
                x = F.max_pool2d(x, 2)
            x = F.relu(convolution(x))
        return x * 0.005


class WideView(nn.Module):
    """What the picture shows as a whole, for each place at a quarter of the resolution.

    Takes VGG16's features beside the generator's own, goes down to a thirty-second, where a place
    knows of all others by their mean, and comes back.
    """

    def __init__(self, width: int, widths: tuple[int, int, int] = (160, 224, 224)) -> None:
        super().__init__()
        self.features = FrozenFeatures()
        self.mix = _conv(width + FrozenFeatures.widths[-1], width, 1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for inputs, outputs, blocks in zip((width, *widths), widths, (2, 3, 3), strict=False):
            deeper = (SeparableBlock(outputs) for _ in range(blocks))
            normed = nn.GroupNorm(8, outputs)  # without it the first steps make it explode
            self.down.append(nn.Sequential(_conv(inputs, outputs, 3, 2), normed, *deeper))
            merge = nn.Conv2d(outputs, inputs, 1)
            nn.init.kaiming_normal_(merge.weight, 0.5, nonlinearity="linear")
            self.up.append(nn.Sequential(SeparableBlock(outputs), merge, Bilinear()))
        self.everywhere = nn.Conv2d(widths[-1], widths[-1], 1)
        self.merge = nn.Sequential(nn.GroupNorm(8, width), nn.Conv2d(width, width, 1))
        for each in self.merge[1].parameters():
            nn.init.zeros_(each)  # so it can be added to a trained network

    def forward(self, image: Tensor, y: Tensor) -> Tensor:
        """Of an image `[N, 3, H, W]` and the features `[N, C, H/4, W/4]`; returns as many."""
        levels = [self.mix(torch.cat((y, self.features(image).to(y.dtype)), 1))]
        for down in self.down:
            levels.append(down(levels[-1]))
        z = levels.pop()
        z = z + F.relu(self.everywhere(z.mean((2, 3), keepdim=True)))
        for up in reversed(self.up):
            z = up(z) + levels.pop()
        result: Tensor = 0.2 * self.merge(z)
        return result


class QuickGenerator(nn.Module):
    """A small encoder and decoder with skips that starts as the identity, near enough.

    Nothing has to be learnt to keep the photo, so a short training goes into the season. Blocks at
    an eighth of the resolution see far enough to tell a sky from snow. Up-sampling is bilinear:
    pixel shuffle and transposed convolutions left a dither in skies. There is no instance norm: it
    invites a generator to set the scale of everything by a few huge values, which show as dark or
    gaudy drops (Karras et al., Analyzing StyleGAN, 2020), and it makes a pixel depend on the size
    of the picture. Without it a tile gives what the whole picture gives.
    """

    def __init__(
        self, filters: int = 16, blocks: int = 6, context_blocks: int = 4, wide: bool = False
    ) -> None:
        super().__init__()
        fine, middle, coarse = filters, 3 * filters, 8 * filters
        self.encode_full = _conv(3, fine, 7)
        self.encode_half = _conv(fine, middle, 3, 2)
        self.encode_quarter = _conv(middle, coarse, 3, 2)
        self.wide = WideView(coarse) if wide else None
        self.blocks = nn.Sequential(*(SeparableBlock(coarse) for _ in range(blocks)))
        self.context: nn.Sequential | None = None
        if context_blocks:
            merge = nn.Conv2d(coarse, coarse, 1, bias=False)
            nn.init.zeros_(merge.weight)  # so it can be added to a trained network
            self.context = nn.Sequential(
                _conv(coarse, coarse, 3, 2),
                *(SeparableBlock(coarse) for _ in range(context_blocks)),
                merge,
                Bilinear(),
            )
        self.up_half = nn.Sequential(nn.Conv2d(coarse, middle, 1), Bilinear())
        slope = 0.1 if wide else 0.0  # a ReLU of these may die, and with it the whole change
        self.mix_half = _conv(middle, middle, 3, slope=slope)
        self.up_full = nn.Sequential(nn.Conv2d(middle, fine, 1), Bilinear())
        self.mix_full = _conv(fine, fine, 3, slope=slope)
        last = nn.Conv2d(fine, 3, 5)
        nn.init.normal_(last.weight, 0.0, 0.01)
        nn.init.zeros_(last.get_parameter("bias"))
        self.change = nn.Sequential(nn.ReflectionPad2d(2), last)

    def forward(self, x: Tensor) -> Tensor:
        full = self.encode_full(x)
        half = self.encode_half(full)
        y = self.encode_quarter(half)
        if self.wide is not None:
            y = y + self.wide(x, y)
        y = self.blocks(y)
        if self.context is not None:
            y = y + self.context(y)
        y = self.mix_half(self.up_half(y) + half)
        y = self.mix_full(self.up_full(y) + full)
        result: Tensor = x + self.change(y).float()
        if self.training:  # a little slope beyond the range, or pixels stuck there never return
            return torch.lerp(result.clamp(-1, 1), result, 0.1)
        return result.clamp(-1, 1)
