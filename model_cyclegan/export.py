"""Makes what the bot runs of trained generators: `python -m model_cyclegan.export [FILE]`.

FILE is a training's `networks.safetensors`. It is kept as `models_wts/season_networks.safetensors`,
which the torch engine and the next training's `--init` read; beside it go the OpenVINO networks
`summer2winter` and `winter2summer`. Without FILE only these are made again.
"""

import argparse
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor, nn

from engines import core
from inference import converted, ops, ov
from model_cyclegan.generator import load_generator
from weights import WEIGHTS
from wishes import DIRECTIONS

LARGE = 2**18  # numbers of a convolution's weights that are kept in a byte each


class UnitRange(nn.Module):
    """A generator for images of 0 to 1, as everything outside the networks has them."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, image: Tensor) -> Tensor:
        result: Tensor = (self.generator(image * 2 - 1) + 1) / 2
        return result


def export(generator: nn.Module, path: Path) -> None:
    """Saves OpenVINO IR for `[1, 3, H, W]`, RGB, 0 to 1, with constants in half precision, and the
    largest weights in bytes.
    """
    example = torch.rand(1, 3, 64, 64)
    with warnings.catch_warnings():  # instance norm checks its input's size, which is no harm
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        model = converted(UnitRange(generator).eval(), example_input=example)
    model.reshape([1, 3, -1, -1])
    with TemporaryDirectory() as folder:
        halves = Path(folder) / path.name
        ov.save_model(model, halves)
        model = core().read_model(halves)
        _put_in_bytes(model)
        ov.serialize(model, path)


def _put_in_bytes(model: ov.Model) -> None:
    """Turns the largest weights into whole numbers of -127 to 127, times a scale for each output
    channel.

    A photo comes out the same but for some .1 of 255. Loading takes 1 MB more; with all weights in
    bytes it takes 15.
    """
    for node in model.get_ordered_ops():
        if node.get_type_name() != "Constant" or len(node.shape) < 4 or node.data.size < LARGE:
            continue
        weights = node.data.astype(np.float32)
        scale = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True) / 127
        numbers = ops.constant(np.round(weights / np.maximum(scale, 1e-12)).astype(np.int8))
        scales = ops.constant(scale.astype(np.float16))
        node.output(0).replace(ops.multiply(ops.convert(numbers, "f16"), scales).output(0))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_cyclegan.export", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", help="networks.safetensors of a training")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the folder, models_wts/ if none")
    args = parser.parse_args(arguments)
    kept = args.out / "season_networks.safetensors"
    if args.file:
        shutil.copyfile(args.file, kept)
    for direction in DIRECTIONS:
        export(load_generator(kept, f"average_{direction}"), args.out / f"{direction}.xml")


if __name__ == "__main__":
    main()
