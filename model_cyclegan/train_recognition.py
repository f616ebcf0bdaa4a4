"""Fits the head that recognises a photo's season: `python -m model_cyclegan.train_recognition
--data DIR --others DIR`.

The data's DIR holds `train/summer`, `train/winter`, `test/summer` and `test/winter`; the others are
photographs without a season, of which it shall be unsure. Writes `models_wts/season_head.npz` and
prints how often it is right on `test`. Takes some minutes.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from model_cyclegan.options import SEASONS
from model_cyclegan.photos import photo_files
from model_cyclegan.recognition import FILE, SURELY_SUMMER, SURELY_WINTER, features
from model_nst.images import Array
from weights import WEIGHTS

DECAY = 3e-3  # L2 penalty
STEPS = 60  # of Newton's method, at most


def fit(rows: Array, winter: Array) -> tuple[Array, float]:
    """Weights `[D]` and bias of a logistic regression of `winter`, 0 to 1, on rows `[N, D]`."""
    table = np.c_[rows, np.ones(len(rows))].astype(np.float64)
    penalty = DECAY * np.r_[np.ones(rows.shape[1]), 0]
    found = np.zeros(table.shape[1])
    for _ in range(STEPS):
        share = 1 / (1 + np.exp(-table @ found))
        slope = table.T @ (share - winter) / len(table) + penalty * found
        spread = (share * (1 - share) + 1e-6)[:, None]
        curve = (table * spread).T @ table / len(table) + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        found -= step
        if np.abs(step).max() < 1e-5:
            break
    return found[:-1].astype(np.float32), float(found[-1])


def load(files: Sequence[Path], told: str) -> Array:
    """The features of photographs, `[N, D]`."""
    rows = []
    for path in tqdm(files, desc=told):
        with Image.open(path) as image:
            rows.append(features(image.convert("RGB")))
    return np.stack(rows)


def load_seasons(folder: Path) -> tuple[Array, Array]:
    """The features of all photographs, and which of them are winters, `[N]`."""
    summers, winters = (load(photo_files(folder / s), f"{folder.name}/{s}") for s in SEASONS)
    winter = np.repeat(np.array((0, 1), np.float32), (len(summers), len(winters)))
    return np.concatenate((summers, winters)), winter


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_cyclegan.train_recognition")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--others", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=WEIGHTS / FILE)
    args = parser.parse_args(arguments)
    rows, winter = load_seasons(args.data / "train")
    others = load(photo_files(args.others), "others")
    rows = np.concatenate((rows, others))
    winter = np.concatenate((winter, np.full(len(others), 0.5, np.float32)))
    mean, deviation = rows.mean(0), rows.std(0) + np.float32(1e-6)
    weights, bias = fit((rows - mean) / deviation, winter)
    np.savez(args.out, mean=mean, deviation=deviation, weights=weights, bias=np.float32(bias))
    rows, winter = load_seasons(args.data / "test")
    share = 1 / (1 + np.exp(-((rows - mean) / deviation @ weights + bias)))
    right = float(((share > 0.5) == (winter > 0.5)).mean())
    print(f"right: {right:.3f} of {len(winter)}")
    sure = {
        "winter": (share > SURELY_WINTER, winter),
        "summer": (share < SURELY_SUMMER, 1 - winter),
    }
    for name, (said, is_so) in sure.items():
        found, false = float(said[is_so > 0.5].mean()), float(said[is_so < 0.5].mean())
        print(f"surely {name}: {found:.3f} of those, {false:.3f} of the others")


if __name__ == "__main__":
    main()
