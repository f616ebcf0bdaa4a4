"""Converts the generators that CycleGAN's authors published.

`python -m model_cyclegan.convert FILE.pth OUT.safetensors` also writes the OpenVINO network beside
OUT. In `models_wts/` under the authors' name for it, the bot takes it instead of ours.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from model_cyclegan.export import export
from model_cyclegan.generator import PAPER, build_generator, load_generator

# Old versions of torch kept these for instance norm, unused.
UNUSED = ("running_mean", "running_var", "num_batches_tracked")


def convert(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of the paper's generator out of an official state_dict.

    Raises `ValueError` when tensors are missing, left over, not finite or of another shape.
    """
    weights = {k: v for k, v in state.items() if k.rpartition(".")[2] not in UNUSED}
    expected = build_generator(PAPER).state_dict()
    if weights.keys() != expected.keys():
        wrong = sorted(weights.keys() ^ expected.keys())
        raise ValueError(f"not the generator of the paper: {', '.join(map(str, wrong[:5]))}")
    for key, weight in weights.items():
        if not isinstance(weight, Tensor) or weight.shape != expected[key].shape:
            raise ValueError(f"{key} is not {tuple(expected[key].shape)}")
        if not weight.isfinite().all():
            raise ValueError(f"{key} is not finite")
    return {key: weight.float().contiguous() for key, weight in weights.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_cyclegan.convert", description=__doc__)
    parser.add_argument("file", type=Path, help="as downloaded, .pth")
    parser.add_argument("out", type=Path, help=".safetensors")
    args = parser.parse_args(arguments)
    weights = convert(torch.load(args.file, map_location="cpu", weights_only=True))
    save_file(weights, args.out, {"generator": json.dumps(asdict(PAPER))})
    export(load_generator(args.out), args.out.with_suffix(".xml"))


if __name__ == "__main__":
    main()
