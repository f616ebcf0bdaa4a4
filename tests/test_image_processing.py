"""Bytes to pictures and pictures to bytes: what people send, and what attackers send."""

import struct
import zlib
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

import detail
import encoding
import memory
from decoding import COEFFICIENTS, JPEG_PIXEL, PIXEL, BadImage, Limits, decode, limits_of
from detail import with_detail
from encoding import encode_file, encode_photo
from image_processing import paint
from model_nst.style_transfer import Style
from settings import ROOT, Settings

register_heif_opener()  # and saver
QUALITY: dict[str, dict[str, object]] = {
    form: {"quality": 95} for form in ("JPEG", "WEBP", "HEIF", "AVIF")
}
LIMITS = limits_of(Settings(_env_file=None))
PHOTO = decode((ROOT / "images" / "photos" / "chelsea.jpg").read_bytes(), LIMITS)
SMALL = PHOTO.resize((90, 60))


def encoded(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def difference(a: Image.Image, b: Image.Image) -> float:
    """Mean over pixels and channels, of 255."""
    assert a.size == b.size
    assert a.mode == b.mode == "RGB"
    return float(np.abs(np.asarray(a, int) - np.asarray(b, int)).mean())


def rgba() -> Image.Image:
    """The left half of the picture can be seen, the right half not."""
    image = SMALL.convert("RGBA")
    image.paste((0, 0, 0, 0), (45, 0, 90, 60))
    return image


ON_WHITE = SMALL.copy()
ON_WHITE.paste("white", (45, 0, 90, 60))
GREY = SMALL.convert("L")
SIXTEEN_BITS = Image.fromarray(np.asarray(GREY, np.uint16) * 257)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(encoded(SMALL, "JPEG", quality=95), SMALL, id="jpeg"),
        pytest.param(encoded(SMALL, "JPEG", quality=95, progressive=True), SMALL, id="progressive"),
        pytest.param(encoded(SMALL, "PNG"), SMALL, id="png"),
        pytest.param(encoded(SMALL, "WEBP", quality=95), SMALL, id="webp"),
        pytest.param(encoded(SMALL, "BMP"), SMALL, id="bmp"),
        pytest.param(encoded(SMALL, "HEIF", quality=95), SMALL, id="heic"),
        pytest.param(encoded(SMALL, "HEIF", quality=95, tile_size=64), SMALL, id="tiled heic"),
        pytest.param(encoded(SMALL, "AVIF", quality=95), SMALL, id="avif"),
        pytest.param(encoded(GREY, "HEIF", quality=95), GREY.convert("RGB"), id="grey heic"),
        pytest.param(encoded(rgba(), "HEIF", quality=95), ON_WHITE, id="transparent heic"),
        pytest.param(encoded(rgba(), "AVIF", quality=95), ON_WHITE, id="transparent avif"),
        pytest.param(encoded(SMALL, "TIFF", compression="tiff_lzw"), SMALL, id="tiff"),
        pytest.param(encoded(SMALL, "GIF"), SMALL, id="gif"),
        pytest.param(encoded(SMALL.convert("CMYK"), "JPEG", quality=95), SMALL, id="cmyk jpeg"),
        pytest.param(encoded(SMALL.convert("CMYK"), "TIFF"), SMALL, id="cmyk tiff"),
        pytest.param(encoded(SMALL.quantize(256), "PNG"), SMALL, id="palette"),
        pytest.param(encoded(GREY, "JPEG", quality=95), GREY.convert("RGB"), id="grey"),
        pytest.param(encoded(SIXTEEN_BITS, "PNG"), GREY.convert("RGB"), id="16 bits png"),
        pytest.param(encoded(SIXTEEN_BITS, "TIFF"), GREY.convert("RGB"), id="16 bits tiff"),
        pytest.param(
            encoded(Image.fromarray(np.asarray(GREY, np.float32) / 7 - 3), "TIFF"),
            ImageOps.autocontrast(GREY).convert("RGB"),
            id="float tiff",
        ),
        pytest.param(encoded(rgba(), "PNG"), ON_WHITE, id="transparent png"),
        pytest.param(encoded(rgba(), "WEBP", lossless=True), ON_WHITE, id="transparent webp"),
        pytest.param(encoded(rgba(), "GIF"), ON_WHITE, id="transparent gif"),
        pytest.param(encoded(rgba().quantize(256), "PNG"), ON_WHITE, id="transparent palette"),
        pytest.param(
            encoded(rgba().convert("LA"), "PNG"),
            ON_WHITE.convert("L").convert("RGB"),
            id="transparent grey",
        ),
        *(
            pytest.param(
                encoded(SMALL, form, save_all=True, append_images=[ImageOps.invert(SMALL)] * 2),
                SMALL,
                id=f"animated {form}",
            )
            for form in ("GIF", "PNG", "WEBP", "TIFF", "MPO", "HEIF", "AVIF")
        ),
    ],
)
def test_every_kind_of_picture_looks_as_it_should(data: bytes, expected: Image.Image) -> None:
    assert difference(decode(data, LIMITS), expected) < 8


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_stand_upright(orientation: int, image_format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = {  # how the camera, held otherwise, stores what stands upright
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = SMALL.transpose(lying[orientation]) if orientation > 1 else SMALL
    # Of the bytes pillow_heif makes HEIC's own way of turning.
    data = encoded(stored, image_format, exif=exif.tobytes(), **QUALITY.get(image_format, {}))
    assert difference(decode(data, LIMITS), SMALL) < 8


def icc_profile(*primaries: tuple[float, float, float]) -> bytes:
    """The smallest profile of a display: XYZ of red, green and blue, and gamma 2.2."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    def text(kind: bytes, value: bytes) -> bytes:
        return kind + bytes(4) + struct.pack(">I", len(value) + 1) + value + bytes(79)

    tags = {b"desc": text(b"desc", b"test"), b"cprt": b"text" + bytes(4) + b"none\0"}
    tags[b"wtpt"] = b"XYZ " + bytes(4) + fixed(0.9642, 1, 0.8249)
    for name, xyz in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags[name + b"XYZ"] = b"XYZ " + bytes(4) + fixed(*xyz)
        tags[name + b"TRC"] = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256))
    table, body = b"", b""
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(body), len(value))
        body += value
    header = struct.pack(">I", 132 + len(table) + len(body)) + bytes(4) + b"\x02\x10\0\0"
    header += b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1, 0.8249)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


SRGB_PRIMARIES = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_colours_are_what_the_icc_profile_says(image_format: str) -> None:
    red, green, blue = SRGB_PRIMARIES
    swapped = Image.merge("RGB", [SMALL.getchannel(name) for name in "GRB"])
    options = QUALITY.get(image_format, {})
    data = encoded(swapped, image_format, icc_profile=icc_profile(green, red, blue), **options)
    assert difference(decode(data, LIMITS), SMALL) < 8
    assert difference(swapped, SMALL) > 20


def test_a_profile_of_other_colours_than_the_pictures_is_ignored() -> None:
    data = encoded(GREY, "PNG", icc_profile=icc_profile(*SRGB_PRIMARIES))
    assert difference(decode(data, LIMITS), GREY.convert("RGB")) < 1
    data = encoded(SMALL, "PNG", icc_profile=b"no profile at all")
    assert difference(decode(data, LIMITS), SMALL) == 0


def png_that_claims(width: int, height: int) -> bytes:
    """A decompression bomb needs no more than its header."""
    data = bytearray(encoded(SMALL, "PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"%PDF-1.7 and so on", "not a picture", id="not an image"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture", id="svg"),
        pytest.param(encoded(SMALL, "ICO"), "not a picture", id="a format not on the list"),
        pytest.param(encoded(SMALL, "JPEG2000"), "not a picture", id="jpeg 2000"),
        pytest.param(encoded(SMALL, "HEIF")[:-400], "damaged", id="truncated heic"),
        pytest.param(encoded(SMALL, "AVIF")[:-400], "damaged", id="truncated avif"),
        pytest.param(encoded(SMALL, "JPEG")[:-400], "damaged", id="truncated jpeg"),
        pytest.param(encoded(SMALL, "PNG")[:2000], "damaged", id="truncated png"),
        pytest.param(encoded(Image.new("RGB", (1, 1)), "PNG"), "1 x 1", id="1x1"),
        pytest.param(encoded(Image.new("L", (20000, 10)), "PNG"), "20000 x 10", id="20000x10"),
        pytest.param(png_that_claims(60000, 60000), "60000 x 60000", id="decompression bomb"),
        pytest.param(bytes(21 * 2**20), "21.0 MB", id="too many bytes"),
    ],
)
def test_what_cannot_be_painted_gets_a_sentence(data: bytes, words: str) -> None:
    with pytest.raises(BadImage) as caught:
        decode(data, LIMITS)
    assert words in str(caught.value)
    assert str(caught.value) == caught.value.sentence.format(**caught.value.values)
    assert "Please" in str(caught.value)


def test_pixels_are_counted_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = png_that_claims(8000, 8000)

    def load(_: Image.Image) -> None:
        raise AssertionError("pixels were read")

    monkeypatch.setattr(Image.Image, "load", load)
    with pytest.raises(BadImage, match="megapixels"):
        decode(bomb, LIMITS)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_too_large_for_the_memory_is_read_smaller(progressive: bool) -> None:
    data = encoded(PHOTO.resize((800, 600)), "JPEG", quality=95, progressive=progressive)
    room = 800 * 600 * (JPEG_PIXEL / 2 + (COEFFICIENTS if progressive else 0)) / 2**20
    image = decode(data, replace(LIMITS, memory_mb=room))
    assert image.size == (400, 300)
    assert difference(image, PHOTO.resize((400, 300), Image.Resampling.BOX)) < 4


@pytest.mark.parametrize(("image_format", "room"), [("PNG", PIXEL * 0.9), ("JPEG", 0.1)])
def test_what_cannot_be_read_smaller_is_told_so(image_format: str, room: float) -> None:
    data = encoded(PHOTO.resize((800, 600)), image_format)
    with pytest.raises(BadImage, match="800 x 600 pixels, too many for my memory"):
        decode(data, replace(LIMITS, memory_mb=800 * 600 * room / 2**20))


def test_where_nothing_sets_a_limit_photos_stay_within_512_mb(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "limit_mb", lambda: None)
    monkeypatch.setattr(memory, "resident_mb", lambda: 200.0)
    room = limits_of(Settings(_env_file=None)).memory_mb
    assert room == limits_of(Settings(_env_file=None, memory_mb=512)).memory_mb
    assert 80 <= room < 512 - 200
    assert limits_of(Settings(_env_file=None, memory_mb=2000)).memory_mb > 1600


TINY_LIMITS = Limits(max_file_bytes=50_000, max_pixels=20_000, min_side=4, max_aspect_ratio=20)
SEEDS = [
    encoded(SMALL, "JPEG"),
    encoded(SMALL, "JPEG", progressive=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
    encoded(SMALL.convert("CMYK"), "JPEG"),
    encoded(SMALL, "PNG", icc_profile=icc_profile(*SRGB_PRIMARIES)),
    encoded(rgba(), "PNG"),
    encoded(SMALL.quantize(16), "PNG"),
    encoded(SMALL, "WEBP"),
    encoded(rgba(), "WEBP", save_all=True, append_images=[rgba()]),
    encoded(SMALL, "GIF", save_all=True, append_images=[ImageOps.invert(SMALL)]),
    encoded(SMALL, "BMP"),
    encoded(SMALL.quantize(16), "BMP"),
    encoded(SMALL, "TIFF"),
    encoded(SMALL, "TIFF", compression="tiff_lzw"),
    encoded(SIXTEEN_BITS, "TIFF", compression="tiff_deflate"),
    encoded(SMALL, "MPO", save_all=True, append_images=[SMALL]),
]


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    # The header steers a decoder, so most of the damage goes there.
    place = st.one_of(st.integers(0, 200), st.integers(0, len(data) - 1))
    for position, value in draw(st.lists(st.tuples(place, st.integers(0, 255)), max_size=8)):
        data[position] = value
    start, length = draw(place), draw(st.integers(0, 40))
    data[start : start + length] = draw(st.binary(max_size=40))
    return bytes(data[: draw(st.one_of(st.just(len(data)), st.integers(0, len(data))))])


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of oddities in files it reads all the same
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.one_of(st.binary(max_size=500), damaged_files()))
def test_hostile_bytes_give_a_picture_within_the_limits_or_a_sentence(data: bytes) -> None:
    try:
        image = decode(data, TINY_LIMITS)
    except BadImage:
        return
    assert image.mode == "RGB"
    assert image.width * image.height <= TINY_LIMITS.max_pixels
    assert min(image.size) >= TINY_LIMITS.min_side
    assert max(image.size) <= TINY_LIMITS.max_aspect_ratio * min(image.size)
    image.tobytes()


STYLE = decode((ROOT / "images" / "styles" / "3_kiss.jpg").read_bytes(), LIMITS)


@pytest.mark.parametrize("size", [(16, 16), (320, 16), (17, 200), (151, 101), (300, 200)])
def test_a_painting_has_the_photos_size(size: tuple[int, int]) -> None:
    photo = PHOTO.resize(size)
    reached: list[float] = []
    painting = paint(photo, [Style(STYLE)], size=128, on_progress=reached.append)
    assert painting.size == size
    assert difference(painting, photo) > 5
    assert reached[-1] == pytest.approx(1)


def test_detail_comes_back_when_nothing_was_painted() -> None:
    """Where the painting has the photo's own contrast, the enlarged picture is the photo again."""
    photo = PHOTO.resize((600, 400), Image.Resampling.LANCZOS)
    small = photo.resize((200, 133), Image.Resampling.LANCZOS)
    restored = with_detail(small, small, photo)
    enlarged = small.resize(photo.size, Image.Resampling.BICUBIC)
    assert difference(restored, photo) < 0.6 * difference(enlarged, photo)


def test_bands_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = PHOTO.resize((333, 250))
    small = photo.resize((100, 75))
    painting = ImageOps.solarize(small)
    whole = with_detail(painting, small, photo)
    monkeypatch.setattr(detail, "BAND", 37)
    banded = np.asarray(with_detail(painting, small, photo), int)
    assert np.abs(banded - np.asarray(whole, int)).max() <= 1


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def test_photos_are_sent_within_telegrams_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = encode_photo(PHOTO)
    photo = Image.open(BytesIO(encoded.data))
    assert (encoded.size, encoded.extension) == (PHOTO.size, ".jpg")
    assert photo.format == "JPEG"
    assert difference(photo.convert("RGB"), PHOTO) < 3
    encoded = encode_photo(Image.new("RGB", (12000, 1000)))
    long = Image.open(BytesIO(encoded.data))
    assert encoded.size == long.size
    assert sum(long.size) <= 10_000
    assert long.width / long.height == pytest.approx(12, rel=0.01)
    monkeypatch.setattr(encoding, "MOST_BYTES_OF_PHOTO", 50_000)
    encoded = encode_photo(noise(400, 300))
    assert len(encoded.data) <= 50_000
    assert encoded.size == Image.open(BytesIO(encoded.data)).size != (400, 300)


def test_files_are_lossless_unless_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = encode_file(PHOTO)
    assert (encoded.extension, encoded.size) == (".png", PHOTO.size)
    assert difference(Image.open(BytesIO(encoded.data)), PHOTO) == 0
    monkeypatch.setattr(encoding, "MOST_BYTES_OF_FILE", 100_000)
    encoded = encode_file(noise(200, 200))
    assert encoded.extension == ".jpg"
    assert Image.open(BytesIO(encoded.data)).format == "JPEG"
