"""Paints photos with the exported quick network: numpy in and out, by OpenVINO alone.

A picture of up to `WHOLE` pixels is painted in one piece, a larger one in tiles. These are
normalised with the means and deviations of the whole picture, made smaller, so that no seams show.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from typing import Literal

import numpy as np
from PIL import Image

from engines import Precision, compiled, core, native_precision, one_at_a_time
from inference import ops, ov
from model_nst.images import Array
from model_nst.quick_layers import MARGIN, STRIDE, STYLES
from weights import checked

Part = Literal["whole", "statistics", "tile"]

WHOLE = 640 * 512  # pixels
TILE = 384  # pixels, the side of what a tile adds to a larger picture


@one_at_a_time
def quick_picture(
    photo: Array,
    shares: Mapping[str, float],
    precision: Precision | None = None,
    *,
    then_free: bool = False,
) -> Array:
    """The photo in a preset's style, or in a mix of several.

    `photo` is `[1, 3, H, W]`, RGB, 0 to 1, and so is the result; `shares` sum to 1. Raises
    `KeyError` for a style that the network lacks. `then_free` gives back the buffers, some 50 MB,
    that would make the next picture of this size quicker by .03 s. May be called from several
    threads.
    """
    precision = precision or native_precision()
    names = quick_styles()
    if unknown := shares.keys() - set(names):
        raise KeyError(f"no quick style {', '.join(sorted(unknown))}")
    row = np.array([[shares.get(name, 0.0) for name in names]], np.float32)
    height, width = photo.shape[2:]
    padded = _padded(photo)
    if height * width <= WHOLE:
        network = _ready(precision, *padded.shape[2:])
        (result,) = _run(network, padded, row)
        if then_free:
            network.release_memory()
    else:
        result = _in_tiles(padded, row, precision)
    return result[:, :, :height, :width]


def make_ready(width: int, height: int) -> None:
    """Begins to compile, in a thread of its own, what a picture of this size will need: some .1 s,
    in which faces can be looked for.
    """
    if width * height > WHOLE:
        return
    size = _padded_side(height), _padded_side(width)

    def compile_it() -> None:
        with suppress(Exception):  # the picture raises it again
            _ready(native_precision(), *size)

    threading.Thread(target=compile_it).start()


def _in_tiles(photo: Array, shares: Array, precision: Precision) -> Array:
    """The networks are not kept: together with their buffers they are large."""
    small = _padded(_smaller(photo))
    _, *statistics = _run(_network("statistics", precision, *small.shape[2:]), small, shares)
    height, width = (min(side, TILE + 2 * MARGIN) for side in photo.shape[2:])
    network = _network("tile", precision, height, width)
    result = np.empty_like(photo)
    for top, rows in _stretches(photo.shape[2]):
        for left, columns in _stretches(photo.shape[3]):
            seen = photo[:, :, top : top + height, left : left + width]
            (tile,) = _run(network, seen, shares, *statistics)
            inner = (
                slice(place.start - start, place.stop - start)
                for place, start in ((rows, top), (columns, left))
            )
            result[:, :, rows, columns] = tile[:, :, *inner]
    return result


@cache
def quick_styles() -> tuple[str, ...]:
    """The names of the styles that the network knows, in its order."""
    names: str = _model().get_rt_info(STYLES).astype(str)
    return tuple(names.split())


@cache
def _model() -> ov.Model:
    """As it was read, 5 MB; what changes it does so to a clone."""
    return core().read_model(checked("quick.xml", "quick.bin"))


def _part(part: Part) -> ov.Model:
    """The network as it is; or with the means and deviations, `[1, C, 1, 1]` each, by which its
    layers are normalised, as outputs after the picture; or with these as inputs instead.
    """
    model = _model().clone()
    if part == "whole":
        return model
    for norm in [node for node in model.get_ordered_ops() if node.get_type_name() == "MVN"]:
        x = norm.input_value(0)
        if part == "statistics":
            mean = ops.reduce_mean(x, [2, 3], True)
            square = ops.reduce_mean(ops.squared_difference(x, mean), [2, 3], True)
            epsilon = ops.constant(norm.get_attributes()["eps"], np.float32)
            model.add_outputs([mean.output(0), ops.sqrt(ops.add(square, epsilon)).output(0)])
        else:
            shape = [1, x.get_partial_shape()[1].get_length(), 1, 1]
            mean, deviation = (ops.parameter(shape, np.float32) for _ in range(2))
            norm.output(0).replace(ops.divide(ops.subtract(x, mean), deviation).output(0))
            model.add_parameters([mean, deviation])
    return model


def _network(part: Part, precision: Precision, height: int, width: int) -> ov.CompiledModel:
    """For this size alone: made for all, it would be slower by more than it takes to make it."""
    model = _part(part)
    model.reshape({0: [1, 3, height, width]})
    # Without snippets it is ready .015 s earlier and paints .003 s slower.
    return compiled(model, precision, SNIPPETS_MODE="DISABLE")


@lru_cache(maxsize=2)
def _whole(precision: Precision, height: int, width: int) -> ov.CompiledModel:
    return _network("whole", precision, height, width)


@one_at_a_time
def _ready(precision: Precision, height: int, width: int) -> ov.CompiledModel:
    return _whole(precision, height, width)


def unload_quick() -> None:
    """Frees the memory of the networks that were kept for the next picture."""
    _whole.cache_clear()


def _run(network: ov.CompiledModel, photo: Array, *others: Array) -> list[Array]:
    results = network([np.ascontiguousarray(photo), *others])
    return [np.array(results[i]) for i in range(len(results))]


def _padded_side(side: int) -> int:
    """To what fits the network."""
    return max(2 * STRIDE, side + -side % STRIDE)


def _padded(photo: Array) -> Array:
    """Mirrored at the right and at the bottom, to sides that fit the network."""
    height, width = map(_padded_side, photo.shape[2:])
    margins = ((0, 0), (0, 0), (0, height - photo.shape[2]), (0, width - photo.shape[3]))
    return np.pad(photo, margins, "symmetric")


def _smaller(photo: Array) -> Array:
    """Of `WHOLE` pixels at most."""
    height, width = photo.shape[2:]
    scale = (WHOLE / (height * width)) ** 0.5
    size = (int(width * scale), int(height * scale))
    channels = [Image.fromarray(channel).resize(size, Image.Resampling.BOX) for channel in photo[0]]
    return np.stack([np.asarray(channel, np.float32) for channel in channels])[None]


def _stretches(side: int) -> Iterator[tuple[int, slice]]:
    """Of one side: where a tile begins to see, and what it adds. All see as much."""
    for start in range(0, side, TILE):
        seen = min(max(0, start - MARGIN), max(0, side - TILE - 2 * MARGIN))
        yield seen, slice(start, min(start + TILE, side))
