"""The torch engine: CUDA where there is a GPU, else the CPU."""

from collections.abc import Callable

import torch
from safetensors.torch import load_file

from engines import WEIGHTS
from model_nst.engine import Array, Features, Loss
from model_nst.network import FeatureNetwork, GradientNetwork


class Torch:
    """Runs the module itself, in float32, with the weights that the exported networks hold."""

    def __init__(self) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        weights = load_file(WEIGHTS / "nst_features.safetensors", device=str(self.device))
        self.feature_network = FeatureNetwork().to(self.device)
        self.gradient_network = GradientNetwork().to(self.device)
        self.feature_network.load_state_dict(weights)
        self.gradient_network.load_state_dict(weights)

    def features(self, image: Array) -> Features:
        content, *grams = self.feature_network(self._tensor(image))
        return Features(content.cpu().numpy(), tuple(gram.cpu().numpy() for gram in grams))

    def loss(
        self, content: Array, style_weight: float, grams: tuple[Array, ...]
    ) -> Callable[[Array], Loss]:
        fixed = [
            self._tensor(content),
            torch.tensor(style_weight, device=self.device),
            *map(self._tensor, grams),
        ]

        def loss(image: Array) -> Loss:
            parts = self.gradient_network(self._tensor(image), *fixed)
            content_loss, style_loss, gradient = parts
            return Loss(content_loss.item(), style_loss.item(), gradient.cpu().numpy())

        return loss

    def _tensor(self, array: Array) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)
