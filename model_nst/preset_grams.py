"""The famous paintings' Gram matrices, made beforehand: `python -m model_nst.preset_grams`.

Symmetric, so only the upper triangles are kept, in half precision after division by the largest.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model_nst.images import Array, resized, to_array
from model_nst.layers import CHANNELS
from model_nst.losses import Grams
from model_nst.regions import AREAS, Part, painted, shows
from presets import PRESETS
from weights import WEIGHTS, checked

FILE = WEIGHTS / "nst_presets.npz"
SIDES = (512,)  # long sides in pixels, where it would take longest of those that a sketch needs


def load(style: Image.Image, side: int, part: Part | Literal["whole"] = "whole") -> Grams | None:
    """Looks up the Gram matrices of an RGB picture, or of a part, at this long side in pixels.

    None if they are not known. Raises `ValueError` if the file was changed.
    """
    key = _key(style, side, part)
    if key not in _names():
        return None
    with np.load(checked(FILE.name)) as file:
        return _unpacked(file[key], file[f"{key}-largest"])


def preset_of(style: Image.Image) -> str | None:
    """The name of the famous painting that an RGB picture is; None if it is none of them."""
    key = _key(style, SIDES[0], "name")
    if key not in _names():
        return None
    with np.load(checked(FILE.name)) as file:
        return str(file[key])


def of_all() -> dict[str, Grams]:
    """Those of all famous paintings, by their names, at the long side that is kept; 7 MB."""
    with np.load(checked(FILE.name)) as file:
        keys = {str(file[key]): key.removesuffix("-name") for key in _names() if "-name" in key}
        return {name: _unpacked(file[key], file[f"{key}-largest"]) for name, key in keys.items()}


@cache
def _names() -> frozenset[str]:
    with np.load(FILE) as file:
        return frozenset(file.files)


def _key(style: Image.Image, side: int, part: str = "whole") -> str:
    own = f"{hashlib.sha256(style.tobytes()).hexdigest()[:16]}-{side}"
    return own if part == "whole" else f"{own}-{part}"


def _packed(grams: Grams) -> tuple[NDArray[np.float16], Array]:
    largest = np.array([gram.max() for gram in grams], np.float32)
    triangles = [gram[np.triu_indices(len(gram))] for gram in grams]
    shares = [triangle / most for triangle, most in zip(triangles, largest, strict=True)]
    return np.concatenate(shares).astype(np.float16), largest


def _unpacked(packed: NDArray[np.float16], largest: Array) -> Grams:
    grams: list[Array] = []
    for channels, most in zip(CHANNELS.values(), largest, strict=True):
        rows, columns = np.triu_indices(channels)
        triangle, packed = packed[: len(rows)], packed[len(rows) :]
        gram = np.empty((channels, channels), np.float32)
        gram[rows, columns] = gram[columns, rows] = triangle.astype(np.float32) * most
        grams.append(gram)
    return tuple(grams)


def save(path: Path) -> None:
    """Computes the presets' Gram matrices and writes them into a NumPy archive."""
    from model_nst.openvino_engine import OpenVino  # which those who only read do not need

    engine = OpenVino("f32")
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, preset in PRESETS.items():
        with Image.open(preset.path) as file:
            painting = file.convert("RGB")
        arrays[_key(painting, SIDES[0], "name")] = np.array(name)
        for side in SIDES:
            small = resized(painting, side)
            parts: dict[str, Array] = {
                "whole": np.ones((1, 1, small.height, small.width), np.float32)
            }
            for part in AREAS:
                if shows(name, part):
                    parts[part] = painted(name, part, *small.size)[None, None]
            for of, counted in parts.items():
                key = _key(painting, side, of)
                packed = _packed(engine.grams(to_array(small), counted))
                arrays[key], arrays[f"{key}-largest"] = packed
    np.savez(path, allow_pickle=False, **arrays)


if __name__ == "__main__":
    save(FILE)
