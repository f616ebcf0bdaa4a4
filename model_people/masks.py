"""Soft maps of the faces in a photo and of their features, at any size."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from model_people.faces import Face, People

Array = NDArray[np.float32]
Outlines = Sequence[Sequence[int]]

OVAL = (
    (
        *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
        *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
    ),
)
# Eyes, brows, mouth, nose.
FEATURES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146),
    (168, 48, 64, 98, 2, 327, 294, 278),
)
RASTER = 160  # pixels of the square in which a face is drawn
REACH = 0.8  # half of its side, of the face's


def face_map(people: People, width: int, height: int, grow: float = 0.0) -> Array:
    """Maps the faces: `[height, width]`, 1 in the ovals, 0 outside, soft at the edge.

    `grow` makes the ovals larger, by that share of the face's width on each side.
    """
    return _map(people, width, height, OVAL, grow, 0.05)


def features_map(people: People, width: int, height: int) -> Array:
    """Maps eyes, brows, noses and mouths: `[height, width]`, 1 there, 0 elsewhere, soft."""
    return _map(people, width, height, FEATURES, 0.02, 0.025)


def _map(
    people: People, width: int, height: int, outlines: Outlines, grow: float, blur: float
) -> Array:
    """`grow` and the deviation `blur` are shares of a face's width."""
    result = np.zeros((height, width), np.float32)
    scale = np.divide((width, height), people.size, dtype=np.float32)
    for face in people.faces:
        centre = np.array(face.centre, np.float32)
        reach = REACH * max(face.width, face.box[3] - face.box[1])
        low = np.maximum(np.floor((centre - reach) * scale), 0).astype(int)
        high = np.minimum(np.ceil((centre + reach) * scale), (width, height)).astype(int)
        if (low >= high).any():
            continue
        # The drawing is larger by a margin, so that the whole pixels of the map lie in it.
        pixel: Array = np.reciprocal(scale)
        origin: Array = centre - np.float32(reach) - pixel
        side: Array = np.float32(2 * reach) + 2 * pixel
        drawn = _drawn(face, origin, side, outlines, grow, blur)
        corners = np.stack((low, high)) / scale
        (x0, y0), (x1, y1) = np.clip((corners - origin) / side * RASTER, 0, RASTER).tolist()
        piece = drawn.resize(
            (int(high[0] - low[0]), int(high[1] - low[1])),
            Image.Resampling.BILINEAR,
            box=(x0, y0, x1, y1),
        )
        part = result[low[1] : high[1], low[0] : high[0]]
        np.maximum(part, np.asarray(piece), out=part)
    return result


def _drawn(
    face: Face, origin: Array, side: Array, outlines: Outlines, grow: float, blur: float
) -> Image.Image:
    """The outlines filled in a square of `RASTER` pixels, mode F, 0 to 1."""
    canvas = Image.new("L", (RASTER, RASTER))
    pen = ImageDraw.Draw(canvas)
    pixels = RASTER * face.width / float(side.mean())
    points = (face.landmarks - origin) / side * RASTER
    for outline in outlines:
        corners = [(x, y) for x, y in points[list(outline)].tolist()]
        pen.polygon(corners, fill=255)
        if grow:
            closed = [*corners, *corners[:2]]
            pen.line(closed, fill=255, width=max(1, round(2 * grow * pixels)), joint="curve")
    soft = canvas.filter(ImageFilter.GaussianBlur(blur * pixels))
    return soft.convert("F").point(lambda value: value * (1 / 255))
