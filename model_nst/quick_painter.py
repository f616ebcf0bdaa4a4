"""Paints photos with the exported quick network: numpy in and out, by OpenVINO alone."""

from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
import openvino as ov  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PIL import Image

from engines import Precision, compiled, core, native_precision
from model_nst.quick_layers import INPUTS, MARGIN, STRIDE, STYLES
from weights import checked

Array = NDArray[np.float32]

WHOLE = 768 * 768  # pixels up to which a picture is painted in one piece
TILE = 512  # pixels, the side of what a tile adds to a larger picture


def quick_picture(
    photo: Array, shares: Mapping[str, float], precision: Precision | None = None
) -> Array:
    """The photo in a preset's style, or in a mix of several.

    `photo` is `[1, 3, H, W]`, RGB, 0 to 1, and so is the result; `shares` sum to 1. Means and
    variances of a picture of more than `WHOLE` pixels are those of it made smaller, the same for
    all its tiles, so that no seams show. Raises `KeyError` for a style that the network lacks.
    """
    network = _network(precision or native_precision())
    names = styles()
    unknown = shares.keys() - set(names)
    if unknown:
        raise KeyError(f"no quick style {', '.join(sorted(unknown))}")
    row = np.array([[shares.get(name, 0.0) for name in names]], np.float32)
    height, width = photo.shape[2:]
    padded = _padded(photo)
    if height * width <= WHOLE:
        return _paint(network, padded, row)[0][:, :, :height, :width]
    _, statistics = _paint(network, _padded(_smaller(photo)), row)
    result = np.empty_like(padded)
    for place, seen in _tiles(*padded.shape[2:]):
        rows, columns = seen
        tile, _ = _paint(network, padded[:, :, rows, columns], row, statistics)
        inner_rows, inner_columns = (
            slice(inner.start - outer.start, inner.stop - outer.start)
            for inner, outer in zip(place, seen, strict=True)
        )
        result[:, :, *place] = tile[:, :, inner_rows, inner_columns]
    return result[:, :, :height, :width]


@cache
def styles() -> tuple[str, ...]:
    """The names of the styles that the network knows, in its order."""
    names: str = _model().get_rt_info(STYLES).astype(str)
    return tuple(names.split())


def _model() -> ov.Model:
    return core().read_model(checked("quick.xml", "quick.bin"))


@cache
def _network(precision: Precision) -> ov.CompiledModel:
    """For every size, so that it need not be compiled again."""
    return compiled(_model(), precision)


def _paint(
    network: ov.CompiledModel, image: Array, shares: Array, statistics: Array | None = None
) -> tuple[Array, Array]:
    """The picture, and the means and variances it was normalised with."""
    numbers = network.input(INPUTS[2]).partial_shape[1].get_length()
    given = np.zeros((1, numbers), np.float32) if statistics is None else statistics
    known = np.float32(statistics is not None)
    inputs = (np.ascontiguousarray(image), shares, given, np.array(known))
    result = network(dict(zip(INPUTS, inputs, strict=True)))
    return np.array(result[0]), np.array(result[1])


def _padded(photo: Array) -> Array:
    """Mirrored at the right and at the bottom, to sides that fit the network."""
    height, width = (max(2 * STRIDE, side + -side % STRIDE) for side in photo.shape[2:])
    margins = ((0, 0), (0, 0), (0, height - photo.shape[2]), (0, width - photo.shape[3]))
    return np.pad(photo, margins, "symmetric")


def _smaller(photo: Array) -> Array:
    """Of `WHOLE` pixels at most."""
    height, width = photo.shape[2:]
    scale = (WHOLE / (height * width)) ** 0.5
    size = (int(width * scale), int(height * scale))
    channels = [Image.fromarray(channel).resize(size, Image.Resampling.BOX) for channel in photo[0]]
    return np.stack([np.asarray(channel, np.float32) for channel in channels])[None]


def _tiles(height: int, width: int) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Places in the picture, and what the network must see to fill each."""
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            place = slice(top, min(top + TILE, height)), slice(left, min(left + TILE, width))
            seen = (
                slice(max(0, top - MARGIN), min(top + TILE + MARGIN, height)),
                slice(max(0, left - MARGIN), min(left + TILE + MARGIN, width)),
            )
            yield place, seen
