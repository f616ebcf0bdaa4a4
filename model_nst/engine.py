"""What runs the network of style transfer: OpenVINO on CPUs, torch on CUDA or when asked for."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Protocol

from engines import one_at_a_time, uses_torch
from model_nst.images import Array, Features
from model_nst.losses import Grams, Guidance, Loss
from settings import EngineName


class StyleEngine(Protocol):
    """Evaluates the network. Images are float32 `[1, 3, H, W]`, RGB, 0 to 1, sides divisible by 4.

    One engine serves several threads at once.
    """

    is_slow: bool  # calculates on a CPU in single precision: a step takes three times as long

    def within(
        self, megabytes: float, pixels: int, regions: int = 1, *, as_whole: bool = False
    ) -> "StyleEngine | None":
        """The same for a painting of so many pixels and of one region or two; None if they need
        more memory, be it in tiles or, if so asked, as a whole.
        """

    def content(self, image: Array) -> Features:
        """The features `[1, 128, H/2, W/2]` by which content is compared."""

    def grams(self, image: Array, style_map: Array | None = None) -> Grams:
        """The mean of f fᵀ, `[C, C]`, for each layer of style: over all pixels, or as a map
        `[1, 1, H, W]` counts them.
        """

    def loss(
        self,
        content: Features,
        style_weight: float,
        grams: Sequence[Grams],
        guidance: Guidance | None = None,
    ) -> AbstractContextManager[Callable[[Array], Loss]]:
        """Gives the loss, as `losses` defines it, of images of the size that `content` is of.

        `grams` are those of each region of the guidance, one or two, or of all the image.

        What the engine holds for this size is freed at the end of the context.
        """


@one_at_a_time
def get_engine(name: EngineName = "auto") -> StyleEngine:
    """The engine of this process; loaded once, whichever thread asks first.

    Raises `OSError` or `ValueError` for weights that are missing or changed.
    """
    return _loaded(uses_torch(name))


@cache
def _loaded(on_torch: bool) -> StyleEngine:
    if on_torch:
        from model_nst.torch_engine import Torch  # the bot on a CPU never imports torch

        return Torch()
    from model_nst.openvino_engine import OpenVino

    return OpenVino()
