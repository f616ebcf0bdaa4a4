"""The quick network: paints in one pass, with one set of convolutions for all styles.

After Johnson, Alahi and Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and
Super-Resolution" (2016). A style is the scale and the shift after each instance norm, as in
Dumoulin, Shlens and Kudlur, "A Learned Representation for Artistic Style" (2017).
"""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

from model_nst.quick_layers import COARSE_BLOCKS, FINE_BLOCKS, WIDTHS


class Norm(nn.Module):
    """Instance norm, then the scale and the shift of a style."""

    def __init__(self, channels: int, styles: int, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((styles, channels), scale))
        self.shift = nn.Parameter(torch.zeros(styles, channels))

    def forward(self, x: Tensor, shares: Tensor) -> Tensor:
        """`shares` `[N, S]` of the styles in what each image gets."""
        scale, shift = (shares @ each for each in (self.scale, self.shift))
        return F.instance_norm(x) * scale[:, :, None, None] + shift[:, :, None, None]


NormOf = Callable[[Norm, Tensor], Tensor]


class Layer(nn.Module):
    """A convolution and its norm. Edges are reflected, so that no frame is seen."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, step: int, styles: int, scale: float = 1.0
    ) -> None:
        super().__init__()
        self.conv = _convolution(inputs, outputs, kernel, step)
        self.norm = Norm(outputs, styles, scale)
        self.margins = (kernel // 2,) * 4

    def forward(self, x: Tensor, norm: NormOf) -> Tensor:
        return norm(self.norm, self.conv(F.pad(x, self.margins, mode="reflect")))


class Block(nn.Module):
    """Two layers whose result is added to their input; a small change at first."""

    def __init__(self, width: int, styles: int) -> None:
        super().__init__()
        self.first = Layer(width, width, 3, 1, styles)
        self.second = Layer(width, width, 3, 1, styles, scale=0.3)

    def forward(self, x: Tensor, norm: NormOf) -> Tensor:
        change: Tensor = self.second(F.relu(self.first(x, norm)), norm)
        return x + change


class Rise(nn.Module):
    """Doubles both sides. Its channels become fewer before that, which makes it cheap."""

    def __init__(self, inputs: int, outputs: int, styles: int) -> None:
        super().__init__()
        self.narrow = _convolution(inputs, outputs, 1, 1)
        self.mix = Layer(outputs, outputs, 3, 1, styles)

    def forward(self, x: Tensor, skip: Tensor | None, norm: NormOf) -> Tensor:
        x = F.interpolate(self.narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        return F.relu(self.mix(x if skip is None else x + skip, norm))


class QuickNetwork(nn.Module):
    """An encoder and a decoder with skips at a quarter and at a half of the size.

    Large strokes are made at an eighth, where a convolution sees far for little work. Takes images
    `[N, 3, H, W]`, RGB, 0 to 1, with sides that are multiples of `STRIDE`, and gives the same.
    """

    def __init__(self, styles: int) -> None:
        super().__init__()
        full, half, quarter, eighth = WIDTHS
        self.stem = Layer(3, full, 5, 1, styles)
        self.down = nn.ModuleList(Layer(a, b, 3, 2, styles) for a, b in pairwise(WIDTHS))
        self.coarse = nn.ModuleList(Block(eighth, styles) for _ in range(COARSE_BLOCKS))
        self.to_quarter = Rise(eighth, quarter, styles)
        self.fine = nn.ModuleList(Block(quarter, styles) for _ in range(FINE_BLOCKS))
        self.to_half = Rise(quarter, half, styles)
        self.to_full = Rise(half, full, styles)
        self.last = nn.Conv2d(full, 3, 5)

    def forward(self, image: Tensor, shares: Tensor) -> Tensor:
        """`shares` `[N, S]` of the styles in what each image gets; they sum to 1."""
        return self.paint(image, lambda norm, x: norm(x, shares))

    def norms(self) -> list[Norm]:
        return [module for module in self.modules() if isinstance(module, Norm)]

    def paint(self, image: Tensor, norm: NormOf) -> Tensor:
        """The picture, with `norm` called at each normalisation, always in the same order."""
        x = F.relu(self.stem(image, norm))
        skips: list[Tensor] = []
        for layer in self.down:
            x = F.relu(layer(x, norm))
            skips.append(x)
        for block in self.coarse:
            x = block(x, norm)
        x = self.to_quarter(x, skips[1], norm)
        for block in self.fine:
            x = block(x, norm)
        x = self.to_half(x, skips[0], norm)
        x = self.to_full(x, None, norm)
        return torch.sigmoid(self.last(F.pad(x, (2, 2, 2, 2), mode="reflect")).float())


def _convolution(inputs: int, outputs: int, kernel: int, step: int) -> nn.Conv2d:
    """Without a bias, which the norm after it would take away again."""
    conv = nn.Conv2d(inputs, outputs, kernel, step, bias=False)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return conv


def read_weights(file: Path) -> tuple[list[str], dict[str, Tensor]]:
    """The styles' names and the float32 tensors of a `quick.safetensors`."""
    with safe_open(file, "pt") as tensors:
        styles = tensors.metadata()["styles"].split()
        return styles, {key: tensors.get_tensor(key).float() for key in tensors.keys()}  # noqa: SIM118
