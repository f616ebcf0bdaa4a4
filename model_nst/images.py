"""Images as arrays: float32 `[1, 3, H, W]`, RGB, 0 to 1; and how large ones' features are kept."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float32]
Half = NDArray[np.float16]
Features = Half | NDArray[np.uint8]  # the latter as `packed`

LARGE = 2**19  # numbers of an image; from there on what is kept of it takes fewer bits, to 3%
SMALLEST_WORKED_AT = 128  # pixels; a smaller photo is enlarged to it, or no stroke would fit


def to_array(image: Image.Image) -> Array:
    """Converts an RGB picture of `H` rows and `W` columns to `[1, 3, H, W]`, 0 to 1."""
    pixels = np.asarray(image, np.float32) / 255
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def to_image(array: Array) -> Image.Image:
    """Converts `[1, 3, H, W]`, 0 to 1, to an RGB picture of `H` rows and `W` columns."""
    return Image.fromarray((array[0].transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8))


def enlarged(array: Array, like: Array) -> Array:
    """Enlarges `[1, C, h, w]` to `[1, C, H, W]`, the height and width of `like`; bicubic.

    Bicubic interpolation may leave the range of 0 to 1 by a little.
    """
    height, width = like.shape[2:]
    channels = [
        Image.fromarray(channel).resize((width, height), Image.Resampling.BICUBIC)
        for channel in array[0]
    ]
    return np.stack([np.asarray(channel, np.float32) for channel in channels])[None]


def resized(image: Image.Image, long_side: int) -> Image.Image:
    """Scales to this long side in pixels, then rounds both sides to multiples of 4, for pooling."""
    scale = long_side / max(image.size)
    width, height = (max(4, round(side * scale / 4) * 4) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def working_copy(photo: Image.Image, size: int) -> Image.Image:
    """Scales to a long side of `size` pixels, or leaves the photo's own where that is shorter, but
    not less than `SMALLEST_WORKED_AT`.
    """
    scale = min(size, max(SMALLEST_WORKED_AT, *photo.size)) / max(photo.size)
    width, height = (max(1, round(side * scale)) for side in photo.size)
    return photo.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3)


def padded_size(size: tuple[int, int]) -> tuple[int, int]:
    """Rounds width and height up to multiples of 4."""
    width, height = size
    return width + -width % 4, height + -height % 4


def padded(image: Image.Image) -> Image.Image:
    """Mirrors an RGB picture at its right and lower edge, up to its `padded_size`."""
    width, height = padded_size(image.size)
    margins = ((0, height - image.height), (0, width - image.width), (0, 0))
    return Image.fromarray(np.pad(np.asarray(image), margins, "symmetric"))


def packed(features: Half) -> NDArray[np.uint8]:
    """Rounds numbers of half precision, 0 or more, to 8 bits: 5 of exponent, 3 of mantissa.

    The shape stays.
    """
    return ((features.view(np.uint16) + 64) >> 7).astype(np.uint8)


def unpacked(features: Features) -> Half:
    """Gives features of the same shape in half precision, whether they are `packed` or not."""
    if features.dtype == np.uint8:
        return (features.astype(np.uint16) << 7).view(np.float16)
    return features.astype(np.float16, copy=False)
