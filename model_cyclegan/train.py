"""Trains both directions: `python -m model_cyclegan.train --data DIR --out DIR --hours H`.

The data's DIR holds `train/summer`, `train/winter`, `test/summer` and `test/winter`. Into the
other DIR go, every few minutes:

- `checkpoint.pt`: everything, to go on from; a training goes on by itself where it finds one;
- `networks.safetensors`: the generators, their averages and the discriminators in half precision,
  for `--init` and for export;
- `sheet_*.png`: photos the networks never trained on, each beside its translation;
- `losses.csv` and `losses.png`.

SIGTERM or Ctrl+C saves and ends it.
"""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from model_cyclegan.options import PRESETS, SEASONS, changed
from model_cyclegan.photos import Photos
from model_cyclegan.progress import log, show
from model_cyclegan.training import VGG_WEIGHTS, Training


def pace(share: float, constant: float) -> float:
    """The learning rate's factor when `share` of the time is over: 1, then linearly to 0."""
    return min(1.0, max(0.0, (1 - share) / max(1e-9, 1 - constant)))


def train(
    training: Training,
    data: Path,
    out: Path,
    hours: float,
    *,
    sheet_minutes: float = 10.0,
    log_every: int = 20,
    stop: threading.Event | None = None,
) -> None:
    """Trains until `hours` in all, earlier runs into `out` included, or until `stop` is set."""
    out.mkdir(parents=True, exist_ok=True)
    if (out / "checkpoint.pt").exists():
        training.load(out)
    photos = {
        season: Photos(data / "train" / season, season, training.device, seed=training.iteration)
        for season in SEASONS
    }
    total = hours * 3600
    bar = tqdm(
        total=round(total),
        initial=round(training.seconds),
        unit="s",
        mininterval=1 if sys.stderr.isatty() else 60,
    )
    sums, saved, clock = [], training.seconds, time.monotonic()
    while training.seconds < total and not (stop and stop.is_set()):
        sums.append(_iteration(training, photos, training.seconds / total))
        now = time.monotonic()
        training.seconds, clock = training.seconds + now - clock, now
        if training.iteration % log_every == 0:
            means = torch.stack(sums).mean(0).tolist()  # the only wait for the device
            sums.clear()
            log(out, training, means)
            bar.n = min(round(training.seconds), round(total))
            bar.set_postfix(iteration=training.iteration, adversarial=f"{means[0]:.2f}")
        if training.seconds - saved > sheet_minutes * 60:
            saved = training.seconds
            _save(training, data, out)
    bar.close()
    _save(training, data, out)


def _iteration(training: Training, photos: Mapping[str, Photos], share: float) -> Tensor:
    """Draws crops of both seasons and trains on them when `share` of the time is over."""
    options = training.options
    size, count = options.crops[int(training.random.integers(len(options.crops)))]
    batches = {season: photos[season].batch(size, count) for season in SEASONS}
    return training.step(
        {season: crops for season, (crops, _) in batches.items()},
        {season: skies for season, (_, skies) in batches.items()},
        pace(share, options.constant),
    )


def _save(training: Training, data: Path, out: Path) -> None:
    training.save(out)
    show(training, data, out)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_cyclegan.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--hours", type=float, required=True, help="in all, earlier runs included")
    parser.add_argument("--init", type=Path, help="networks.safetensors to start from")
    parser.add_argument("--vgg", type=Path, default=VGG_WEIGHTS, help="deeper ones judge better")
    parser.add_argument("--preset", choices=PRESETS, default="cpu")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="JSON values")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--sheet-minutes", type=float, default=10.0)
    args = parser.parse_args(arguments)
    if args.threads:
        torch.set_num_threads(args.threads)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    options = changed(PRESETS[args.preset], args.set)
    training = Training(options, torch.device(args.device), args.vgg)
    if args.init and not (args.out / "checkpoint.pt").exists():
        print(f"{training.init(args.init)} tensors taken from {args.init}", file=sys.stderr)
    train(training, args.data, args.out, args.hours, sheet_minutes=args.sheet_minutes, stop=stop)


if __name__ == "__main__":
    main()
