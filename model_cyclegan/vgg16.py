"""Writes VGG16's 13 convolutions for the judges: `python -m model_cyclegan.vgg16 FILE`.

The first five convolutions are those of `models_wts/nst_features.safetensors`; the others come
out of `oxford_onnx`. Training takes the file as `--vgg`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from inference import ov
from model_cyclegan.training import VGG_WEIGHTS
from model_nst.export import oxford_convolution, oxford_onnx

DEEPER = ("conv3_2", "conv3_3", *(f"conv{block}_{i}" for block in (4, 5) for i in (1, 2, 3)))


def deeper_vgg16() -> dict[str, Tensor]:
    """`convB_I.weight` and `.bias` from conv1_1 to conv5_3, in half precision, for RGB in 0..1."""
    network = ov.Core().read_model(oxford_onnx())
    weights = load_file(VGG_WEIGHTS)
    for name in DEEPER:
        kernel, bias = oxford_convolution(network, name)
        weights[f"{name}.weight"], weights[f"{name}.bias"] = kernel.half(), bias.half()
    return weights


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_cyclegan.vgg16", description=__doc__)
    parser.add_argument("file", type=Path)
    save_file(deeper_vgg16(), parser.parse_args(arguments).file)


if __name__ == "__main__":
    main()
