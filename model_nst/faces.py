"""Keeps faces the faces they are: style moves them less, and they are begun anew from the photo.

While the image is small a face spans a few pixels, and style makes something else of it. So at the
scale where a face has room for its features it starts again, as the photo has it, with a part of
the style's colours; from there on strokes run through it, but less through eyes, nose and mouth.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from model_nst.colours import in_colours_of, luminance
from model_nst.images import Array
from model_nst.losses import Guidance
from wishes import Strength

BEGUN_AT = 384  # pixels; the scale from which on faces are painted anew
KEPT = 0.82  # share of the face anew, the rest is the painting so far
CHROMA = 0.65  # of the way from the photo's colours to the style's, in a face begun anew


class Keeping(NamedTuple):
    """How much the content loss is raised, and style held back, in a face and at its features."""

    content: float
    content_of_features: float
    style: float
    style_of_features: float


KEEPING: dict[Strength, Keeping] = {
    "soft": Keeping(0.8, 6, 0.35, 0.45),
    "normal": Keeping(1.2, 8, 0.42, 0.45),
    "strong": Keeping(3, 20, 0.6, 0.35),
}
# How much style is held back where skin has the colours of the style's: more in a small face, as
# the maps say, and in none less than in a large one.
OF_SKIN, LARGE = 0.65, 0.65
LAID_OVER, MOST_LAID_OVER = 0.75, 0.9  # of a face's light and shade, where painted in one pass
LAID_CHROMA = 0.8  # and of its skin's chroma
LEAST_STYLE = 0.05  # no pixel counts less in the Gram matrices


class FaceMaps(NamedTuple):
    """Soft maps `[H, W]`, 0 to about 1.5: the smaller a face, the higher, since fewer strokes would
    hide it.
    """

    faces: Array
    features: Array  # eyes, brows, noses and mouths
    around: Array  # 0 to 1, what lies near the faces and the faces themselves

    def at(self, height: int, width: int) -> "FaceMaps":
        """The same maps in another size."""
        return FaceMaps(*(_scaled(plane, height, width) for plane in self))


def guidance(
    maps: FaceMaps, image: Array, strength: Strength, skin: Array | None = None
) -> Guidance:
    """The loss's guidance for images of the size of this one, `[1, 3, H, W]`, both even. In `skin`,
    `[h, w]` of any size, the photo has the style's colours already.
    """
    height, width = image.shape[2:]
    keeping = KEEPING[strength]
    faces, features, _ = maps.at(height // 2, width // 2)
    if skin is not None:
        np.maximum(faces, _scaled(skin, *faces.shape), out=faces)
    content = 1 + keeping.content * faces + keeping.content_of_features * features
    faces, features, _ = maps.at(height, width)
    style = 1 - keeping.style * faces - keeping.style_of_features * features
    if skin is not None:
        style *= 1 - OF_SKIN * _scaled(skin, height, width) * np.maximum(faces, LARGE)
    return Guidance(content[None, None], np.maximum(style, LEAST_STYLE)[None, None])


def begun_anew(
    x: Array,
    photo: Array,
    styles: Sequence[tuple[Array, float]],
    maps: FaceMaps,
    skin: Array | None = None,
) -> Array:
    """Lays the photo's faces, partly in the styles' colours, over most of what was painted there;
    its skin, too, where it is given.

    `x`, the result and `photo` are `[1, 3, H, W]`, 0 to 1; `styles` are such arrays of any size,
    with their shares. In its `skin`, `[h, w]` of any size, the photo has their colours already.
    """
    faces = np.minimum(maps.at(*photo.shape[2:]).faces, 1)
    coloured = sum(share * in_colours_of(photo, style) for style, share in styles)
    moving = np.full_like(faces, CHROMA)
    if skin is not None:
        shown = _scaled(skin, *photo.shape[2:])
        np.maximum(faces, shown, out=faces)
        moving *= 1 - shown
    moved = photo + moving * (coloured - photo)
    # A face keeps its own light and shade: of the style's colours it gets the chroma alone.
    moved += luminance(photo) - luminance(moved)
    return np.clip(x + KEPT * faces * (moved - x), 0, 1).astype(np.float32)


def laid_over(picture: Array, photo: Array, maps: FaceMaps, skin: Array | None = None) -> Array:
    """Gives faces in a picture that was painted in one pass the photo's own light and shade, as far
    as they differ from their means over squares as large as the faces; the picture keeps its tone.
    Where `skin` is, `[h, w]` of any size, it gets most of the photo's chroma.

    The others are `[1, 3, H, W]`, 0 to 1.
    """
    faces, features, _ = maps.at(*photo.shape[2:])
    kept = np.clip(LAID_OVER * np.maximum(faces, features), 0, MOST_LAID_OVER)
    radius = 2 + round(float(np.count_nonzero(faces > 0.5)) ** 0.5)
    own, painted = (luminance(image) for image in (photo, picture))
    change = kept * (_shade(own[0, 0], radius) - _shade(painted[0, 0], radius))
    if skin is not None:
        shown = np.float32(LAID_CHROMA) * _scaled(skin, *photo.shape[2:])
        change = change + shown * (photo - own - picture + painted)
    result: Array = np.clip(picture + change, 0, 1).astype(np.float32)
    return result


def _shade(luminance: Array, radius: int) -> Array:
    """What differs from the mean around; `[H, W]`."""
    grey = Image.fromarray((luminance * 255 + 0.5).astype(np.uint8))
    around = np.asarray(grey.filter(ImageFilter.BoxBlur(radius)), np.float32)
    return luminance - around / np.float32(255)


def calmed(x: Array, maps: FaceMaps) -> Array:
    """Blurs away the grain near faces, of which the next scale would make blocks and specks.

    `x` and the result are `[1, 3, H, W]`, 0 to 1.
    """
    around = np.minimum(maps.at(*x.shape[2:]).around, 1)
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), "edge")
    # 1 2 1 down and across: a deviation of .7 pixels.
    rows = (wide[:, :, :-2] + 2 * wide[:, :, 1:-1] + wide[:, :, 2:]) / 4
    smooth = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 4
    result: Array = (x + around * (smooth - x)).astype(np.float32)
    return result


def _scaled(plane: Array, height: int, width: int) -> Array:
    image = Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR)
    return np.array(image, np.float32)
