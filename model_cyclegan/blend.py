"""Takes a mean of trained generators: `python -m model_cyclegan.blend OUT DIRECTION FILE=SHARE...`.

Generators that one training led apart lie so near that the mean of their weights works, and has
some of what each is good at (Wortsman et al., "Model soups", 2022). The FILEs are
`networks.safetensors` of trainings; all but the direction's averaged generator is the first one's.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from model_cyclegan.options import DIRECTIONS


def blend(shares: Mapping[Path, float], direction: str, out: Path) -> None:
    """Writes the mean to `out`, in half precision; `shares` sum to 1. Raises `ValueError` where the
    generators are of different forms.
    """
    first, *_ = shares
    state = load_file(first)
    with safe_open(first, "pt") as tensors:
        facts = tensors.metadata()
    names = [name for name in state if name.startswith(f"average_{direction}.")]
    mean = {name: torch.zeros(state[name].shape) for name in names}
    for file, share in shares.items():
        others = load_file(file)
        if any(name not in others or others[name].shape != mean[name].shape for name in names):
            raise ValueError(f"another form of generator in {file}")
        for name in names:
            mean[name] += share * others[name].float()
    save_file(state | {name: values.half() for name, values in mean.items()}, out, facts)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_cyclegan.blend")
    parser.add_argument("out", type=Path)
    parser.add_argument("direction", choices=DIRECTIONS)
    parser.add_argument("files", nargs="+", metavar="FILE=SHARE")
    args = parser.parse_args(arguments)
    pairs = (each.rpartition("=") for each in args.files)
    shares = {Path(file): float(share) for file, _, share in pairs}
    if abs(sum(shares.values()) - 1) > 1e-6:
        parser.error("the shares do not sum to 1")
    blend(shares, args.direction, args.out)


if __name__ == "__main__":
    main()
