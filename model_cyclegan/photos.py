"""Photographs of a season, held in memory, and random crops of them."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

SUFFIXES = {".webp", ".jpg", ".jpeg", ".png"}


def photo_files(folder: Path) -> list[Path]:
    """The photographs in a folder, sorted; raises `FileNotFoundError` if there are none."""
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise FileNotFoundError(f"no photographs in {folder}")
    return files


def load_photo(path: Path) -> Tensor:
    """A photograph as `uint8 [3, H, W]`, RGB."""
    with Image.open(path) as image:
        pixels = np.array(image.convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def season_share(photo: Tensor, season: str) -> float:
    """The share of a `uint8 [3, H, W]` photo that shows its season, 0..1.

    Summer: green. Winter: bright and nearly grey in the lower two thirds, where the snow lies.
    """
    red, green, blue = photo.float()
    if season == "summer":
        shows = (green > red + 6) & (green > blue + 12)
    else:
        spread = photo.amax(0).float() - photo.amin(0)
        shows = ((photo.float().mean(0) > 150) & (spread < 50))[photo.shape[1] // 3 :]
    return float(shows.float().mean())


def sunset_share(photo: Tensor) -> float:
    """The share of the upper third of a `uint8 [3, H, W]` photo that is orange or pink, 0..1."""
    red, green, blue = photo[:, : -(-photo.shape[1] // 3)].float()
    return float(((red > green + 20) & (red > blue + 30) & (red > 120)).float().mean())


def sky(photo: Tensor) -> Tensor:
    """Where a `uint8 [3, H, W]` photo shows even sky, as `uint8 [1, H, W]`: 0 or 1.

    That is what can be reached from the upper edge without crossing anything that stands out.
    Clouds with hard edges are not reached, and fog is taken for sky all the way down.
    """
    side, contrast, longest_way = 64, 0.07, 80
    height, width = photo.shape[1:]
    small = F.interpolate(photo[None].float() / 255, (side, side), mode="bilinear", antialias=True)
    brightest, darkest = F.max_pool2d(small, 3, 1, 1), -F.max_pool2d(-small, 3, 1, 1)
    even = ((brightest - darkest).amax(1, keepdim=True) < contrast).float()
    reached = torch.zeros_like(even)
    reached[:, :, 0] = even[:, :, 0]
    for _ in range(longest_way):
        reached = F.max_pool2d(reached, 3, 1, 1) * even
    return F.interpolate(reached, (height, width))[0].byte()


class Photos:
    """All photographs of one season on one device.

    Those that show it well come up more often; sunsets, which say nothing of it, less.
    """

    def __init__(self, folder: Path, season: str, device: torch.device, seed: int) -> None:
        photos = [load_photo(path) for path in photo_files(folder)]
        weights = [
            (0.25 + min(1.0, 2 * season_share(p, season))) * (1 - 0.9 * sunset_share(p))
            for p in photos
        ]
        self.odds = np.array(weights) / sum(weights)
        # The sky is a fourth channel, so that it is cropped and mirrored with its photo.
        self.photos = [torch.cat((photo, sky(photo))).to(device) for photo in photos]
        self.random = np.random.default_rng(seed)

    def batch(self, size: int, count: int) -> tuple[Tensor, Tensor]:
        """`count` random squares, `float32 [count, 3, size, size]` in -1..1, and where they show
        sky, `[count, 1, size, size]` in 0..1.

        Every other square is as wide as the photo; the others' sides are anything from `size / 2`
        (but 96 pixels at least), so the networks meet near and far, sharp and soft. Half of all
        are mirrored; exposure varies a little, colours never do.
        """
        chosen = self.random.choice(len(self.photos), count, p=self.odds)
        crops = torch.stack([self._crop(self.photos[i], size) for i in chosen])
        gain, shift = (
            torch.from_numpy(self.random.uniform(low, high, (count, 1, 1, 1)).astype(np.float32))
            for low, high in ((0.9, 1.1), (-0.08, 0.08))
        )
        colours = (crops[:, :3] / 127.5 - 1) * gain.to(crops.device) + shift.to(crops.device)
        return colours.clamp(-1, 1), crops[:, 3:]

    def _crop(self, photo: Tensor, size: int) -> Tensor:
        _, height, width = photo.shape
        longest = min(height, width)
        shortest = longest if self.random.random() < 0.5 else min(max(96, size // 2), longest)
        side = int(self.random.integers(shortest, longest + 1))
        top = int(self.random.integers(height - side + 1))
        left = int(self.random.integers(width - side + 1))
        crop = photo[None, :, top : top + side, left : left + side].float()
        if side != size:
            crop = F.interpolate(crop, (size, size), mode="bilinear", antialias=side > size)
        if self.random.random() < 0.5:
            crop = crop.flip(3)
        return crop[0]
