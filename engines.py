"""What runs the networks: torch on CUDA or when asked for, OpenVINO on all other machines."""

import ctypes
import os
import sys
from functools import cache
from importlib.util import find_spec
from typing import Literal

import openvino as ov  # type: ignore[import-untyped]

from memory import give_back_freed_memory, processors
from settings import ROOT, Engine

Precision = Literal["bf16", "f32"]
WEIGHTS = ROOT / "models_wts"


def uses_torch(engine: Engine) -> bool:
    return engine == "torch" or (engine == "auto" and has_cuda())


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


@cache
def core() -> ov.Core:
    give_back_freed_memory()
    # oneDNN else keeps the code of networks that are gone, 25 MB after a painting.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "0")
    return ov.Core()


def native_precision() -> Precision:
    """bf16 only where the processor has it: elsewhere it is slower, or fails."""
    native = core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in native else "f32"


def compiled(model: ov.Model, precision: Precision) -> ov.CompiledModel:
    """The network for this CPU, made to answer one request quickly."""
    hints = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        # OpenVINO counts the cores; more threads than the cgroup's quota only halt one another.
        "INFERENCE_NUM_THREADS": processors(),
    }
    return core().compile_model(model, "CPU", hints)
