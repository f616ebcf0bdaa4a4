"""Makes the weights of style transfer: `python -m model_nst.export [VGG_FILE] [--source ...]`.

Writes `models_wts/nst_features.safetensors` from VGG16's weights, and from that file the OpenVINO
networks `nst_features` and `nst_gradient`. Without arguments only the networks are made again.
"""

import argparse
from pathlib import Path

import openvino as ov  # type: ignore[import-untyped]
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engines import WEIGHTS
from model_nst.network import CHANNELS, FeatureNetwork, GradientNetwork

INDICES = (0, 2, 5, 7, 10)  # of the five convolutions in torchvision's VGG16 `features`


def from_keras(path: Path) -> dict[str, Tensor]:
    """Oxford's weights; they take BGR, 0 to 255, minus the mean."""
    return folded(
        load_file(path),
        mean=torch.tensor((123.68, 116.779, 103.939)) / 255,
        deviation=torch.full((3,), 1 / 255),
        bgr=True,
    )


def from_torchvision() -> dict[str, Tensor]:
    """torchvision's own training; it downloads the weights, 528 MB."""
    from torchvision.models import VGG16_Weights  # type: ignore[import-untyped]

    import model_nst.torchvision_on_cpu  # noqa: F401

    weights = VGG16_Weights.IMAGENET1K_V1
    normalise = weights.transforms()
    state = weights.get_state_dict(progress=True, check_hash=True)
    return folded(
        {name.removeprefix("features."): tensor for name, tensor in state.items()},
        mean=torch.tensor(normalise.mean),
        deviation=torch.tensor(normalise.std),
        bgr=False,
    )


def folded(
    source: dict[str, Tensor], mean: Tensor, deviation: Tensor, bgr: bool
) -> dict[str, Tensor]:
    """The first five convolutions under their names, for plain RGB, 0 to 1.

    `mean` and `deviation` are what an RGB image, 0 to 1, was normalised with. All is rounded to
    half precision, here and once, so that every engine holds the same numbers.
    """
    weights: dict[str, Tensor] = {}
    for name, index in zip(CHANNELS, INDICES, strict=True):
        kernel, bias = source[f"{index}.weight"].float(), source[f"{index}.bias"].float()
        if index == 0:
            kernel = (kernel.flip(1) if bgr else kernel) / deviation.view(1, 3, 1, 1)
        kernel = kernel.half()
        if index == 0:
            bias = bias - (kernel.float() * mean.view(1, 3, 1, 1)).sum((1, 2, 3))
        weights[f"{name}.weight"] = kernel.contiguous()
        weights[f"{name}.bias"] = bias.half()
    return weights


def export_networks(weights: dict[str, Tensor], folder: Path) -> None:
    """Saves both networks as OpenVINO IR with half precision constants, for images of any size."""
    features, gradient = FeatureNetwork().eval(), GradientNetwork().eval()
    features.load_state_dict(weights)
    gradient.load_state_dict(weights)
    image = torch.rand(1, 3, 32, 32)
    content, *grams = features(image)
    ov.save_model(ov.convert_model(features, example_input=image), folder / "nst_features.xml")
    ov.save_model(
        ov.convert_model(gradient, example_input=(image, content, torch.tensor(1.0), *grams)),
        folder / "nst_gradient.xml",
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m model_nst.export", description=__doc__)
    parser.add_argument(
        "vgg_file", nargs="?", type=Path, help="VGG16 as Keras distributes it, in safetensors"
    )
    parser.add_argument("--source", choices=("torchvision",), help="take these weights instead")
    arguments = parser.parse_args()
    path = WEIGHTS / "nst_features.safetensors"
    if arguments.source:
        save_file(from_torchvision(), path, {"source": "torchvision VGG16_Weights.IMAGENET1K_V1"})
    elif arguments.vgg_file:
        save_file(from_keras(arguments.vgg_file), path, {"source": "VGG16, Oxford and Keras"})
    export_networks(load_file(path), WEIGHTS)


if __name__ == "__main__":
    main()
