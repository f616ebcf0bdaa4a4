"""The torch engine: CUDA where there is a GPU, else the CPU."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from safetensors.torch import load_file

from model_nst.images import Array, Features, Half, unpacked
from model_nst.layers import CONTENT, PIXELS
from model_nst.losses import Grams, Guidance, Loss, goal_of
from model_nst.network import StyleNetwork
from weights import checked


class Torch:
    """A `StyleEngine`; runs the module itself, with the exported network's weights, on whole images
    in float32.
    """

    def __init__(self) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = StyleNetwork().to(self.device)
        weights = load_file(checked("nst_features.safetensors"), device=str(self.device))
        self.network.load_state_dict(weights)

    def within(self, megabytes: float, pixels: int) -> "Torch":
        return self

    def content(self, image: Array) -> Half:
        features = self.network.activations(self._tensor(image))[CONTENT]
        return features.half().cpu().numpy()

    def grams(self, image: Array) -> Grams:
        x = self._tensor(image)
        sums = self.network.gram_sums(self.network.activations(x), torch.ones_like(x[:, :1]))
        pixels = image.shape[2] * image.shape[3]
        return tuple(
            (total * (area / pixels)).cpu().numpy()
            for total, area in zip(sums, PIXELS, strict=True)
        )

    @contextmanager
    def loss(
        self,
        content: Features,
        style_weight: float,
        grams: Grams,
        guidance: Guidance | None = None,
    ) -> Iterator[Callable[[Array], Loss]]:
        goal = goal_of(content, style_weight, grams, guidance)
        style_map = None if goal.style_map is None else self._tensor(goal.style_map)
        fixed = [
            self._tensor(unpacked(content)),
            *map(self._tensor, (goal.content_weight, goal.gram_weights, *goal.targets)),
        ]

        def loss(image: Array) -> Loss:
            x = self._tensor(image)
            area = torch.ones_like(x[:, :1])
            _, *parts = self.network(x, area, area if style_map is None else style_map, *fixed)
            sums = tuple(total.cpu().numpy() for total in parts[: len(grams)])
            error, gradient = parts[-2:]
            return goal.loss(error.item(), sums, gradient.cpu().numpy())

        yield loss

    def _tensor(self, array: Array | Half) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)
