"""Runs the network of style transfer: OpenVINO on CPUs, torch on CUDA or when asked for.

Arrays are float32; images `[1, 3, H, W]`, RGB, 0 to 1, sides divisible by 4.

An image that is too large for the memory is worked on in tiles, exactly: first each tile adds to
the sums of the Gram matrices, then each gives the gradient of its own pixels. So that they are as
if the whole image had been there, tiles overlap by the network's reach.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import openvino as ov  # type: ignore[import-untyped]
from numpy.typing import NDArray
from openvino import opset13 as ops

import settings
from engines import Precision, compiled, core, native_precision, uses_torch
from model_nst.layers import BY_GRAM, MARGIN, PIXELS, SUMS, TARGETS
from weights import checked

Scalar = TypeVar("Scalar", bound=np.generic)
Array = NDArray[np.float32]
Half = NDArray[np.float16]
Features = Half | NDArray[np.uint8]  # the latter as `packed`
Run = Callable[[Sequence[NDArray[np.floating]]], list[Array]]

# The parts of the network that are compiled on their own: outputs and inputs.
FEATURES = (("features",), ("image",))
GRAMS = (SUMS, ("image", "area"))
STEP = (
    (*SUMS, "squared_error", "gradient"),
    ("image", "content", "content_weight", "gram_weights", *TARGETS),
)
TILE = (
    ("squared_error", "gradient"),
    ("image", "area", "content", "content_weight", *BY_GRAM),
)
Part = tuple[tuple[str, ...], tuple[str, ...]]

WHOLE_PIXELS = 200_000  # an image up to this size is worked on as a whole, in any case
LARGEST_TILE = 150_000
SMALLEST_TILE = 20_000  # pixels; most of a smaller one would be margins
ROOMY = 800  # MB, from which on compiled networks are kept for the next painting, 12 MB each
KEPT = 12  # of them

# What a painting takes, measured: once, and for each pixel of the image and of a tile.
FIXED_MB = 60
LEFT_MB = 10  # of it, which stays after the first painting and serves the next
BYTES_OF_PIXEL = 376
BYTES_OF_PIXEL_IF_LARGE = 130
LARGE = 2**19  # numbers of an image; from there on its content is kept in 8 bits, to 3%
BYTES_OF_WHOLE = 700  # in bf16, as the next
BYTES_OF_TILE = 950  # 640 to 850 were measured; the rest is for what varies


def pixels_at_once(pixels: int, megabytes: float, precision: Precision) -> int:
    """How large a tile may be, for a painting of so many pixels in so much memory."""
    each = BYTES_OF_PIXEL_IF_LARGE if 3 * pixels > LARGE else BYTES_OF_PIXEL
    left = (megabytes - FIXED_MB) * 2**20 - each * pixels
    if precision == "f32":
        left /= 2
    whole = left > BYTES_OF_WHOLE * pixels
    if whole and (megabytes > ROOMY or pixels <= WHOLE_PIXELS):
        return pixels
    most = max(0, int(left / BYTES_OF_TILE))
    return most if megabytes > ROOMY else min(most, LARGEST_TILE)


class Loss(NamedTuple):
    """Relative squared errors and the whole loss's gradient by the image `[1, 3, H, W]`."""

    content: float
    style: float
    gradient: Array


class Engine(Protocol):
    """What evaluates the network: OpenVINO or torch. Images are `[1, 3, H, W]`, RGB, 0 to 1."""

    def within(self, megabytes: float, pixels: int) -> "Engine | None":
        """The same for a painting of so many pixels; None if they need more memory."""

    def content(self, image: Array) -> Features:
        """The features `[1, 128, H/2, W/2]` by which content is compared."""

    def grams(self, image: Array) -> tuple[Array, ...]:
        """The mean of f fᵀ over all pixels, `[C, C]`, for each layer of style."""

    def loss(
        self, content: Features, style_weight: float, grams: tuple[Array, ...]
    ) -> AbstractContextManager[Callable[[Array], Loss]]:
        """The loss of images with the size of the one that `content` was computed from.

        Both parts are relative errors, so that one style weight suits every painting:
        loss = |F - C|² / |C|² + style_weight * mean over the layers of |G - T|² / |T|².
        What the engine holds for this size is freed at the end of the context.
        """


@dataclass(frozen=True)
class Tile:
    """`window` is looked at, for the sake of the pixels in `inner`; slices of rows and columns."""

    window: tuple[slice, slice]
    inner: tuple[slice, slice]

    def area(self) -> Array:
        """`[1, 1, h, w]` of the window, 1 in the inner part, else 0."""
        rows, columns = self.window
        area = np.zeros((1, 1, rows.stop - rows.start, columns.stop - columns.start), np.float32)
        area[:, :, *self.inner_in_window()] = 1
        return area

    def inner_in_window(self) -> tuple[slice, slice]:
        (rows, columns), (top, left) = self.inner, (side.start for side in self.window)
        return (
            slice(rows.start - top, rows.stop - top),
            slice(columns.start - left, columns.stop - left),
        )


def tiles(height: int, width: int, largest: int) -> list[Tile]:
    """All of one size, of at most `largest` pixels if that can be; the least work that way."""
    choices = [
        (h * w * len(rows) * len(columns), rows, columns)
        for h, rows in _cuts(height)
        for w, columns in _cuts(width)
        if h * w <= largest
    ]
    if not choices:
        return tiles(height, width, largest * 2)
    _, rows, columns = min(choices, key=lambda choice: choice[0])
    return [Tile((a[0], b[0]), (a[1], b[1])) for a, b in product(rows, columns)]


def _cuts(length: int) -> Iterator[tuple[int, list[tuple[slice, slice]]]]:
    """A side of an image in 1, 2, 3... parts: the window's length, then windows and inner parts."""
    for count in range(1, length // (2 * MARGIN) + 2):
        inner = -(-length // (4 * count)) * 4
        window = min(length, inner + MARGIN * min(count - 1, 2))
        cuts = []
        for start in range(0, length, inner):
            first = min(max(start - MARGIN, 0), length - window)
            cuts.append((slice(first, first + window), slice(start, min(start + inner, length))))
        yield window, cuts


def gram_terms(
    grams: tuple[Array, ...], style_weight: float, pixels: int
) -> tuple[Array, tuple[Array, ...]]:
    """`gram_weights` and `targets` of the network, which make the gradient out of plain sums."""
    factors = [
        4 * style_weight * area / (len(grams) * pixels * float(np.vdot(gram, gram)))
        for gram, area in zip(grams, PIXELS, strict=True)
    ]
    weights = [factor * area / pixels for factor, area in zip(factors, PIXELS, strict=True)]
    targets = [np.float32(factor) * gram for gram, factor in zip(grams, factors, strict=True)]
    return np.array(weights, np.float32), tuple(targets)


def style_error(sums: tuple[Array, ...], grams: tuple[Array, ...], pixels: int) -> float:
    """The mean over the layers of |G - T|² / |T|², from the sums of all `pixels` of the image."""
    errors = []
    for total, target, area in zip(sums, grams, PIXELS, strict=True):
        difference = total * np.float32(area / pixels) - target
        errors.append(float(np.vdot(difference, difference) / np.vdot(target, target)))
    return sum(errors) / len(errors)


def energy(content: Features) -> float:
    """|C|²"""
    channels = (unpacked(channel) for channel in content[0])
    return sum(float(np.square(channel, dtype=np.float32).sum()) for channel in channels)


def packed(features: Half) -> NDArray[np.uint8]:
    """Numbers of half precision, 0 or more, in 8 bits: 5 of exponent, 3 of mantissa."""
    return ((features.view(np.uint16) + 64) >> 7).astype(np.uint8)


def unpacked(features: Features) -> Half:
    if features.dtype == np.uint8:
        return (features.astype(np.uint16) << 7).view(np.float16)
    return features.astype(np.float16, copy=False)


class OpenVino:
    """The exported network, compiled for each size: fixed sizes take half the time and memory."""

    def __init__(self, precision: Precision | None = None, largest: int = WHOLE_PIXELS) -> None:
        self.precision: Precision = precision or native_precision()
        self.largest = largest  # pixels of an image, or of a tile, that are worked on at once
        self.kept = KEPT
        self._idle: list[tuple[tuple[Part, int, int], ov.CompiledModel]] = []
        self._lock = threading.Lock()
        self._has_painted = threading.Event()

    def within(self, megabytes: float, pixels: int) -> "OpenVino | None":
        engine = copy(self)  # which shares the compiled networks
        if self._has_painted.is_set():
            megabytes += LEFT_MB
        engine.largest = pixels_at_once(pixels, megabytes, self.precision)
        engine.kept = KEPT if megabytes > ROOMY else 0
        return engine if engine.largest >= min(pixels, SMALLEST_TILE) else None

    def content(self, image: Array) -> Features:
        _, _, height, width = image.shape
        large = image.size > LARGE
        content = np.empty((1, 128, height // 2, width // 2), np.uint8 if large else np.float16)
        cut = tiles(height, width, self.largest)
        with self._network(FEATURES, cut[0]) as (run, _):
            for tile in cut:
                features = run([_piece(image, tile.window)])[0]
                inner = features[:, :, *_halved(tile.inner_in_window())].astype(
                    np.float16, copy=False
                )
                content[:, :, *_halved(tile.inner)] = packed(inner) if large else inner
        return content

    def grams(self, image: Array) -> tuple[Array, ...]:
        _, _, height, width = image.shape
        cut = tiles(height, width, self.largest)
        with self._network(GRAMS, cut[0]) as (run, _):
            sums = _gram_sums(run, image, cut)
        return tuple(
            total * np.float32(area / (height * width))
            for total, area in zip(sums, PIXELS, strict=True)
        )

    @contextmanager
    def loss(
        self, content: Features, style_weight: float, grams: tuple[Array, ...]
    ) -> Iterator[Callable[[Array], Loss]]:
        height, width = 2 * content.shape[2], 2 * content.shape[3]
        pixels, content_energy = height * width, energy(content)
        content_weight = np.array(2 / content_energy, np.float32)
        gram_weights, targets = gram_terms(grams, style_weight, pixels)
        cut = tiles(height, width, self.largest)

        def whole(image: Array) -> Loss:
            wanted = unpacked(content)
            *sums, error, gradient = run([image, wanted, content_weight, gram_weights, *targets])
            style = style_error(tuple(sums), grams, pixels)
            return Loss(float(error) / content_energy, style, gradient)

        def tiled(image: Array) -> Loss:
            sums = _gram_sums(run_sums, image, cut)
            free_sums()  # the memory that the other pass takes
            by_gram = [
                weight * total - target
                for weight, total, target in zip(gram_weights, sums, targets, strict=True)
            ]
            gradient = np.empty_like(image)
            squared_error = 0.0
            for tile in cut:
                wanted = np.ascontiguousarray(unpacked(content[:, :, *_halved(tile.window)]))
                inputs = [_piece(image, tile.window), tile.area(), wanted, content_weight, *by_gram]
                error, piece = run(inputs)
                squared_error += float(error)
                gradient[:, :, *tile.inner] = piece[:, :, *tile.inner_in_window()]
            free()
            style = style_error(sums, grams, pixels)
            return Loss(squared_error / content_energy, style, gradient)

        if len(cut) == 1:
            with self._network(STEP, cut[0]) as (run, _):
                yield whole
        else:
            with (
                self._network(GRAMS, cut[0]) as (run_sums, free_sums),
                self._network(TILE, cut[0]) as (run, free),
            ):
                yield tiled
        self._has_painted.set()

    @contextmanager
    def _network(self, part: Part, tile: Tile) -> Iterator[tuple[Run, Callable[[], None]]]:
        """Lends a compiled part of the network to one thread: what runs it, and what frees its
        buffers until the next run; at the end they are freed in any case.
        """
        height, width = (side.stop - side.start for side in tile.window)
        key = (part, height, width)
        with self._lock:
            found = next((i for i, (kept, _) in enumerate(self._idle) if kept == key), None)
            network = None if found is None else self._idle.pop(found)[1]
        if network is None:
            network = compiled(cut_network(part, height, width), self.precision)
        request = network.create_infer_request()

        def run(inputs: Sequence[NDArray[np.floating]]) -> list[Array]:
            return list(request.infer(list(inputs), share_inputs=True).values())

        try:
            yield run, network.release_memory
        finally:
            network.release_memory()
            with self._lock:
                self._idle.append((key, network))
                del self._idle[: -self.kept or None]


def _piece(array: NDArray[Scalar], window: tuple[slice, slice]) -> NDArray[Scalar]:
    return np.ascontiguousarray(array[:, :, *window])


def _halved(slices: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = (slice(side.start // 2, side.stop // 2) for side in slices)
    return rows, columns


def _gram_sums(run: Run, image: Array, cut: list[Tile]) -> tuple[Array, ...]:
    sums = run([_piece(image, cut[0].window), cut[0].area()])
    for tile in cut[1:]:  # added up at once: those of a hundred tiles would take 40 MB
        parts = run([_piece(image, tile.window), tile.area()])
        sums = [total + part for total, part in zip(sums, parts, strict=True)]
    return tuple(sums)


def cut_network(part: Part, height: int, width: int) -> ov.Model:
    """The part of the exported network that computes some outputs from some inputs."""
    outputs, inputs = part
    model = core().read_model(checked("nst.xml", "nst.bin"))
    parameters = {node.output(0).any_name: node for node in model.get_parameters()}
    if "area" not in inputs:  # the whole image counts; the compiler then drops the products by 1
        ones = ops.constant(np.ones((1, 1, height, width), np.float32))
        parameters["area"].output(0).replace(ones.output(0))
    for name in set(BY_GRAM) & set(inputs):  # then it is not computed but given
        computed = model.output(name).get_node().input_value(0)
        parameters[name] = ops.parameter(computed.shape, np.float32)
        for used in computed.get_target_inputs():
            used.replace_source_output(parameters[name].output(0))
    cut = ov.Model([model.output(name) for name in outputs], [parameters[i] for i in inputs])
    shapes = {
        "image": [1, 3, height, width],
        "area": [1, 1, height, width],
        "content": [1, 128, height // 2, width // 2],
    }
    cut.reshape({i: shapes[name] for i, name in enumerate(inputs) if name in shapes})
    return cut


@cache
def get_engine(name: settings.Engine = "auto") -> Engine:
    if uses_torch(name):
        from model_nst.torch_engine import Torch  # the bot on a CPU never imports torch

        return Torch()
    return OpenVino()
