"""Random crops of the photographs that the quick network learns on, and where faces are in them.

`python -m model_nst.quick_photos DIR [DIR ...] -o FACES.json` finds the faces, for `--faces` of
`model_nst.train_quick`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from model_people.faces import find_people

SUFFIXES = {".webp", ".jpg", ".jpeg", ".png"}
LONG_SIDES = (300, 560)  # pixels: the sizes between which photos are scaled before they are cropped
WITH_FACES = 0.25  # share of the crops that are taken around a face, where faces are known

Face = tuple[float, float, float, float]  # centre x and y, width, height; shares of the photo's
BROWS = (105, 334)  # landmarks of a face


def photo_files(folders: Sequence[Path]) -> list[Path]:
    """All photographs below these folders, sorted; `FileNotFoundError` if there are none."""
    files = sorted(
        path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES
    )
    if not files:
        raise FileNotFoundError(f"no photographs in {', '.join(map(str, folders))}")
    return files


def faces_of(files: Sequence[Path]) -> dict[str, list[Face]]:
    """For the name of each photo with people in it, their faces from the eyebrows to the chin."""
    found: dict[str, list[Face]] = {}
    for path in tqdm(files):
        with Image.open(path) as file:
            people = find_people(file.convert("RGB"))
        width, height = people.size
        for face in people.faces:
            left, _, right, bottom = face.box
            top = float(face.landmarks[list(BROWS), 1].min())
            box = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
            shares = (box[0] / width, box[1] / height, box[2] / width, box[3] / height)
            found.setdefault(path.name, []).append(shares)
    return found


def face_map(faces: Sequence[Face], width: int, height: int) -> NDArray[np.float32]:
    """`[height, width]`, 0 to 1: soft ovals, somewhat larger than the faces."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    result = np.zeros((height, width), np.float32)
    for x, y, w, h in faces:
        # The box ends at the eyebrows and at the chin.
        across = (columns - x * width) / (0.62 * w * width)
        down = (rows - (y - 0.1 * h) * height) / (0.75 * h * height)
        result = np.maximum(result, np.clip(2 * (1.25 - np.hypot(across, down)), 0, 1))
    return result


class Crops:
    """Squares of photographs at random scales, half of them mirrored."""

    def __init__(self, folders: Sequence[Path], faces: Path | None, seed: int) -> None:
        """`faces` is a JSON object: for each file's name its faces, `Face` each."""
        self.files = photo_files(folders)
        known: dict[str, list[Face]] = json.loads(faces.read_text()) if faces else {}
        self.faces = {path: known[path.name] for path in self.files if path.name in known}
        self.random = np.random.default_rng(seed)

    def batch(self, count: int, side: int) -> tuple[Tensor, Tensor]:
        """`[count, 3, side, side]`, RGB, and `face_map`s `[count, 1, side, side]`; all 0 to 1."""
        crops = [self._crop(side) for _ in range(count)]
        images, maps = (np.stack(each) for each in zip(*crops, strict=True))
        images_first = torch.from_numpy(images.astype(np.float32) / 255).permute(0, 3, 1, 2)
        return images_first, torch.from_numpy(maps)[:, None]

    def _crop(self, side: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        faced = bool(self.faces) and self.random.random() < WITH_FACES
        files = list(self.faces) if faced else self.files
        path = files[int(self.random.integers(len(files)))]
        with Image.open(path) as file:
            photo = file.convert("RGB")
        scale = self.random.uniform(*LONG_SIDES) / max(photo.size)
        scale = max(scale, side / min(photo.size))
        width, height = (max(side, round(length * scale)) for length in photo.size)
        photo = photo.resize((width, height), Image.Resampling.BICUBIC)
        faces = self.faces.get(path, [])
        left, top = (int(self.random.integers(length - side + 1)) for length in (width, height))
        if faced:
            x, y, *_ = faces[int(self.random.integers(len(faces)))]
            left, top = self._around(x * width, width, side), self._around(y * height, height, side)
        pixels = np.asarray(photo)[top : top + side, left : left + side]
        oval = face_map(faces, width, height)[top : top + side, left : left + side]
        if self.random.random() < 0.5:
            pixels, oval = pixels[:, ::-1], oval[:, ::-1]
        return pixels, oval

    def _around(self, centre: float, length: int, side: int) -> int:
        """Where a crop begins that has this point in its middle half, if the photo allows."""
        start = centre - side * self.random.uniform(0.25, 0.75)
        return int(min(max(start, 0), length - side))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_nst.quick_photos", description=__doc__)
    parser.add_argument("data", type=Path, nargs="+", help="folders of photos")
    parser.add_argument("-o", dest="out", type=Path, required=True, metavar="FACES.json")
    args = parser.parse_args(arguments)
    args.out.write_text(json.dumps(faces_of(photo_files(args.data))))


if __name__ == "__main__":
    main()
