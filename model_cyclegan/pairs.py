"""Summers beside winters made of them: what the way from winter to summer is learnt by.

A summer is turned into winter by the trained generator, more or less strongly, and more snow is
laid on by procedure: smooth, in patches, from above or below. What was under it is known then.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from model_cyclegan.photos import Photos, load_photo, photo_files
from model_nst.training_precision import mixed_precision

KEPT = 0.12  # share of the pairs that are one photo twice: a summer, or one of no season
EVENINGS = 0.35  # share of the pairs that are seen in another light
GENERATED_AT = (256, 384)  # pixels: at the larger size frost and snow have finer grain


class Pairs:
    """Pseudo-winters, the summers they were made of, and their skies, held in memory."""

    def __init__(
        self, summers: Photos, others: Sequence[Path], to_winter: nn.Module, seed: int
    ) -> None:
        """`others` are photographs without a season; `to_winter` takes `[N, 3, H, W]`, -1..1."""
        self.summers = summers
        self.others = [load_photo(path) for path in others]
        self.random = np.random.default_rng(seed)
        self.winters = [_winters(photo[:3], to_winter) for photo in tqdm(summers.photos)]

    def batch(self, size: int, count: int) -> tuple[Tensor, Tensor]:
        """`count` winters and their summers, each `float32 [count, 3, size, size]` in -1..1."""
        pairs = [_in_evening(self._pair(size), self.random) for _ in range(count)]
        winters, summers = (torch.stack(each) for each in zip(*pairs, strict=True))
        return winters, summers

    def _pair(self, size: int) -> tuple[Tensor, Tensor]:
        random = self.random
        if random.random() < KEPT:
            if random.random() < 0.5:
                photo = self.others[random.integers(len(self.others))]
            else:
                photo = self.summers.photos[random.integers(len(self.summers.photos))][:3]
            kept = _square(photo, size, random)
            return kept, kept
        i = int(random.choice(len(self.winters), p=self.summers.odds))
        both = torch.cat((self.summers.photos[i], *self.winters[i]))
        square = _square(both, size, random)
        summer, sky = square[:3], ((square[3:4] + 1) * 127.5).clamp(0, 1)
        winter = square[4:7] if random.random() < 0.5 else square[7:10]
        winter = summer + (winter - summer) * float(random.uniform(0.5, 1.15))
        above = above_ground(sky, summer)
        if random.random() < 0.85:
            winter = torch.lerp(winter, *_snow(summer, above, random))
        if random.random() < 0.85:
            winter = torch.lerp(winter, summer, above)
        winter = winter * float(random.uniform(0.92, 1.06))
        cast = torch.from_numpy(random.normal(0, 0.03, (3, 1, 1)).astype(np.float32))
        winter = (winter + (1 - above) * cast).clamp(-1, 1)
        return winter, torch.lerp(summer, winter, above)


@torch.inference_mode()
def _winters(photo: Tensor, to_winter: nn.Module) -> tuple[Tensor, ...]:
    """Of a `uint8 [3, H, W]` photo, one for each of `GENERATED_AT`, of its own size."""
    made = []
    for side in GENERATED_AT:
        scale = side / max(photo.shape[1:])
        height, width = (max(16, round(length * scale / 8) * 8) for length in photo.shape[1:])
        x = F.interpolate(photo[None] / 127.5 - 1, (height, width), mode="bicubic", antialias=True)
        with mixed_precision():
            y = to_winter(x.clamp(-1, 1).contiguous(memory_format=torch.channels_last))
        y = F.interpolate(y.float(), photo.shape[1:], mode="bilinear", antialias=True)[0]
        made.append(((y + 1) * 127.5).round().clamp(0, 255).byte())
    return tuple(made)


def _square(photo: Tensor, size: int, random: np.random.Generator) -> Tensor:
    """A random square of `uint8 [C, H, W]`, every other time the largest; `[C, size, size]`, in
    -1..1.
    """
    longest = min(photo.shape[1:])
    side = longest if random.random() < 0.5 else int(random.integers(longest * 5 // 8, longest + 1))
    top, left = (int(random.integers(length - side + 1)) for length in photo.shape[1:])
    square = photo[None, :, top : top + side, left : left + side].float()
    if side != size:
        square = F.interpolate(square, (size, size), mode="bilinear", antialias=side > size)
    if random.random() < 0.5:
        square = square.flip(3)
    return square[0] / 127.5 - 1


def _in_evening(pair: tuple[Tensor, Tensor], random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Some pairs, both photos alike, in the light of dusk or of a blue shadow on a part of them.

    The summers by day would teach that what is dark or blue stays as it is.
    """
    if random.random() > EVENINGS:
        return pair
    size = pair[0].shape[1]
    blue = float(random.uniform(-0.35, 0.7))
    tint = torch.tensor([-0.5 * blue, -0.1 * abs(blue), 0.5 * blue]).view(3, 1, 1)
    light = (float(random.uniform(0.3, 0.85)) * (1 + tint)).expand(3, size, size)
    if random.random() < 0.4:
        cells = torch.from_numpy(random.normal(0, 1, (1, 1, 3, 3)).astype(np.float32))
        shade = F.interpolate(cells, (size, size), mode="bicubic")[0]
        light = torch.lerp(torch.ones(()), light, (shade * float(random.uniform(1, 8))).sigmoid())
    winter, summer = ((each + 1) * light - 1 for each in pair)
    return winter.clamp(-1, 1), summer.clamp(-1, 1)


def above_ground(sky: Tensor, photo: Tensor) -> Tensor:
    """All that lies above the lowest even sky of its column, clouds too; `[1, H, W]`, soft.

    The edges of the mask are led to those of the photo, `[3, H, W]`, by a guided filter (He et al.,
    2010), since `sky` comes in blocks.
    """
    reaches = sky.flip(1).cummax(1).values.flip(1)
    # Of a column between tree tops its neighbours' median says more.
    down = F.pad(reaches.sum(1, keepdim=True), (4, 4), mode="replicate")
    down = down.unfold(2, 9, 1).median(3).values
    rows = torch.arange(sky.shape[1], dtype=torch.float32)[None, :, None]
    above = torch.maximum(sky, (rows < down - 6).float() * reaches)
    grey = photo.mean(0, keepdim=True)

    def mean(x: Tensor) -> Tensor:
        return F.avg_pool2d(x[None], 17, 1, 8, count_include_pad=False)[0]

    slope = (mean(grey * above) - mean(grey) * mean(above)) / (
        mean(grey**2) - mean(grey) ** 2 + 0.004
    )
    level = mean(above) - slope * mean(grey)
    return ((mean(slope) * grey + mean(level) - 0.2) / 0.6).clamp(0, 1)


def _ground_only(above: Tensor, photo: Tensor) -> Tensor:
    """Where snow may be laid on, `[1, H, W]`: if the top looks like a sky that was not found, only
    on the lower half.
    """
    top = photo[:, : photo.shape[1] // 6]
    red, green, blue = top.mean((1, 2)).tolist()
    if float(above.mean()) > 0.1 or max(red, blue) < -0.3 or green > max(red, blue):
        return 1 - above
    rows = torch.linspace(0, 1, photo.shape[1])[None, :, None]
    return (1 - above) * ((rows - 0.55) / 0.15).clamp(0, 1)


def _snow(summer: Tensor, above: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Snow on a summer's ground and where it lies: `[3, H, W]` in -1..1, and `[1, H, W]`, 0 to 1.

    Light and shade of the ground show through it, the finest of them hardly.
    """
    size = summer.shape[1]
    grey = (summer.mean(0, keepdim=True) + 1) / 2
    radius = int(random.integers(1, 9))
    smooth = F.avg_pool2d(grey[None], 2 * radius + 1, 1, radius, count_include_pad=False)[0]
    shade = smooth + float(random.uniform(0, 0.5)) * (grey - smooth)
    lit = 0.5 + float(random.uniform(0.4, 1.0)) * (shade - shade.mean()) / (shade.std() + 0.05) / 4
    dark, bright = float(random.uniform(0.45, 0.75)), float(random.uniform(0.85, 1.0))
    light = dark + (bright - dark) * lit.clamp(0, 1)
    blue = float(random.uniform(0, 0.12)) * (1 - lit.clamp(0, 1))
    snow = torch.cat((light - blue, light - blue / 2, light + blue / 4))
    snow = snow + torch.randn_like(snow[:1]) * float(random.uniform(0, 0.02))
    cover = torch.zeros_like(grey)
    for cells in (3, 6, 12, 24, 48):
        noise = torch.from_numpy(random.normal(0, 1, (1, 1, cells, cells)).astype(np.float32))
        cover += F.interpolate(noise, (size, size), mode="bicubic")[0] / cells**0.5
    slope = torch.linspace(-1, 1, size)[None, :, None] * float(random.normal(0, 0.7))
    # Snow slides off what is dark: trunks, steep rock, water.
    cover = cover / cover.std() + slope + float(random.uniform(0, 4)) * (grey - grey.mean())
    edge = float(random.uniform(0.05, 0.6))
    cover = ((cover + float(random.uniform(-0.3, 2.2))) / edge).sigmoid()
    return snow * 2 - 1, cover * _ground_only(above, summer) * float(random.uniform(0.75, 1.0))


def without_season(folder: Path, count: int) -> list[Path]:
    """Some photographs of a folder, evenly chosen."""
    files = photo_files(folder)
    return files[:: max(1, len(files) // count)][:count]
