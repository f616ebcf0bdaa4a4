"""Paints a content image in the style of another: Gatys' optimisation, from coarse to fine.

The large strokes are made on a small image, where a step costs little and a stroke spans many
pixels of the network's view; each finer scale starts from the enlarged result of the one before.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model_nst import preset_grams
from model_nst.engine import LARGE, Array, Engine, Loss
from wishes import Strength, Strokes

# Long side of the style image to the painting's: what is seen larger is painted larger.
STROKE_SCALES: dict[Strokes, float] = {"fine": 0.6, "normal": 1, "large": 1.6}
STYLE_WEIGHTS: dict[Strength, float] = {"soft": 6, "normal": 60, "strong": 600}
# By long side in pixels: L-BFGS steps, and the content loss's weight. While the image is small the
# style leads and lays out its strokes; then the photo's own lines come back.
SCALES = {96: (60, 0.2), 192: (24, 0.2), 384: (18, 0.2), 768: (6, 0.4)}
LAST_SCALE = (8, 0.25)  # the working size itself
FIRST_STEP = 0.05  # largest change of a pixel in the first step of a scale
START = 0.7  # share of the content image in the style's colours in the first image
BLOCK = 2**16  # numbers of an image that are worked on at once where they change their precision
NOISE = 0.15  # standard deviation of the first image's noise, from which flat areas get strokes


class Move(NamedTuple):
    """What a step of L-BFGS told it: the changes of the image and of the gradient, flat, and the
    inner product of the two.
    """

    dx: NDArray[np.floating]
    dg: NDArray[np.floating]
    curvature: float


def transfer(
    content: Image.Image,
    style: Image.Image,
    engine: Engine,
    strength: Strength = "normal",
    variation: int = 0,
    on_progress: Callable[[float], None] | None = None,
    on_scale: Callable[[Image.Image], None] | None = None,
    *,
    strokes: Strokes = "normal",
    second: Image.Image | None = None,
    mix: float = 0.5,
) -> Image.Image:
    """Paints at the size of `content`; all are RGB.

    With a `second` style image, `mix` is its share, 0 to 1, in Gram matrices and colours.
    Each `variation` starts from noise of its own. `on_progress` gets the share done, 0 to 1, after
    every step, and `on_scale` the painting so far, small, after every scale but the last; whatever
    they raise stops the work.
    """
    width, height = content.size
    padded = _padded(content)
    scales = schedule(max(padded.size))
    work = sum(side**2 * steps for side, steps, _ in scales)
    done = 0.0
    coarser = scales[0][0]
    styles = [(style, 1 - mix), (second, mix)] if second else [(style, 1.0)]
    x = first_image(
        to_array(resized(padded, coarser)),
        [(to_array(resized(image, coarser)), share) for image, share in styles],
        variation,
    )
    for side, steps, content_weight in scales:
        coarse, photo = (to_array(resized(padded, length)) for length in (coarser, side))
        coarser = side
        style_weight = STYLE_WEIGHTS[strength] / content_weight
        # What the enlarging lost of the photo is added again.
        x = np.clip(enlarged(x, photo) + photo - enlarged(coarse, photo), 0, 1)
        features = engine.content(photo)
        del coarse, photo  # at large sizes each array counts
        grams = style_grams(styles, round(side * STROKE_SCALES[strokes]), engine)
        with engine.loss(features, style_weight, grams) as loss:
            for best in minimise(loss, x, style_weight, steps):
                x = best
                done += side**2 / work
                if on_progress:
                    on_progress(min(done, 1.0))
        del features, loss  # and the networks with it
        if on_scale and side != scales[-1][0]:
            on_scale(to_image(x))
    return to_image(x).crop((0, 0, width, height))


def style_grams(
    styles: Sequence[tuple[Image.Image, float]], side: int, engine: Engine
) -> tuple[Array, ...]:
    """The mean of the style images' Gram matrices at this long side, weighted by their shares."""
    known = [preset_grams.load(image, side) for image, _ in styles]
    each = [
        grams or engine.grams(to_array(resized(image, side)))
        for grams, (image, _) in zip(known, styles, strict=True)
    ]
    shares = np.array([share for _, share in styles], np.float32)
    return tuple(np.tensordot(shares, np.stack(layer), 1) for layer in zip(*each, strict=True))


def first_image(photo: Array, styles: Sequence[tuple[Array, float]], variation: int) -> Array:
    """The photo, most of it in the style images' colours by their shares, under noise."""
    x = np.random.default_rng(variation).normal(0, NOISE, photo.shape).astype(np.float32)
    x += (1 - START) * photo
    for painting, share in styles:
        x += START * share * in_colours_of(photo, painting)
    return np.clip(x, 0, 1)


def schedule(long_side: int) -> list[tuple[int, int, float]]:
    """The scales: long side in pixels, number of steps, weight of the content loss."""
    coarser = [(side, *scale) for side, scale in SCALES.items() if side * 1.25 <= long_side]
    return [*coarser, (long_side, *(LAST_SCALE if coarser else SCALES[96]))]


def minimise(
    loss: Callable[[Array], Loss], x: Array, style_weight: float, steps: int
) -> Iterator[Array]:
    """L-BFGS (Nocedal 1980) with steps of full length, in the box 0 to 1; yields the best so far.

    Each step costs one evaluation of the loss. A line search does not pay: the loss falls at nearly
    every step, and where it rises the best image so far is kept.
    """
    best, lowest = x, float("inf")
    moves: list[Move] = []
    # At large sizes each array counts; and of few steps a longer history gains nothing.
    history, kept = (1, "float16") if x.size > LARGE else (10, "float32")
    previous_x = previous_gradient = x
    scale = 1.0
    for step in range(steps):
        content_loss, style_loss, gradient = loss(x)
        if (total := content_loss + style_weight * style_loss) < lowest:
            best, lowest = x, total
        yield best
        if step == steps - 1:
            return
        if step == 0:  # from here on gradients are about 1, so that half precision can hold them
            scale = 1 / max(float(np.abs(gradient).max()), 1e-12)
        gradient *= np.float32(scale)
        if step == 0:
            direction = gradient * -FIRST_STEP
        else:
            dx, dg = _change(x, previous_x, kept), _change(gradient, previous_gradient, kept)
            del previous_x, previous_gradient
            curvature = _inner(dx, dg)
            if curvature > 1e-6 * _inner(dg, dg) > 0:
                moves = [*moves[1 - history :], Move(dx, dg, curvature)]
            del dx, dg
            direction = _inverse_hessian_times(gradient, moves)
            direction *= -1
        previous_x, previous_gradient = x, gradient.astype(kept, copy=False)
        del gradient
        direction += x
        x = np.clip(direction, 0, 1, out=direction)


def _change(now: Array, before: NDArray[np.floating], kept: str) -> NDArray[np.floating]:
    """The difference, flat."""
    change: NDArray[np.floating] = np.empty(now.size, kept)
    np.subtract(now.ravel(), before.ravel(), change, dtype="float32", casting="same_kind")
    return change


def _inverse_hessian_times(gradient: Array, moves: list[Move]) -> Array:
    """The two-loop recursion of L-BFGS."""
    q = gradient.ravel().copy()
    products: list[float] = []
    for dx, dg, curvature in reversed(moves):
        products.append(_inner(dx, q) / curvature)
        _add(q, -products[-1], dg)
    if moves:
        _, dg, curvature = moves[-1]
        q *= np.float32(curvature / _inner(dg, dg))
    for (dx, dg, curvature), product in zip(moves, reversed(products), strict=True):
        _add(q, product - _inner(dg, q) / curvature, dx)
    return q.reshape(gradient.shape)


def _inner(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """The inner product, summed in single precision, with no whole copy in it."""
    return sum(float(a[i].astype(np.float32) @ b[i].astype(np.float32)) for i in _blocks(a.size))


def _add(q: Array, factor: float, change: NDArray[np.floating]) -> None:
    for i in _blocks(q.size):
        q[i] += np.float32(factor) * change[i]


def _blocks(size: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, size, BLOCK))


def in_colours_of(image: Array, style: Array) -> Array:
    """`image` with the mean and the covariance of `style`'s colours, by optimal transport.

    Pitié and Kokaram, "The linear Monge-Kantorovitch linear colour mapping" (2007).
    """
    pixels, wanted = image.reshape(3, -1), style.reshape(3, -1)
    root = _power(np.cov(pixels), 0.5)
    inverse = _power(np.cov(pixels), -0.5)
    matrix = inverse @ _power(root @ np.cov(wanted) @ root, 0.5) @ inverse
    mapped = matrix @ (pixels - pixels.mean(1, keepdims=True)) + wanted.mean(1, keepdims=True)
    return np.asarray(np.clip(mapped, 0, 1), np.float32).reshape(image.shape)


def _power(covariance: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance)
    power: NDArray[np.float64] = (vectors * np.maximum(values, 1e-6) ** exponent) @ vectors.T
    return power


def to_array(image: Image.Image) -> Array:
    """`[1, 3, H, W]`, 0 to 1."""
    pixels = np.asarray(image, np.float32) / 255
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def to_image(array: Array) -> Image.Image:
    return Image.fromarray((array[0].transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8))


def enlarged(array: Array, like: Array) -> Array:
    """Bicubic, to the size of `like`."""
    height, width = like.shape[2:]
    channels = [
        Image.fromarray(channel).resize((width, height), Image.Resampling.BICUBIC)
        for channel in array[0]
    ]
    return np.stack([np.asarray(channel, np.float32) for channel in channels])[None]


def resized(image: Image.Image, long_side: int) -> Image.Image:
    """To this long side; both sides are then rounded to multiples of 4, which pooling needs."""
    scale = long_side / max(image.size)
    width, height = (max(4, round(side * scale / 4) * 4) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def padded_size(size: tuple[int, int]) -> tuple[int, int]:
    """What `transfer` works on for a picture of this size: sides rounded up to multiples of 4."""
    width, height = size
    return width + -width % 4, height + -height % 4


def _padded(image: Image.Image) -> Image.Image:
    """Mirrored at the right and at the bottom, to `padded_size`."""
    width, height = padded_size(image.size)
    margins = ((0, height - image.height), (0, width - image.width), (0, 0))
    return Image.fromarray(np.pad(np.asarray(image), margins, "symmetric"))
