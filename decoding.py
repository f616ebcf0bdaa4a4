"""From hostile bytes to a picture, within limits."""

import math
import re
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from deblocking import without_blocks
from heif import as_png, is_heif, largest_size
from memory import free_mb
from settings import Settings
from untranslated import Problem, translatable

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
# Bytes for each pixel of a photo, its result, and what is held while they are read and written.
JPEG_PIXEL, PIXEL, COEFFICIENTS = 10, 18, 6
LEAST_MB = 80  # a photo from a phone is taken however little memory seems to be left
MOST_SCANS = 64  # of a progressive JPEG; encoders make about ten
LARGEST_TILE = 2**22  # pixels of a TIFF file's tile
TILEWIDTH, TILELENGTH = 322, 323  # tags of TIFF
MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")  # of a JPEG's segments and scans
START_OF_SCAN, END_OF_IMAGE = b"\xda", b"\xd9"

# `decode` has its own limit on pixels, and checks it before a pixel is read.
Image.MAX_IMAGE_PIXELS = None


class BadImage(Problem):
    """Bytes that no painting can be made of."""


@dataclass(frozen=True)
class Limits:
    """What is taken for a photo."""

    max_file_bytes: int
    max_pixels: int
    min_side: int  # pixels
    max_aspect_ratio: float  # long side to short side
    memory_mb: float = math.inf  # for a photo, its result, and what decoding and encoding take


def limits_of(settings: Settings) -> Limits:
    return Limits(
        max_file_bytes=settings.max_file_mb * 2**20,
        max_pixels=int(settings.max_megapixels * 1e6),
        min_side=settings.min_side,
        max_aspect_ratio=settings.max_aspect_ratio,
        memory_mb=max(free_mb(settings), LEAST_MB),
    )


def decode(data: bytes, limits: Limits) -> Image.Image:
    """The picture in `data` as a person expects it: upright, on white, sRGB, 8 bits, mode RGB.

    Of an animation the first frame. A JPEG too large for the memory comes smaller, by half, a
    quarter or an eighth. Raises `BadImage`, and nothing else, for any other bytes.
    """
    check_file(data, limits)
    if is_heif(data):
        data = _unpacked(data, limits)
    # Pillow's readers raise nearly anything when the bytes are hostile, hence `Exception`.
    try:
        image: Image.Image = Image.open(BytesIO(data), formats=FORMATS)
    except Exception as error:
        raise BadImage(
            translatable(
                "This file is not a picture that I can read. "
                "Please send a JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP or TIFF file."
            )
        ) from error
    check_size(*image.size, limits)
    _check_memory(image, limits)
    try:
        _check_work(data, image)
        image.load()
        if isinstance(image, JpegImageFile):
            without_blocks(image)
        icc_profile = image.info.get("icc_profile")
        with suppress(Exception):  # a damaged EXIF block leaves the photo as it lies
            ImageOps.exif_transpose(image, in_place=True)
        image = _with_8_bits(image)  # step by step, so that no step holds more than it needs
        image = _in_srgb(image, icc_profile)
        return _on_white(image)
    except Exception as error:
        raise _damaged() from error


def _damaged() -> BadImage:
    return BadImage(
        translatable(
            "This picture is damaged. Please save it anew and try again, or send another one."
        )
    )


def _unpacked(data: bytes, limits: Limits) -> bytes:
    """The PNG of a HEIC or AVIF file, none of whose pictures is too large."""
    width, height = largest_size(data)
    _check_pixels(width, height, limits)
    most = limits.memory_mb * 2**20
    if PIXEL * width * height > most:
        raise _too_many_for_memory(width, height)
    try:
        return as_png(data, min(most, PIXEL * limits.max_pixels) / 2**20)
    except ValueError as error:
        raise _damaged() from error


def check_file(data: bytes, limits: Limits) -> None:
    """Raises `BadImage` where there are too few or too many bytes."""
    if not data:
        raise BadImage(translatable("This file is empty. Please send the photo again."))
    if len(data) > limits.max_file_bytes:
        raise BadImage(
            translatable(
                "This file has {size:.1f} MB, the limit is {limit:.0f}. Please send a smaller one."
            ),
            size=len(data) / 2**20,
            limit=limits.max_file_bytes / 2**20,
        )


def check_size(width: int, height: int, limits: Limits) -> None:
    """Raises `BadImage` for a picture, or a frame, that is too large, too small or too narrow."""
    size = {"width": width, "height": height}
    _check_pixels(width, height, limits)
    if max(width, height) > limits.max_aspect_ratio * min(width, height):
        raise BadImage(
            translatable(
                "This picture is too narrow: {width} x {height} pixels. "
                "Please crop it until the long side is at most {limit:g} times the short one."
            ),
            **size,
            limit=limits.max_aspect_ratio,
        )
    if min(width, height) < limits.min_side:
        raise BadImage(
            translatable(
                "This picture is too small: {width} x {height} pixels. "
                "Please send a larger one, with at least {limit} pixels on each side."
            ),
            **size,
            limit=limits.min_side,
        )


def _check_pixels(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels:
        raise BadImage(
            translatable(
                "This picture has {width} x {height} pixels, the limit is {limit:g} megapixels. "
                "Please send a smaller one."
            ),
            width=width,
            height=height,
            limit=limits.max_pixels / 1e6,
        )


def _check_memory(image: Image.Image, limits: Limits) -> None:
    """Has a JPEG decoded smaller where it must be; raises `BadImage` for what can't be."""
    most = limits.memory_mb * 2**20
    width, height = image.size
    halves = image.format in ("JPEG", "MPO")
    # Of a progressive JPEG all coefficients are held until its last scan.
    most -= COEFFICIENTS * width * height if image.info.get("progressive") else 0
    per_pixel = JPEG_PIXEL if halves else PIXEL
    for scale in (2, 4, 8) if halves else ():
        if per_pixel * image.width * image.height > most:
            image.draft(None, (-(-width // scale), -(-height // scale)))
    if per_pixel * image.width * image.height > most:
        raise _too_many_for_memory(width, height)


def _too_many_for_memory(width: int, height: int) -> BadImage:
    return BadImage(
        translatable(
            "This picture has {width} x {height} pixels, too many for my memory. "
            "Please send a smaller one."
        ),
        width=width,
        height=height,
    )


def _check_work(data: bytes, image: Image.Image) -> None:
    """Raises `ValueError` where a small file of few pixels asks for much time or memory."""
    if image.format in ("JPEG", "MPO") and _scans(data) > MOST_SCANS:
        raise ValueError("each scan goes over all pixels again")
    if isinstance(image, TiffImageFile):
        tile = image.tag_v2.get(TILEWIDTH, 0) * image.tag_v2.get(TILELENGTH, 0)
        if tile > max(image.width * image.height, LARGEST_TILE):
            raise ValueError("a tile is much larger than its picture")


def _scans(jpeg: bytes) -> int:
    """How many scans the first picture in these bytes has, seen without decoding it."""
    scans, at = 0, 2
    while (found := MARKER.search(jpeg, at)) and found[1] != END_OF_IMAGE:
        scans += found[1] == START_OF_SCAN
        at = found.end() + int.from_bytes(jpeg[found.end() : found.end() + 2], "big")
    return scans


def _with_8_bits(image: Image.Image) -> Image.Image:
    """To L, RGB, RGBA or CMYK."""
    if image.mode in ("L", "RGB", "RGBA", "CMYK"):
        return image
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) / np.float32(257) + 0.5).astype(np.uint8))
    if image.mode in ("I", "F"):  # measurements, with no white of their own
        values = np.nan_to_num(np.asarray(image, np.float32))
        np.clip(values, -1e30, 1e30, out=values)
        values -= values.min()
        values *= 255 / max(values.max(), 1e-9)
        return Image.fromarray(values.astype(np.uint8))
    has_alpha = image.has_transparency_data
    return image.convert("RGBA" if has_alpha else "RGB")


def _in_srgb(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """By the picture's own ICC profile; a profile that does not fit the picture is ignored."""
    if not icc_profile:
        return image
    wanted = "RGBA" if image.mode == "RGBA" else "RGB"
    with suppress(ImageCms.PyCMSError, OSError):
        source = ImageCms.ImageCmsProfile(BytesIO(icc_profile))
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, srgb, outputMode=wanted)
        if converted is not None:
            return converted
    return image


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    if image.mode != "RGBA":
        image = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white
