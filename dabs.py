"""Lays the finest detail of an enlarged painting out in dabs, as a brush would have it.

A Kuwahara filter in the form of Papari, Petkov and Campisi, "Artistic Edge and Corner Enhancing
Smoothing" (2007): each pixel becomes a mean of the squares around it, in which the even ones count
most. What is left of a photo's grain becomes flat, edges stay sharp.
"""

import numpy as np
from PIL import Image

from guided import Array, box_mean

LUMINANCE = np.array((0.299, 0.587, 0.114), np.float32)
BAND = 256  # rows that are worked on at once
FROM, WHOLLY_AT = 1.25, 2.25  # times a painting is enlarged, where dabs begin, and where all is
DAB = 2.2  # as many times it is enlarged for each pixel of a dab's half side
EVEN = 4.0  # variance of luminance, of 255², below which all squares are alike
KEPT = 0.7  # share of a face that is left as it is
PLACES = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]


def in_dabs(picture: Image.Image, enlarged: float, faces: Array | None = None) -> Image.Image:
    """The RGB picture, that many times as long as it was painted, in dabs; itself where it is
    hardly larger. Faces, `[h, w]` of 0 to 1 in any size, are mostly left.
    """
    share = min(1.0, (enlarged - FROM) / (WHOLLY_AT - FROM))
    if share <= 0:
        return picture
    half = max(1, round(enlarged / DAB))
    map_of_faces = None if faces is None else Image.fromarray(np.minimum(faces, 1))
    width, height = picture.size
    result = Image.new("RGB", picture.size)
    for top in range(0, height, BAND):
        bottom = min(top + BAND, height)
        first, last = max(0, top - 2 * half), min(height, bottom + 2 * half)
        rows = np.asarray(picture.crop((0, first, width, last)), np.float32)
        change = (_dabs(rows, half) - rows)[top - first : bottom - first]
        if map_of_faces:
            scale = map_of_faces.height / height
            box = (0, top * scale, map_of_faces.width, bottom * scale)
            kept = map_of_faces.resize((width, bottom - top), Image.Resampling.BILINEAR, box)
            change *= 1 - KEPT * np.asarray(kept)[..., None]
        laid = rows[top - first : bottom - first] + np.float32(share) * change
        np.clip(laid + 0.5, 0, 255, out=laid)
        result.paste(Image.fromarray(laid.astype(np.uint8)), (0, top))
    return result


def _dabs(colours: Array, half: int) -> Array:
    """`[H, W, 3]` of 0 to 255, in squares of this half side."""
    height, width = colours.shape[:2]
    luminance = colours @ LUMINANCE
    mean = box_mean(luminance, half)
    variance = np.maximum(box_mean(luminance**2, half) - mean**2, 0)
    evenness = (variance + np.float32(EVEN)) ** -2
    evenness *= evenness
    planes = [box_mean(np.ascontiguousarray(plane), half) for plane in np.moveaxis(colours, 2, 0)]
    weights, *sums = (np.zeros((height, width), np.float32) for _ in range(4))
    padded = [np.pad(plane, half, "edge") for plane in (evenness, *planes)]
    for down, right in PLACES:
        rows = slice(half * (1 + down), half * (1 + down) + height)
        columns = slice(half * (1 + right), half * (1 + right) + width)
        weight, *there = (plane[rows, columns] for plane in padded)
        weights += weight
        for total, plane in zip(sums, there, strict=True):
            total += weight * plane
    return np.stack([total / weights for total in sums], 2)
