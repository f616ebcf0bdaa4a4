"""The torch engine: CUDA where there is a GPU, else the CPU."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from safetensors.torch import load_file

from model_nst.images import Array, Features, Half, unpacked
from model_nst.layers import CONTENT, PIXELS
from model_nst.losses import Grams, Guidance, Loss, counts_of, goal_of
from model_nst.network import StyleNetwork
from weights import checked


class Torch:
    """A `StyleEngine`; runs the module itself, with the exported network's weights, on whole images
    in float32.
    """

    is_slow = False

    def __init__(self) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = StyleNetwork().to(self.device)
        weights = load_file(checked("nst_features.safetensors"), device=str(self.device))
        self.network.load_state_dict(weights)

    def within(
        self, megabytes: float, pixels: int, regions: int = 1, *, as_whole: bool = False
    ) -> "Torch":
        return self

    def content(self, image: Array) -> Half:
        features = self.network.activations(self._tensor(image))[CONTENT]
        return features.half().cpu().numpy()

    def grams(self, image: Array, style_map: Array | None = None) -> Grams:
        x = self._tensor(image)
        counted = torch.ones_like(x[:, :1]) if style_map is None else self._tensor(style_map)
        taps = self.network.activations(x)
        sums = self.network.gram_sums(taps, counted)
        counts = counts_of(counted.cpu().numpy())
        return tuple(
            (total / count).cpu().numpy() for total, count in zip(sums, counts, strict=True)
        )

    @contextmanager
    def loss(
        self,
        content: Features,
        style_weight: float,
        grams: Sequence[Grams],
        guidance: Guidance | None = None,
    ) -> Iterator[Callable[[Array], Loss]]:
        goal = goal_of(content, style_weight, grams, guidance)
        height, width = (2 * side for side in content.shape[2:])
        everywhere = np.ones((1, 1, height, width), np.float32)
        inputs = [everywhere, unpacked(content), goal.content_weight]
        for region in goal.regions:
            style_map = everywhere if region.style_map is None else region.style_map
            inputs += [style_map, region.gram_weights, *region.targets]
        fixed = [self._tensor(array) for array in inputs]

        def loss(image: Array) -> Loss:
            _, error, gradient, *parts = self.network(self._tensor(image), *fixed)
            size = 2 * len(PIXELS)  # a region's sums, then what the network needs for itself
            sums = [
                tuple(total.cpu().numpy() for total in parts[first : first + len(PIXELS)])
                for first in range(0, len(parts), size)
            ]
            return goal.loss(error.item(), sums, gradient.cpu().numpy())

        yield loss

    def _tensor(self, array: Array | Half) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)
