"""The exported network of style transfer, run by OpenVINO on a CPU.

An image that is too large for the memory is worked on in tiles, exactly: first each tile adds to
the sums of the Gram matrices, then each gives the gradient of its own pixels.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engines import Precision, compiled, core, native_precision
from inference import ops, ov
from memory import ROOMY
from model_nst.images import LARGE, Array, Features, packed, unpacked
from model_nst.layers import (
    BY_GRAM,
    GRAM_WEIGHTS,
    REGIONS,
    STYLE_MAP,
    SUMS,
    TARGETS,
)
from model_nst.losses import Goal, Grams, Guidance, Loss, counts_of, goal_of
from model_nst.tiles import Tile, halved, piece, tiles
from weights import checked

# The parts of the network that are compiled on their own: outputs and inputs.
Part = tuple[tuple[str, ...], tuple[str, ...]]
FEATURES: Part = (("features",), ("image",))
GRAMS: Part = (SUMS[1], ("image", "area"))
STEP: Part = (
    ("content_error", "gradient", *SUMS[1]),
    ("image", "content", "content_weight", GRAM_WEIGHTS[1], *TARGETS[1]),
)
TILE: Part = (
    ("content_error", "gradient"),
    ("image", "area", "content", "content_weight", *BY_GRAM[1]),
)

WHOLE_PIXELS = 200_000  # an image up to this size is worked on as a whole, in any case
# Pixels of a tile where memory is short; in f32 two larger ones were no quicker than four.
LARGEST_TILE: dict[Precision, int] = {"bf16": 150_000, "f32": 100_000}
SMALLEST_TILE = 20_000  # pixels; most of a smaller one would be margins
KEPT = 12  # compiled networks, of 12 MB each, that wait for the next painting in a roomy process

# What a painting takes, measured: once, and for each pixel of the image, of one that is worked on
# as a whole, or of a tile.
FIXED_MB = 60
LEFT_MB = 10  # of it, which stays after the first painting and serves the next
BYTES_OF_PIXEL = 276
BYTES_OF_PIXEL_IF_LARGE = 140
BYTES_OF_WHOLE: dict[Precision, int] = {"bf16": 700, "f32": 1464}
# 640 to 970 were measured in bf16, 1600 to 1710 in f32; the rest is for what varies.
BYTES_OF_TILE: dict[Precision, int] = {"bf16": 1000, "f32": 2000}
# Of either, more for a second region; 140 to 170 were measured in bf16.
BYTES_OF_REGION: dict[Precision, int] = {"bf16": 180, "f32": 450}

ALL_SUMS = {name for names in SUMS.values() for name in names}


class Lent(NamedTuple):
    """A compiled network in the hands of one thread."""

    run: Callable[[Sequence[NDArray[np.floating]]], dict[str, Array]]  # by the outputs' names
    free: Callable[[], None]  # its buffers, until the next run


def pixels_at_once(pixels: int, megabytes: float, precision: Precision, regions: int = 1) -> int:
    """How many of so many pixels, of one region or two, may be worked on at once in this memory."""
    each = BYTES_OF_PIXEL_IF_LARGE if 3 * pixels > LARGE else BYTES_OF_PIXEL
    left = (megabytes - FIXED_MB) * 2**20 - each * pixels
    more = BYTES_OF_REGION[precision] * (regions - 1)
    whole = left > (BYTES_OF_WHOLE[precision] + more) * pixels
    if whole and (megabytes > ROOMY or pixels <= WHOLE_PIXELS):
        return pixels
    most = max(0, int(left / (BYTES_OF_TILE[precision] + more)))
    return most if megabytes > ROOMY else min(most, LARGEST_TILE[precision])


class OpenVino:
    """A `StyleEngine`; compiles the network for each size, which halves its time and memory."""

    def __init__(self, precision: Precision | None = None, largest: int = WHOLE_PIXELS) -> None:
        self.precision: Precision = precision or native_precision()
        self.largest = largest  # pixels of an image, or of a tile, that are worked on at once
        self.is_slow = self.precision == "f32"
        self.kept = KEPT
        self._idle: list[tuple[tuple[Part, int, int], ov.CompiledModel]] = []
        self._lock = threading.Lock()
        self._has_painted = threading.Event()

    def within(
        self, megabytes: float, pixels: int, regions: int = 1, *, as_whole: bool = False
    ) -> "OpenVino | None":
        engine = copy(self)  # which shares the compiled networks
        if self._has_painted.is_set():
            megabytes += LEFT_MB
        engine.largest = pixels_at_once(pixels, megabytes, self.precision, regions)
        engine.kept = KEPT if megabytes > ROOMY else 0
        least = pixels if as_whole else min(pixels, SMALLEST_TILE)
        return engine if engine.largest >= least else None

    def content(self, image: Array) -> Features:
        _, _, height, width = image.shape
        large = image.size > LARGE
        content = np.empty((1, 128, height // 2, width // 2), np.uint8 if large else np.float16)
        cut = tiles(height, width, self.largest)
        with self._network(FEATURES, cut[0]) as network:
            for tile in cut:
                features = network.run([piece(image, tile.window)])["features"]
                inner = features[:, :, *halved(tile.inner_in_window())].astype(
                    np.float16, copy=False
                )
                content[:, :, *halved(tile.inner)] = packed(inner) if large else inner
        return content

    def grams(self, image: Array, style_map: Array | None = None) -> Grams:
        _, _, height, width = image.shape
        counted = np.ones((1, 1, height, width), np.float32) if style_map is None else style_map
        cut = tiles(height, width, self.largest)
        with self._network(guided(GRAMS, 1), cut[0]) as network:
            (sums,) = _gram_sums(network, image, cut, [counted])
        return tuple(
            total * np.float32(1 / count)
            for total, count in zip(sums, counts_of(counted), strict=True)
        )

    @contextmanager
    def loss(
        self,
        content: Features,
        style_weight: float,
        grams: Sequence[Grams],
        guidance: Guidance | None = None,
    ) -> Iterator[Callable[[Array], Loss]]:
        goal = goal_of(content, style_weight, grams, guidance)
        count = len(goal.style_maps)
        step, first, tile = (guided(part, count) if count else part for part in (STEP, GRAMS, TILE))
        cut = tiles(2 * content.shape[2], 2 * content.shape[3], self.largest)
        if len(cut) == 1:
            with self._network(step, cut[0]) as network:
                yield partial(_loss_of_whole, goal, network)
        else:
            with self._network(first, cut[0]) as sums, self._network(tile, cut[0]) as gradients:
                yield partial(_loss_of_tiles, goal, cut, sums, gradients)
        self._has_painted.set()

    @contextmanager
    def _network(self, part: Part, tile: Tile) -> Iterator[Lent]:
        """Lends a compiled part of the network, for windows of this tile's size, to one thread; at
        the end its buffers are freed in any case.
        """
        height, width = (side.stop - side.start for side in tile.window)
        key = (part, height, width)
        with self._lock:
            found = next((i for i, (kept, _) in enumerate(self._idle) if kept == key), None)
            network = None if found is None else self._idle.pop(found)[1]
        if network is None:
            model = cut_network(part, height, width, self.precision)
            network = compiled(model, self.precision)
        request = network.create_infer_request()
        is_sound = True

        def run(inputs: Sequence[NDArray[np.floating]]) -> dict[str, Array]:
            nonlocal is_sound
            is_sound = False
            results = request.infer(list(inputs), share_inputs=True).values()
            is_sound = True
            return dict(zip(part[0], results, strict=True))

        try:
            yield Lent(run, network.release_memory)
        finally:
            if is_sound:  # one that raised may keep its buffers: it is not lent again
                network.release_memory()
                with self._lock:
                    self._idle.append((key, network))
                    del self._idle[: -self.kept or None]


def _loss_of_whole(goal: Goal, network: Lent, image: Array) -> Loss:
    terms: list[list[Array]] = [[each.gram_weights, *each.targets] for each in goal.regions]
    content = unpacked(goal.content)
    found = network.run(
        [image, content, goal.content_weight, *terms[0], *goal.style_maps, *chain(*terms[1:])]
    )
    return goal.loss(float(found["content_error"]), _by_region(found), found["gradient"])


def _loss_of_tiles(goal: Goal, cut: list[Tile], first: Lent, second: Lent, image: Array) -> Loss:
    """In two passes, by the parts `GRAMS` and `TILE` of the network."""
    sums = _gram_sums(first, image, cut, goal.style_maps)
    first.free()  # the memory that the other pass takes
    by_gram = [
        [
            weight * total - target
            for weight, total, target in zip(region.gram_weights, own, region.targets, strict=True)
        ]
        for region, own in zip(goal.regions, sums, strict=True)
    ]
    gradient = np.empty_like(image)
    content_error = 0.0
    for tile in cut:
        window = halved(tile.window)
        wanted = np.ascontiguousarray(unpacked(goal.content[:, :, *window]))
        maps = [piece(style_map, tile.window) for style_map in goal.style_maps]
        weight = piece(goal.content_weight, window)
        pixels = piece(image, tile.window)
        found = second.run(
            [pixels, tile.area(), wanted, weight, *by_gram[0], *maps, *chain(*by_gram[1:])]
        )
        content_error += float(found["content_error"])
        gradient[:, :, *tile.inner] = found["gradient"][:, :, *tile.inner_in_window()]
    second.free()
    return goal.loss(content_error, sums, gradient)


def _gram_sums(
    network: Lent, image: Array, cut: list[Tile], style_maps: Sequence[Array]
) -> list[Grams]:
    """By the part `GRAMS`: of each map's region, or of the whole image."""
    sums: dict[str, Array] = {}
    for tile in cut:  # added up at once: those of a hundred tiles would take 40 MB
        maps = [piece(style_map, tile.window) for style_map in style_maps]
        found = network.run([piece(image, tile.window), tile.area(), *maps])
        sums = {name: sums.get(name, 0) + part for name, part in found.items()}
    return _by_region(sums)


def _by_region(found: Mapping[str, Array]) -> list[Grams]:
    return [tuple(found[name] for name in names) for names in SUMS.values() if names[0] in found]


def guided(part: Part, regions: int) -> Part:
    """The same part for images of one region or two, in which not all pixels count alike."""
    outputs, inputs = part
    maps = tuple(STYLE_MAP[region] for region in REGIONS[:regions])
    if regions == 1:
        return outputs, (*inputs, *maps)
    first, other = (
        (GRAM_WEIGHTS[region], *TARGETS[region], *BY_GRAM[region], *SUMS[region])
        for region in REGIONS
    )
    second = dict(zip(first, other, strict=True))
    # The order in which it is worked out follows this one: sums by layer take 40 MB less.
    sums = [name for own in outputs if own in second for name in (own, second[own])]
    return (
        (*sums, *(name for name in outputs if name not in second)),
        (*inputs, *maps, *(second[name] for name in inputs if name in second)),
    )


def cut_network(part: Part, height: int, width: int, precision: Precision) -> ov.Model:
    """Takes out of the exported network what computes some outputs from some inputs, for images of
    `height` by `width` pixels, in the form that suits the precision.
    """
    outputs, inputs = part
    model = core().read_model(checked("nst.xml", "nst.bin"))
    parameters = {node.output(0).any_name: node for node in model.get_parameters()}
    if STYLE_MAP[2] not in inputs:
        for name in BY_GRAM[2]:
            _without(model.output(name))
    for name in {"area", STYLE_MAP[1]} - set(inputs):  # the compiler drops the products by 1
        ones = ops.constant(np.ones((1, 1, height, width), np.float32))
        parameters[name].output(0).replace(ones.output(0))
    for name in {*BY_GRAM[1], *BY_GRAM[2]} & set(inputs):  # then it is not computed but given
        computed = model.output(name).get_node().input_value(0)
        parameters[name] = ops.parameter(computed.shape, np.float32)
        for used in computed.get_target_inputs():
            used.replace_source_output(parameters[name].output(0))
    cut = ov.Model([model.output(name) for name in outputs], [parameters[i] for i in inputs])
    shapes = {
        "image": [1, 3, height, width],
        "area": [1, 1, height, width],
        **{name: [1, 1, height, width] for name in STYLE_MAP.values()},
        "content_weight": [1, 1, height // 2, width // 2],
        "content": [1, 128, height // 2, width // 2],
    }
    cut.reshape({i: shapes[name] for i, name in enumerate(inputs) if name in shapes})
    if precision == "f32":
        _as_features_lie(cut)
    return cut


def _as_features_lie(model: ov.Model) -> None:
    """Has the Gram matrices of a cut network taken from features as OpenVINO lays them out,
    channels last. In f32 it else lays them out anew; in bf16 this form takes longer.
    """
    for output in model.outputs:
        if output.any_name not in ALL_SUMS:
            continue
        product = output.get_node().input_value(0)
        counted, features = (_of_maps(each) for each in product.get_node().input_values())
        channels = features.get_partial_shape()[1].get_length()
        rows = [
            ops.reshape(ops.transpose(each, [0, 2, 3, 1]), [-1, channels], special_zero=False)
            for each in (counted, features)
        ]
        product.replace(ops.matmul(rows[0], rows[1], True, False).output(0))


def _of_maps(matrix: ov.Output) -> ov.Output:
    """The features `[1, C, H, W]` that a matrix `[C, HW]` is made of."""
    while len(matrix.get_partial_shape()) < 4:
        matrix = matrix.get_node().input_value(0)
    return matrix


def _without(by_gram: ov.Output) -> None:
    """Takes a region's part out of the sum of the gradients by a layer."""
    x = by_gram.get_node().input_value(0)
    while True:
        (used,) = (i for i in x.get_target_inputs() if i.get_node().get_type_name() != "Result")
        node = used.get_node()
        if node.get_type_name() == "Add":
            node.output(0).replace(node.input_value(1 - used.get_index()))
            return
        x = node.output(0)
