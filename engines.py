"""What runs the networks: torch on CUDA or when asked for, OpenVINO on all other machines."""

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from functools import cache, wraps
from importlib.util import find_spec
from typing import Literal, ParamSpec, TypeVar

from inference import ov
from memory import give_back_freed_memory, processors
from settings import EngineName

Precision = Literal["bf16", "f32"]
forced: Precision | None = None  # by benchmarks: as on a processor without bf16
P = ParamSpec("P")
T = TypeVar("T")


def one_at_a_time(load: Callable[P, T]) -> Callable[P, T]:
    """Decorator: a thread that calls `load` waits while another one is in it.

    Around `functools.cache`, which does not lock, so that what two threads ask for at once is
    loaded once.
    """
    lock = threading.RLock()

    @wraps(load)
    def locked(*args: P.args, **kwargs: P.kwargs) -> T:
        with lock:
            return load(*args, **kwargs)

    return locked


def uses_torch(engine: EngineName) -> bool:
    """Whether this engine is torch here; "auto" is wherever there is a GPU for it."""
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


@one_at_a_time
@cache
def core() -> ov.Core:
    """OpenVINO in this process, made to hold no more memory than it must."""
    give_back_freed_memory()
    # oneDNN else keeps the code of networks that are gone, 25 MB after a painting.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "0")
    return ov.Core()


def native_precision() -> Precision:
    """bf16 where the processor has it, else f32: forced without, bf16 is slower, or fails."""
    if forced:
        return forced
    native = core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in native else "f32"


def compiled(model: ov.Model, precision: Precision, **more: str) -> ov.CompiledModel:
    """Compiles a network for this CPU, to answer one request quickly; `more` are OpenVINO's names
    of its properties.
    """
    hints = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        # OpenVINO counts the cores; more threads than the cgroup's quota only halt one another.
        "INFERENCE_NUM_THREADS": processors(),
        **more,
    }
    return core().compile_model(model, "CPU", hints)
