"""Runs mediapipe's networks, loaded on their first use: OpenVINO, in float32, also beside torch."""

import threading
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engines import core
from inference import ov
from weights import checked

Array = NDArray[np.float32]
Name = Literal["face_detector", "face_landmarks", "persons"]

HINTS = {
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_PRECISION_HINT": "f32",  # points must be exact
    # A second one saves .4 of 2.2 ms, and on a busy machine both only wait for one another.
    "INFERENCE_NUM_THREADS": 1,
}

_lock = threading.Lock()
_loaded: dict[Name, ov.InferRequest] = {}


def run(name: Name, picture: NDArray[np.uint8]) -> list[Array]:
    """What the network says of a picture `[S, S, 3]`, RGB; may be called from several threads."""
    with _lock:
        outputs = _load(name).infer([picture[None]])
        return [np.array(output) for output in outputs.values()]


def unload(*names: Name) -> None:
    """Gives back some 10 MB for each, 20 for the persons'; the next use takes .1 s more."""
    with _lock:
        for name in names:
            _loaded.pop(name, None)


def _load(name: Name) -> ov.InferRequest:
    if name not in _loaded:
        model = core().read_model(checked(f"{name}.xml", f"{name}.bin"))
        _loaded[name] = core().compile_model(model, "CPU", HINTS).create_infer_request()
    return _loaded[name]
