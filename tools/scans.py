"""Frees a painting's scan of its grain: `python -m tools.scans SCAN OUT`.

The scan of The Kiss (`kiss` of Debian's visp-images-data) is full of it, and style transfer makes a
grid of grain. After Buades, Coll and Morel, "A Non-Local Algorithm for Image Denoising" (2005):
each pixel becomes the mean of those around it whose own surroundings look alike.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from guided import Array, box_mean

GRAIN = 17.0  # standard deviation of it, levels of 255
LIKE = 11.0  # how far surroundings may differ beyond the grain, likewise
REACH, PATCH = 9, 2  # pixels from the middle: where it looks, and what it compares
KEPT = 0.08  # share of the scan itself, or flat gold would look like plastic


def without_grain(scan: Array) -> Array:
    """Of `[H, W, 3]`, 0 to 255; the same shape and range."""
    height, width, _ = scan.shape
    padded = np.pad(scan, ((REACH, REACH), (REACH, REACH), (0, 0)), "reflect")
    sums, weights = np.zeros(scan.shape), np.zeros((height, width))
    largest = np.zeros((height, width), np.float32)
    steps = range(2 * REACH + 1)
    for down, right in tqdm([(i, j) for i in steps for j in steps if (i, j) != (REACH, REACH)]):
        moved = padded[down : down + height, right : right + width]
        distance = box_mean(np.square(scan - moved).mean(2), PATCH)
        weight = np.exp(-np.maximum(distance - 2 * GRAIN**2, 0) / LIKE**2)
        sums += weight[..., None] * moved
        weights += weight
        largest = np.maximum(largest, weight)
    sums += largest[..., None] * scan
    weights += largest
    mean = (sums / weights[..., None]).astype(np.float32)
    result: Array = (1 - KEPT) * mean + np.float32(KEPT) * scan
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.scans", description=__doc__)
    parser.add_argument("scan", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args(arguments)
    with Image.open(args.scan) as file:
        scan = np.asarray(file.convert("RGB"), np.float32)
    mended = Image.fromarray(np.clip(without_grain(scan) + 0.5, 0, 255).astype(np.uint8))
    mended.save(args.out, quality=95, subsampling=0)


if __name__ == "__main__":
    main()
