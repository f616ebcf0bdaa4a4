"""Changes the season of a photo: OpenVINO on CPUs, torch on CUDA or when asked for.

The authors' weights are used where `model_cyclegan.convert` put them into `models_wts/` under their
own names, `summer2winter_yosemite` and `winter2summer_yosemite`; else ours.
"""

import threading
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engines import compiled, core, native_precision, one_at_a_time, uses_torch
from inference import ov
from settings import EngineName
from weights import WEIGHTS, checked
from wishes import Direction

Array = NDArray[np.float32]
# Long sides in pixels at which the generators look: what is snow and what is cloud shows in the
# whole picture, at a size like that of the photographs they were trained on.
VIEWS: dict[Direction, int] = {"summer2winter": 384, "winter2summer": 256}
MULTIPLE = 32  # pixels; the sides of a generator's input are multiples of it
NARROWEST = 64  # pixels; of less, nothing is left in the network that could be mirrored


def translate(photo: Image.Image, direction: Direction, engine: EngineName = "auto") -> Image.Image:
    """Shows an RGB photo as if taken half a year later, at its own size."""
    width, height = photo.size
    margins = [(0, max(NARROWEST - side, -side % MULTIPLE)) for side in (height, width)]
    margins.append((0, 0))
    pixels = np.pad(np.asarray(photo, np.float32) / np.float32(255), margins, "symmetric")
    image = np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]
    changed = load_season(direction, engine)(image)[0, :, :height, :width]
    return Image.fromarray((changed.transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8))


@one_at_a_time
def load_season(direction: Direction, engine: EngineName = "auto") -> Callable[[Array], Array]:
    """The generator of a direction, from `[1, 3, H, W]` to the same, RGB, 0 to 1.

    It is loaded once, whichever thread asks first, until `unload_seasons`; several threads may call
    it. Height and width are multiples of `MULTIPLE`, and `NARROWEST` or more. One that raised is
    loaded anew for the next image. Raises `OSError` or `ValueError` for weights that are missing or
    changed.
    """
    return _loaded(direction, uses_torch(engine))


def unload_seasons() -> None:
    """Gives back the memory of the generators, 37 MB; loading one anew takes 0.3 s."""
    _loaded.cache_clear()


@cache
def _loaded(direction: Direction, on_torch: bool) -> Callable[[Array], Array]:
    if on_torch:
        from model_cyclegan.torch_season import load  # the bot on a CPU never imports torch

        return load(direction)
    return _on_openvino(direction)


def _on_openvino(direction: Direction) -> Callable[[Array], Array]:
    network: ov.CompiledModel | None = _network(direction)
    lock = threading.Lock()  # one photo takes all cores in any case

    def run(image: Array) -> Array:
        nonlocal network
        with lock:
            lent, network = _network(direction) if network is None else network, None
            result: Array = lent.create_infer_request().infer([image], share_inputs=True)[0]
            lent.release_memory()  # 55 MB at 512 px, which a painting may need next
            network = lent  # one that raised is not used again: it may keep its buffers
        return result

    return run


def _network(direction: Direction) -> ov.CompiledModel:
    official = WEIGHTS / f"{direction}_yosemite.xml"
    shipped = f"{direction}.xml", f"{direction}.bin"
    model = core().read_model(official if official.exists() else checked(*shipped))
    return compiled(model, native_precision())
