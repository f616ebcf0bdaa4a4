"""What a training shows of itself: its losses, and photos beside their translations."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch.nn import functional as F

from model_cyclegan.options import DIRECTIONS
from model_cyclegan.photos import load_photo, photo_files
from model_cyclegan.training import LOSSES, Training


def sheet(training: Training, folder: Path, count: int = 8, side: int = 256) -> Image.Image:
    """Test photos, each beside its translation: summers in the upper half, winters in the lower."""
    rows = []
    for name, (source, _) in DIRECTIONS.items():
        files = photo_files(folder / source)
        tiles = []
        for path in files[:: max(1, len(files) // count)][:count]:
            photo = load_photo(path)
            short = min(photo.shape[1:])
            square = photo[None, :, :short, :short].float()
            square = F.interpolate(square, (side, side), mode="bilinear", antialias=True)[0]
            pixels = square.round().byte()
            tiles += [pixels, training.translate(name, pixels)]
        rows += [torch.cat(tiles[i : i + 8], 2) for i in range(0, len(tiles), 8)]
    width = max(row.shape[2] for row in rows)
    rows = [F.pad(row, (0, width - row.shape[2])) for row in rows]
    return Image.fromarray(torch.cat(rows, 1).permute(1, 2, 0).numpy())


def plot(rows: Sequence[Sequence[float]]) -> Image.Image:
    """The losses by iteration, one strip each; rows hold the iteration, then `LOSSES`."""
    width, height, margin = 900, 150, 24
    image = Image.new("RGB", (width, height * len(LOSSES)), "white")
    draw = ImageDraw.Draw(image)
    table = np.array(rows, dtype=float)
    first, last = table[0, 0], max(table[-1, 0], table[0, 0] + 1)
    for strip, name in enumerate(LOSSES):
        values = table[:, strip + 1]
        low, high = float(values.min()), max(float(values.max()), float(values.min()) + 1e-9)
        x = margin + (table[:, 0] - first) / (last - first) * (width - 2 * margin)
        y = height * (strip + 1) - margin - (values - low) / (high - low) * (height - 2 * margin)
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill="navy", width=1)
        draw.text((margin, height * strip + 4), f"{name}: {low:.3f} to {high:.3f}", fill="black")
    draw.text((width - 200, 4), f"iterations {first:.0f} to {last:.0f}", fill="black")
    return image


def log(out: Path, training: Training, means: Sequence[float]) -> None:
    """Adds a row, the losses' means since the last one, to `losses.csv`."""
    path = out / "losses.csv"
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(("iteration", "seconds", *LOSSES))
        row = [training.iteration, f"{training.seconds:.0f}", *(f"{m:.4f}" for m in means)]
        writer.writerow(row)


def show(training: Training, data: Path, out: Path) -> None:
    """Writes a sheet of test photos and the plot of the losses so far."""
    sheet(training, data / "test").save(out / f"sheet_{training.iteration:07d}.png")
    if (out / "losses.csv").exists():
        with (out / "losses.csv").open(newline="") as file:
            rows = [
                [float(row["iteration"]), *(float(row[k]) for k in LOSSES)]
                for row in csv.DictReader(file)
            ]
        if rows:
            plot(rows).save(out / "losses.png")
