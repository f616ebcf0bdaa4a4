"""Runs the networks of style transfer: OpenVINO on CPUs, torch on CUDA or when asked for.

Arrays are float32; images `[1, 3, H, W]`, RGB, 0 to 1, sides divisible by 4.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Literal, NamedTuple, Protocol

import numpy as np
import openvino as ov  # type: ignore[import-untyped]
from numpy.typing import NDArray

from settings import ROOT

Array = NDArray[np.float32]
WEIGHTS = ROOT / "models_wts"


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

    def __init__(self) -> None:
        self.core = ov.Core()
        # bf16 only where the processor has it: elsewhere it is slower, or fails.
        native = self.core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.config = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if "BF16" in native else "f32",
        }

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
        model = self.core.read_model(WEIGHTS / f"{name}.xml")
        model.reshape({i: array.shape for i, array in enumerate(inputs)})
        return self.core.compile_model(model, "CPU", self.config).create_infer_request()


@cache
def get_engine(name: Literal["auto", "openvino", "torch"] = "auto") -> Engine:
    if name == "torch" or (name == "auto" and has_cuda()):
        from model_nst.torch_engine import Torch  # the bot on a CPU never imports torch

        return Torch()
    return OpenVino()


def has_cuda() -> bool:
    """Whether torch is installed and there is a GPU for it, found out without importing torch."""
    if find_spec("torch") is None:
        return False
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int()
    found = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    return bool(found and count.value > 0)
