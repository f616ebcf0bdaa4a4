"""What Telegram does with pictures: photos become JPEGs of several sizes, files get a thumbnail,
stickers are WebP.

These functions decode pictures, so call them in a worker thread.
"""

import io
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps
from pillow_heif import register_heif_opener

from local_chat.api_error import bad_request

register_heif_opener()  # what iPhones send
SIDES = (90, 320, 800, 1280)  # longest sides in pixels of the sizes that Telegram calls s, m, x, y
MAX_BYTES = 10 * 2**20
MAX_WIDTH_PLUS_HEIGHT = 10_000
MAX_RATIO = 20
MAX_PIXELS = 80_000_000  # below the point where Pillow warns of a decompression bomb
JPEG_QUALITY = 87
STICKER_SIDE = 512
BROKEN = (
    OSError, ValueError, SyntaxError, EOFError, Warning, Image.DecompressionBombError
)  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """An encoded picture."""

    data: bytes
    width: int
    height: int


def photo_sizes(data: bytes, *, sent_by_bot: bool) -> list[Picture]:
    """A photo in Telegram's sizes, smallest first: upright RGB JPEGs on white, without metadata.

    Sizes larger than the picture are left out; the last is the picture itself, at most 1280 pixels
    on its longest side. A person's app shrinks a large photo before it sends it, so only what a bot
    sends meets the limits on bytes and on width + height. Raises `ApiError` as Telegram does.
    """
    if sent_by_bot and len(data) > MAX_BYTES:
        raise bad_request(f"file is too big for a photo: {len(data)} bytes, at most {MAX_BYTES}")
    try:
        with Image.open(io.BytesIO(data)) as opened:
            width, height = opened.size
            too_wide = max(width, height) > MAX_RATIO * min(width, height)
            too_large = sent_by_bot and width + height > MAX_WIDTH_PLUS_HEIGHT
            if too_wide or too_large or width * height > MAX_PIXELS:
                raise bad_request("PHOTO_INVALID_DIMENSIONS")
            picture = _upright_rgb(opened, SIDES[-1])
    except BROKEN as e:
        raise bad_request("IMAGE_PROCESS_FAILED") from e
    longest = max(picture.size)
    sides = [side for side in SIDES if side < longest] + [min(longest, SIDES[-1])]
    return [_jpeg(picture, side) for side in dict.fromkeys(sides)]


def thumbnail(data: bytes) -> Picture | None:
    """A JPEG of at most 320 pixels a side for a file that is a picture, else None."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                return None
            return _jpeg(_upright_rgb(opened, 320), 320)
    except BROKEN:
        return None


def sticker(data: bytes) -> Picture:
    """A static sticker: WebP with transparency, one side of 512 pixels, the other at most that."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            width, height = opened.size
            if width * height > MAX_PIXELS:
                raise bad_request("STICKER_PNG_DIMENSIONS")
            if opened.format == "WEBP" and max(width, height) == STICKER_SIDE:
                opened.load()
                return Picture(data, width, height)
            picture = ImageOps.exif_transpose(opened).convert("RGBA")
    except BROKEN as e:
        raise bad_request("IMAGE_PROCESS_FAILED") from e
    picture = ImageOps.contain(picture, (STICKER_SIDE, STICKER_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "WEBP")
    return Picture(out.getvalue(), *picture.size)


def _upright_rgb(image: Image.Image, side: int) -> Image.Image:
    profile = image.info.get("icc_profile")
    image.draft("RGB", (side, side))  # lets the JPEG decoder skip detail that is not needed
    picture = ImageOps.exif_transpose(image)
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        picture = _to_srgb(picture, profile)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.new("RGBA", layer.size, "white")
        picture.alpha_composite(layer)
    elif picture.mode.startswith("I"):  # 16 bits a pixel: keep the upper eight
        picture = picture.convert("I").point([value / 257 for value in range(65536)], "L")
    return picture.convert("RGB")


def _to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    try:
        converted = ImageCms.profileToProfile(
            picture, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture  # a broken profile is no reason to refuse a photo
    return picture if converted is None else converted


def _jpeg(picture: Image.Image, side: int) -> Picture:
    if max(picture.size) > side:
        picture = ImageOps.contain(picture, (side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    clean = Image.new("RGB", picture.size)  # a new image carries neither EXIF nor a profile along
    clean.paste(picture)
    clean.save(out, "JPEG", quality=JPEG_QUALITY)
    return Picture(out.getvalue(), *clean.size)
