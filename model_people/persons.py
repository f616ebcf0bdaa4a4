"""The area of a photo's persons: mediapipe's selfie segmentation, led to the photo's own edges."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from guided import coefficients
from model_people.faces import Face, People
from model_people.looks import Look
from model_people.masks import face_map
from model_people.networks import run

Array = NDArray[np.float32]

SIZE = 256  # pixels of the square that the network sees
SIDES = (12.0, 5.0, 3.0)  # of what it sees around each face, in widths of the face
ABOVE = 0.2  # of such a side: from its top to the middle of the face
BORDER = 0.15  # of such a side, over which what it says gives way to what the larger one said
MOST = 40  # faces that are looked at on their own, the largest ones
WORKED_AT = 512  # pixels; long side at which edges are looked for
RADIUS = 0.04  # of a face's width, within which an edge is led to one of the photo
EPSILON = 1e-3  # variance of colours, 0 to 1, below which there is no edge
BAND = 128  # rows of a large mask that are worked on at once


def persons_mask(photo: Image.Image, people: People, width: int, height: int) -> Array:
    """Maps the persons: `[height, width]`, 1 where they are, 0 elsewhere, soft at the edges.

    All 0 where no face was found. `photo` is the RGB photo in which `people` were found.
    """
    result = np.zeros((height, width), np.float32)
    if not people.faces:
        return result
    scale = min(1, WORKED_AT / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = photo.resize(size, Image.Resampling.BILINEAR, reducing_gap=3)
    shares = shares_of_persons(photo, people, *size)
    face = np.median([face.width for face in people.faces]) * size[0] / people.size[0]
    radius = max(1, round(RADIUS * float(face)))
    planes = coefficients(shares, _unit(small), radius, EPSILON)
    *slopes, offset = (Image.fromarray(plane) for plane in planes)
    for top in range(0, height, BAND):
        rows = min(BAND, height - top)
        part = result[top : top + rows]
        part += np.asarray(_rows(offset, top, rows, width, height))
        colours = _unit(_rows(photo, top, rows, width, height))
        for i, slope in enumerate(slopes):
            part += colours[..., i] * np.asarray(_rows(slope, top, rows, width, height))
        np.clip((part - 0.1) / 0.8, 0, 1, out=part)  # without a haze
    ovals = np.maximum(2 * face_map(people, width, height) - 1, 0)  # nothing beyond the outline
    return np.maximum(result, ovals, out=result)


def shares_of_persons(photo: Image.Image, people: People, width: int, height: int) -> Array:
    """`[height, width]`, 0 to 1: what the network says, from the larger looks to the nearer ones,
    which know better.
    """
    result = np.zeros((height, width), np.float32)
    for look in _looks(people):
        said = run("persons", look.picture(photo, SIZE))[0][0, :, :, 0]
        _lay(said, look, people.size, result)
    return np.clip((result - 0.25) * 2, 0, 1, out=result)


def _looks(people: People) -> Iterator[Look]:
    for side in SIDES:
        for face in people.faces[:MOST]:
            yield _look(face, side * face.width, people.size)


def _look(face: Face, side: float, size: tuple[int, int]) -> Look:
    """The square with the face in its upper part, within the photo as far as it can be."""
    side = min(side, max(size))
    quarter = round(face.roll / (math.pi / 2)) % 4
    down = ((0, 1), (-1, 0), (0, -1), (1, 0))[quarter]
    x, y = (
        min(max(at + side * (0.5 - ABOVE) * way, side / 2), length - side / 2)
        if side < length
        else length / 2
        for at, way, length in zip(face.centre, down, size, strict=True)
    )
    return Look(x, y, side, quarter * math.pi / 2)


def _lay(said: Array, look: Look, size: tuple[int, int], result: Array) -> None:
    """Puts the network's `[SIZE, SIZE]` in its place in the map of the whole photo."""
    height, width = result.shape
    scale = np.divide((width, height), size, dtype=np.float32)
    corner = np.array((look.x - look.side / 2, look.y - look.side / 2))
    low = np.maximum(np.floor(corner * scale), 0).astype(int)
    high = np.minimum(np.ceil((corner + look.side) * scale), (width, height)).astype(int)
    if (low >= high).any():
        return
    quarter = round(look.angle / (math.pi / 2))
    upright = Image.fromarray(np.ascontiguousarray(np.rot90(said, -quarter)))
    box = (np.stack((low, high)) / scale - corner) / look.side * SIZE
    (x0, y0), (x1, y1) = np.clip(box, 0, SIZE).tolist()
    piece = upright.resize(
        (int(high[0] - low[0]), int(high[1] - low[1])),
        Image.Resampling.BILINEAR,
        box=(x0, y0, x1, y1),
    )
    columns, rows = (
        _weights(np.arange(low[i], high[i]) + 0.5, corner[i] * scale[i], look.side * scale[i], n)
        for i, n in enumerate((width, height))
    )
    weights = np.minimum(columns[None], rows[:, None])
    part = result[low[1] : high[1], low[0] : high[0]]
    part += weights * (np.asarray(piece) - part)


def _weights(at: NDArray[np.floating], start: float, side: float, length: int) -> Array:
    """0 at the border of a look, 1 from `BORDER` on, and at the border of the photo."""
    weights = np.ones(len(at), np.float32)
    if start > 0.5:
        weights = np.minimum(weights, (at - start) / (BORDER * side))
    if start + side < length - 0.5:
        weights = np.minimum(weights, (start + side - at) / (BORDER * side))
    return np.clip(weights, 0, 1).astype(np.float32)


def _unit(image: Image.Image) -> Array:
    return np.asarray(image, np.float32) / np.float32(255)


def _rows(image: Image.Image, top: int, rows: int, width: int, height: int) -> Image.Image:
    """Those of the image at another size."""
    scale = image.height / height
    box = (0, top * scale, image.width, min((top + rows) * scale, image.height))
    return image.resize((width, rows), Image.Resampling.BILINEAR, box=box)
