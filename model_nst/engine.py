"""Runs the networks of style transfer: OpenVINO on CPUs, torch on CUDA or when asked for.

Arrays are float32; images `[1, 3, H, W]`, RGB, 0 to 1, sides divisible by 4.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple, Protocol

import numpy as np
import openvino as ov  # type: ignore[import-untyped]
from numpy.typing import NDArray

import settings
from engines import WEIGHTS, Precision, compiled, core, native_precision, uses_torch

Array = NDArray[np.float32]


class Features(NamedTuple):
    """The content features `[1, 128, H/2, W/2]` and the five Gram matrices `[C, C]`."""

    content: Array
    grams: tuple[Array, ...]


class Loss(NamedTuple):
    """Relative squared errors and the whole loss's gradient by the image `[1, 3, H, W]`."""

    content: float
    style: float
    gradient: Array


class Engine(Protocol):
    def features(self, image: Array) -> Features: ...

    def loss(
        self, content: Array, style_weight: float, grams: tuple[Array, ...]
    ) -> Callable[[Array], Loss]:
        """The loss of images with the size of the one that `content` was computed from.

        What the engine holds for this size is freed with the function that is returned.
        """


class OpenVino:
    """The exported networks, compiled for each size: fixed sizes take half the time and memory."""

    def __init__(self, precision: Precision | None = None) -> None:
        self.precision: Precision = precision or native_precision()

    def features(self, image: Array) -> Features:
        request = self._request("nst_features", [image])
        content, *grams = request.infer([image], share_inputs=True).values()
        return Features(content, tuple(grams))

    def loss(
        self, content: Array, style_weight: float, grams: tuple[Array, ...]
    ) -> Callable[[Array], Loss]:
        _, _, height, width = content.shape
        image = np.zeros((1, 3, 2 * height, 2 * width), np.float32)
        inputs = [image, content, np.array(style_weight, np.float32), *grams]
        request = self._request("nst_gradient", inputs)

        def loss(image: Array) -> Loss:
            inputs[0] = image
            content_loss, style_loss, gradient = request.infer(inputs, share_inputs=True).values()
            return Loss(float(content_loss), float(style_loss), gradient)

        return loss

    def _request(self, name: str, inputs: list[Array]) -> ov.InferRequest:
        model = core().read_model(WEIGHTS / f"{name}.xml")
        model.reshape({i: array.shape for i, array in enumerate(inputs)})
        return compiled(model, self.precision).create_infer_request()


@cache
def get_engine(name: settings.Engine = "auto") -> Engine:
    if uses_torch(name):
        from model_nst.torch_engine import Torch  # the bot on a CPU never imports torch

        return Torch()
    return OpenVino()
