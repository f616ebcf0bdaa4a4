"""Where persons show skin: their faces, and what has the colours of these.

The colours are learnt from each face's own oval, without eyes, brows and mouth, so that any skin in
any light is found.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from guided import coefficients
from model_people.faces import Face, People
from model_people.masks import face_map, features_map
from model_people.persons import persons_mask

Array = NDArray[np.float32]

SIZE = 320  # pixels; long side of the map
REACH = 6.0  # widths of a face, how far from its middle its skin is looked for
HAIR = 1.4  # the same, of what beside and above the chin may be hair and is not skin
CHIN = 0.3  # the same, down from its middle
MOST = 12  # faces whose skin is looked for beyond their ovals, the largest ones
LEAST = 12  # pixels of a face from which its colours are learnt
LIGHT, CHROMA = 10.0, 3.0  # added deviations of a face's luminance and chrominance, of 255
ALIKE = 2.0  # deviations within which a colour is the face's
COLOURLESS = 5.0  # of 255; chrominance of a black-and-white photo, in which suits look alike
RADIUS = 0.06  # of a face's width, within which an edge is led to one of the photo
EPSILON = 4e-4  # variance of colours, 0 to 1, below which there is no edge


def skin_map(photo: Image.Image, people: People) -> Array:
    """`[H, W]`, 1 where skin is, 0 elsewhere, soft; the long side is of `SIZE` pixels at most.

    All 0 where no face was found. `photo` is the RGB photo in which `people` were found, perhaps
    in another size.
    """
    share = min(1, SIZE / max(photo.size))
    size = max(1, round(photo.width * share)), max(1, round(photo.height * share))
    skin = face_map(people, *size)
    if not people.faces:
        return skin
    small = photo.resize(size, Image.Resampling.BILINEAR, reducing_gap=3)
    plain = (skin > 0.8) & (features_map(people, *size) < 0.2)
    colours = np.asarray(small.convert("YCbCr"), np.float32)
    scale = size[0] / people.size[0]
    alike = np.zeros_like(skin)
    for face in people.faces[:MOST]:
        _add_alike(colours, plain, face, scale, alike)
    if alike.any():
        np.maximum(skin, alike * persons_mask(photo, people, *size), out=skin)
    width = scale * float(np.median([face.width for face in people.faces]))
    guide = np.asarray(small, np.float32) / np.float32(255)
    *slopes, offset = coefficients(skin, guide, max(1, round(RADIUS * width)), EPSILON)
    led = offset + sum(slope * guide[..., i] for i, slope in enumerate(slopes))
    result: Array = np.clip((led - 0.2) / 0.6, 0, 1).astype(np.float32)
    return result


def _add_alike(
    colours: Array, plain: NDArray[np.bool_], face: Face, scale: float, alike: Array
) -> None:
    """Adds to a map what is coloured like the `plain` parts of this face and not far from it."""
    box = _around(face, 0.5, scale)
    own = colours[box][plain[box]]
    if len(own) < LEAST:
        return
    middle = np.median(own, 0)
    if np.hypot(*(middle[1:] - 128)) < COLOURLESS:
        return
    spread = np.cov((own - middle).T) + np.diag(np.square((LIGHT, CHROMA, CHROMA)))
    reach = _around(face, REACH, scale)
    apart = colours[reach] - middle
    deviations = np.sqrt(np.einsum("hwc,cd,hwd->hw", apart, np.linalg.inv(spread), apart))
    near = np.exp(-2 * np.maximum(deviations - ALIKE, 0))
    down, right = np.arange(len(colours))[reach[0]], np.arange(colours.shape[1])[reach[1]]
    x, y = (
        (at - scale * centre) / (scale * face.width)
        for at, centre in zip((right[None], down[:, None]), face.centre, strict=True)
    )
    below = np.cos(face.roll) * y - np.sin(face.roll) * x
    near[(np.hypot(x, y) < HAIR) & (below < CHIN)] = 0
    np.maximum(alike[reach], near, out=alike[reach])


def _around(face: Face, widths: float, scale: float) -> tuple[slice, slice]:
    """The rows and the columns that are so near to the middle of a face."""
    x, y = (scale * at for at in face.centre)
    reach = scale * widths * face.width
    return (
        slice(max(0, round(y - reach)), max(0, round(y + reach))),
        slice(max(0, round(x - reach)), max(0, round(x + reach))),
    )
