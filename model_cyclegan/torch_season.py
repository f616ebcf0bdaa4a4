"""The season generators on the torch engine: CUDA where there is a GPU, else the CPU."""

from collections.abc import Callable

import torch

from model_cyclegan.generator import load_generator
from model_cyclegan.season import Array
from weights import WEIGHTS, checked
from wishes import Direction


def load(direction: Direction) -> Callable[[Array], Array]:
    """The generator of a direction, `[1, 3, H, W]` to the same, RGB, 0 to 1."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    official = WEIGHTS / f"{direction}_yosemite.safetensors"
    if official.exists():
        generator = load_generator(official)
    else:
        generator = load_generator(checked("season_networks.safetensors"), f"average_{direction}")
    generator.to(device)

    @torch.inference_mode()
    def run(image: Array) -> Array:
        photo = torch.from_numpy(image).to(device) * 2 - 1
        result: Array = ((generator(photo) + 1) / 2).cpu().numpy()
        return result

    return run
