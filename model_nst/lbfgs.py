"""L-BFGS in the box of 0 to 1.

Nocedal, "Updating Quasi-Newton Matrices with Limited Storage" (1980).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_nst.images import Array
from model_nst.losses import Loss
from model_nst.weave import without_weave

LARGE = 2**20  # numbers of an image; of a larger one only the last move is kept
FIRST_STEP = 0.05  # largest change of a pixel in the first step
SMALL = 2**17  # numbers of an image; of a larger one moves are kept in half precision
BLOCK = 2**16  # numbers of an image that are worked on at once where they change their precision


class Move(NamedTuple):
    """What was learnt from a step: the changes of image and gradient, flat, and their product."""

    dx: NDArray[np.floating]
    dg: NDArray[np.floating]
    curvature: float


def minimise(
    loss: Callable[[Array], Loss], x: Array, style_weight: float, steps: int
) -> Iterator[Array]:
    """Starts at `x`, `[1, 3, H, W]`, 0 to 1, and yields after each step the best image so far.

    What is made small is content + style_weight * style. Steps have full length and cost one
    evaluation each. A line search does not pay: the loss falls at nearly every step, and where it
    rises the best image so far is kept.
    """
    best, lowest = x, float("inf")
    moves: list[Move] = []
    history = 1 if x.size > LARGE else 10
    kept = "float16" if x.size > SMALL else "float32"
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
            direction = without_weave(gradient * -FIRST_STEP)
        else:
            dx, dg = _change(x, previous_x, kept), _change(gradient, previous_gradient, kept)
            del previous_x, previous_gradient
            curvature = _inner(dx, dg)
            if curvature > 1e-6 * _inner(dg, dg) > 0:
                moves = [*moves, Move(dx, dg, curvature)][-history:]
            del dx, dg
            direction = _inverse_hessian_times(gradient, moves)
            direction *= -1
        previous_x, previous_gradient = x, gradient.astype(kept, copy=False)
        del gradient
        direction += x
        x = np.clip(direction, 0, 1, out=direction)


def _change(now: Array, before: NDArray[np.floating], kept: str) -> NDArray[np.floating]:
    """The difference of two arrays of one shape, flat, in the precision `kept`."""
    change: NDArray[np.floating] = np.empty(now.size, kept)
    np.subtract(now.ravel(), before.ravel(), change, dtype="float32", casting="same_kind")
    return change


def _inverse_hessian_times(gradient: Array, moves: list[Move]) -> Array:
    """The two-loop recursion; keeps the shape of `gradient`. What it begins with does not weave."""
    q = gradient.ravel().copy()
    products: list[float] = []
    for dx, dg, curvature in reversed(moves):
        products.append(_inner(dx, q) / curvature)
        _add(q, -products[-1], dg)
    if moves:
        _, dg, curvature = moves[-1]
        q *= np.float32(curvature / _inner(dg, dg))
    without_weave(q.reshape(gradient.shape))
    for (dx, dg, curvature), product in zip(moves, reversed(products), strict=True):
        _add(q, product - _inner(dg, q) / curvature, dx)
    return q.reshape(gradient.shape)


def _inner(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """The inner product of flat arrays, summed in single precision, with no whole copy made."""
    return sum(float(a[i].astype(np.float32) @ b[i].astype(np.float32)) for i in _blocks(a.size))


def _add(q: Array, factor: float, change: NDArray[np.floating]) -> None:
    for i in _blocks(q.size):
        q[i] += np.float32(factor) * change[i]


def _blocks(size: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, size, BLOCK))
