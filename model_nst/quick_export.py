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

import openvino as ov  # type: ignore[import-untyped]
import torch
from torch import Tensor, nn

from engines import WEIGHTS
from model_nst.quick import Norm, QuickNetwork, read_weights
from model_nst.quick_layers import INPUTS, OUTPUTS, STYLES

EPSILON = 1e-5  # of torch's instance norm


class WithStatistics(nn.Module):
    """The network for one image, whose instance norms can be told the means and variances.

    So that a tile is normalised as the whole picture is.
    """

    def __init__(self, network: QuickNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, image: Tensor, shares: Tensor, statistics: Tensor, known: Tensor
    ) -> tuple[Tensor, Tensor]:
        """`known` is 1 where `statistics` `[1, P]` count and 0 where the image's own do.

        Returns the picture and the statistics that counted.
        """
        sizes = [2 * norm.scale.shape[1] for norm in self.network.norms()]
        given = iter(torch.split(statistics, sizes, 1))
        used: list[Tensor] = []

        def norm(layer: Norm, x: Tensor) -> Tensor:
            mean = x.mean((2, 3))
            variance = (x - mean[:, :, None, None]).square().mean((2, 3))
            own = torch.cat((mean, variance), 1)
            used.append(own + known * (next(given) - own))
            mean, variance = used[-1].chunk(2, 1)
            factor = shares @ layer.scale * (variance + EPSILON).rsqrt()
            offset = shares @ layer.shift - mean * factor
            return x * factor[:, :, None, None] + offset[:, :, None, None]

        picture = self.network.paint(image, norm)
        return picture, torch.cat(used, 1)


def load_network(file: Path) -> tuple[QuickNetwork, list[str]]:
    """The network of a `quick.safetensors`, and its styles' names."""
    styles, state = read_weights(file)
    network = QuickNetwork(len(styles))
    network.load_state_dict(state)
    return network.eval(), styles


def export(network: QuickNetwork, styles: Sequence[str], path: Path) -> None:
    """Saves OpenVINO IR with half precision constants, for images of any fitting size."""
    numbers = sum(2 * norm.scale.shape[1] for norm in network.norms())
    example = (
        torch.rand(1, 3, 64, 64),
        torch.full((1, len(styles)), 1 / len(styles)),
        torch.rand(1, numbers),
        torch.tensor(0.0),
    )
    with warnings.catch_warnings():  # the tracer warns of Python numbers, which stay the same
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        model = ov.convert_model(WithStatistics(network).eval(), example_input=example)
    model.reshape(dict(enumerate(([1, 3, -1, -1], [1, len(styles)], [1, numbers], []))))
    for ports, names in ((model.inputs, INPUTS), (model.outputs, OUTPUTS)):
        for port, name in zip(ports, names, strict=True):
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
