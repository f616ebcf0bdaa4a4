"""Makes the quick network that the bot runs: `python -m model_nst.quick_export [FILE]`.

FILE is a training's `quick.safetensors`. It is kept as `models_wts/quick.safetensors`, with which
the next training's `--init` begins; beside it goes the OpenVINO network `quick`. Without FILE only
this is made again.
"""

import argparse
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inference import converted, ov
from model_nst.quick import Norm, QuickNetwork, read_weights
from model_nst.quick_layers import INPUTS, STYLES
from weights import WEIGHTS


class Exported(nn.Module):
    """The network with all styles in one table, which OpenVINO reads in one go."""

    def __init__(self, network: QuickNetwork) -> None:
        super().__init__()
        self.network = network
        each = [torch.cat((norm.scale, norm.shift), 1) for norm in network.norms()]
        self.sizes = [table.shape[1] for table in each]
        self.table = nn.Parameter(torch.cat(each, 1), requires_grad=False)

    def forward(self, image: Tensor, shares: Tensor) -> Tensor:
        parts = iter(torch.split((shares @ self.table)[:, :, None, None], self.sizes, 1))

        def norm(_: Norm, x: Tensor) -> Tensor:
            scale, shift = next(parts).chunk(2, 1)
            return F.instance_norm(x) * scale + shift

        return self.network.paint(image, norm)


def load_network(file: Path) -> tuple[QuickNetwork, list[str]]:
    """The network of a `quick.safetensors`, and its styles' names."""
    styles, state = read_weights(file)
    network = QuickNetwork(len(styles))
    network.load_state_dict(state)
    return network.eval(), styles


def export(network: QuickNetwork, styles: Sequence[str], path: Path) -> None:
    """Saves OpenVINO IR with half precision constants, for images of any fitting size."""
    count = len(styles)
    example = (torch.rand(1, 3, 64, 64), torch.full((1, count), 1 / count))
    with warnings.catch_warnings():  # the tracer warns of Python numbers, which stay the same
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        model = converted(Exported(network).eval(), example_input=example)
    model.reshape({0: [1, 3, -1, -1], 1: [1, count]})
    for port, name in zip(model.inputs, INPUTS, strict=True):
        port.tensor.set_names({name})
    model.set_rt_info(" ".join(styles), STYLES)
    ov.save_model(model, path)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_nst.quick_export", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", help="quick.safetensors of a training")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the folder, models_wts/ if none")
    args = parser.parse_args(arguments)
    kept = args.out / "quick.safetensors"
    if args.file:
        shutil.copyfile(args.file, kept)
    export(*load_network(kept), args.out / "quick.xml")


if __name__ == "__main__":
    main()
