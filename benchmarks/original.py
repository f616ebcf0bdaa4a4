"""The rival: style transfer as the bot that Paintbox follows had it, written anew.

150 px, padded to a square with black, conv1 to conv5 before their ReLU, the gradient by autograd
through weights that are not frozen, torch's L-BFGS with its history of 100 in rounds of 20 until
200 evaluations are passed, style weight 100,000. Some runs end in noise, as steps without a line
search may; to be kind, the best picture of a run counts here, not its last.
"""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torch import Tensor, nn

from model_nst.layers import CHANNELS, CONTENT, POOLED
from weights import WEIGHTS

SIDE = 150  # pixels
STYLE_WEIGHT = 100_000
STEPS = 200
MEAN = torch.tensor((123.68, 116.779, 103.939)) / 255
SCALE = 255 * 0.225  # how much larger these networks' input is than torchvision's


class Vgg16(nn.Module):
    """The same five convolutions as ours; the borders are padded with the mean colour.

    The activations are divided by `SCALE`, to be as large as those of torchvision's weights, for
    which the style weight was chosen.
    """

    def __init__(self) -> None:
        super().__init__()
        weights = load_file(WEIGHTS / "nst_features.safetensors")
        self.kernels = nn.ParameterList(weights[f"{name}.weight"].float() for name in CHANNELS)
        self.biases = nn.ParameterList(weights[f"{name}.bias"].float() / SCALE for name in CHANNELS)
        with torch.no_grad():
            self.kernels[0] /= SCALE
            # Takes back the mean that was folded into the bias.
            self.biases[0] += (self.kernels[0] * MEAN.view(1, 3, 1, 1)).sum((1, 2, 3))

    def forward(self, image: Tensor) -> list[Tensor]:
        x = image - MEAN.view(1, 3, 1, 1)
        taps: list[Tensor] = []
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            if i - 1 in POOLED:
                x = F.max_pool2d(x, 2)
            taps.append(F.conv2d(x, kernel, bias, padding=1))
            x = F.relu(taps[-1])
        return taps


def gram_matrix(features: Tensor) -> Tensor:
    f = features.flatten(2)[0]
    return f @ f.T / f.numel()


def squared(image: Image.Image) -> Tensor:
    small = ImageOps.contain(image, (SIDE, SIDE))
    pixels = np.asarray(ImageOps.pad(small, (SIDE, SIDE), color="black"), np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()


def paint(content: Image.Image, style: Image.Image) -> Image.Image:
    """The painting without the black borders, 150 px at its long side."""
    network = Vgg16()
    x = squared(content)
    with torch.no_grad():
        wanted = network(x)[CONTENT]
        targets = [gram_matrix(tap) for tap in network(squared(style))]
    x.requires_grad_()
    optimiser = torch.optim.LBFGS([x])
    evaluations, lowest, best = 0, float("inf"), x.detach().clone()

    def closure() -> Tensor:
        nonlocal evaluations, lowest, best
        evaluations += 1
        with torch.no_grad():
            x.clamp_(0, 1)
        optimiser.zero_grad()
        taps = network(x)
        style_losses = [
            F.mse_loss(gram_matrix(tap), target) for tap, target in zip(taps, targets, strict=True)
        ]
        loss = F.mse_loss(taps[CONTENT], wanted) + STYLE_WEIGHT * torch.stack(style_losses).sum()
        if loss.item() < lowest:
            lowest, best = loss.item(), x.detach().clone()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    while evaluations <= STEPS:
        optimiser.step(closure)  # type: ignore[no-untyped-call]
    pixels = (best[0].permute(1, 2, 0) * 255 + 0.5).to(torch.uint8)
    square = Image.fromarray(pixels.numpy())
    width, height = ImageOps.contain(content, (SIDE, SIDE)).size
    left, top = (SIDE - width) // 2, (SIDE - height) // 2
    return square.crop((left, top, left + width, top + height))
