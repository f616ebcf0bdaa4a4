"""Files made to hurt: bombs of pixels, scans, tiles and chunks, and 10,000 damaged pictures.

Each is decoded, or refused with `BadImage`, in little time and memory.
"""

import os
import random
import re
import struct
import sys
import time
import warnings
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from pillow_heif import register_heif_opener

from decoding import MOST_SCANS, BadImage, Limits, decode
from tests.conftest import PHOTOS

register_heif_opener()  # and saver
LIMITS = Limits(max_file_bytes=20 * 2**20, max_pixels=9_000_000, min_side=16, max_aspect_ratio=20)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def saved(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def tiff(
    width: int, height: int, compression: int, *entries: tuple[int, int, int], data: bytes
) -> bytes:
    """A grey picture; `entries` are tag, type and value, and a value of -1 is where `data` lies."""
    every = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, compression), (262, 3, 1)]
    every += [(277, 3, 1), *entries]
    where = 8 + 2 + 12 * len(every) + 4
    body = b"".join(
        struct.pack("<HHLL", tag, kind, 1, where if value == -1 else value)
        for tag, kind, value in sorted(every)
    )
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(every)) + body + b"\0\0\0\0" + data


def refused(data: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow tells what is odd about a file
        try:
            image = decode(data, LIMITS)
        except BadImage:
            return True
    assert image.mode == "RGB"
    assert 0 < image.width * image.height <= LIMITS.max_pixels
    return False


@pytest.mark.parametrize(
    "image_format", ["PNG", "GIF", "TIFF", "WEBP", "BMP", "JPEG", "HEIF", "AVIF"]
)
def test_pixels_beyond_the_limit_are_not_even_read(image_format: str) -> None:
    options = {"compression": "tiff_deflate"} if image_format == "TIFF" else {}
    bomb = saved(Image.new("L", (3002, 3002)), image_format, **options)
    began = time.process_time()
    with pytest.raises(BadImage, match="3002 x 3002"):
        decode(bomb, LIMITS)
    assert time.process_time() - began < 0.1


def headers_of_giants() -> Iterator[tuple[str, bytes]]:
    """A few bytes that promise up to four billion pixels."""
    small = Image.new("L", (64, 64))
    giant = struct.pack(">II", 2**31 - 1, 2**31 - 1)
    png = saved(small, "PNG")
    yield "png", png[:8] + png_chunk(b"IHDR", giant + png[24:29]) + png[33:]
    gif = saved(small, "GIF")
    yield "gif", gif[:6] + b"\xff\xff\xff\xff" + gif[10:]
    frame = gif.index(b"\x2c")  # a frame larger than its screen
    yield "gif frame", gif[: frame + 5] + b"\xff\xff\xff\xff" + gif[frame + 9 :]
    jpeg = saved(small, "JPEG")
    size = jpeg.index(b"\xff\xc0") + 5
    yield "jpeg", jpeg[:size] + b"\xff\xff\xff\xff" + jpeg[size + 4 :]
    bmp = saved(small, "BMP")
    yield "bmp", bmp[:18] + struct.pack("<ii", 2**31 - 1, -(2**31) + 1) + bmp[26:]
    yield "tiff", tiff(2**32 - 1, 2**32 - 1, 1, (273, 4, -1), (279, 4, 99), data=b"\0" * 99)
    yield "webp", saved(Image.new("RGB", (16383, 16383)), "WEBP", lossless=True)


@pytest.mark.parametrize(
    ("name", "data"), [*headers_of_giants()], ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_promise_of_many_pixels_is_refused(name: str, data: bytes) -> None:
    began = time.process_time()
    assert refused(data)
    assert time.process_time() - began < 0.5


def test_a_jpeg_cannot_be_gone_over_without_end() -> None:
    """Each scan of a progressive JPEG goes over all pixels, and a scan of nothing has 75 bytes."""
    photo = saved(Image.new("RGB", (3000, 3000)), "JPEG", progressive=True)
    scan = photo[photo.rindex(b"\xff\xda") : -2]
    bomb = photo[:-2] + scan * (1_000_000 // len(scan)) + photo[-2:]
    began = time.process_time()
    assert refused(bomb)
    assert time.process_time() - began < 0.5
    assert not refused(photo)


def test_scans_of_other_pictures_in_the_file_do_not_count() -> None:
    photo = (PHOTOS / "chelsea.jpg").read_bytes()
    thumbnail = b"\xff\xe1\x03\xe8Exif\0\0" + b"\xff\xda\0\x02" * 248
    assert not refused(photo[:2] + thumbnail + photo[2:])
    assert not refused(photo + b"\xff\xda\0\x02" * (MOST_SCANS + 1))  # a film, as phones append


def test_a_tile_is_not_larger_than_its_picture() -> None:
    tile = (322, 4, 40_000), (323, 4, 40_000), (324, 4, -1), (325, 4, 100)
    assert refused(tiff(64, 64, 8, *tile, data=zlib.compress(b"\0" * 64) + b"\0" * 100))
    strip = (273, 4, -1), (278, 4, 2**31), (279, 4, 100)
    refused(tiff(64, 64, 5, *strip, data=b"\0" * 200))


def test_a_million_bytes_of_tags_and_chunks_are_passed_over_quickly() -> None:
    png = saved(Image.new("RGB", (64, 64)), "PNG")
    text = png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 50_000_000))
    profile = png_chunk(b"iCCP", b"a\0\0" + zlib.compress(b"\0" * 50_000_000))
    for flood in (png_chunk(b"aaAa", b"") * 80_000, text * 20, profile):
        began = time.process_time()
        refused(png[:33] + flood + png[33:])
        assert time.process_time() - began < 3
    entries = [(tag, 4, 1) for tag in range(1000, 60_000)]
    began = time.process_time()
    refused(tiff(64, 64, 1, (273, 4, -1), (279, 4, 4096), *entries, data=b"\0" * 5000))
    assert time.process_time() - began < 3


def saying(data: bytes, width: int, height: int) -> bytes:
    """A HEIC or AVIF file whose container tells another size of what is in it."""
    size = struct.pack(">II", width, height)
    return re.sub(rb"(ispe\0{4}).{8}", lambda found: found[1] + size, data, flags=re.DOTALL)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory has no bounds")
@pytest.mark.parametrize(("image_format", "side"), [("HEIF", 2000), ("AVIF", 9000)])
def test_a_container_does_not_hide_a_giant(image_format: str, side: int) -> None:
    """1.5 KB: up to 81 megapixels that are said to be 64 x 64, where little memory is left."""
    options = {"quality": 10} if image_format == "HEIF" else {"quality": 10, "speed": 10}
    giant = saying(saved(Image.new("L", (side, side)), image_format, **options), 64, 64)
    began = children_seconds()
    with pytest.raises(BadImage):
        decode(giant, replace(LIMITS, memory_mb=32))
    assert children_seconds() - began < 2
    small = saved(Image.new("L", (64, 64)), image_format)
    with pytest.raises(BadImage, match="9000 x 9000"):
        decode(saying(small, 9000, 9000), LIMITS)
    with pytest.raises(BadImage, match="too many for my memory"):
        decode(saying(small, 2900, 2900), replace(LIMITS, memory_mb=80))


def test_a_grid_of_tiles_is_no_larger_than_the_container_says() -> None:
    tiled = saved(Image.new("RGB", (1024, 768)), "HEIF", tile_size=256, quality=30)
    grid = struct.pack(">BBBBHH", 0, 0, 2, 3, 1024, 768)
    assert grid in tiled
    assert not refused(tiled)
    assert refused(tiled.replace(grid, struct.pack(">BBBBHH", 0, 0, 255, 255, 65000, 65000)))


def children_seconds() -> float:
    """Processor time of the processes that we started and that have ended."""
    return sum(os.times()[2:4])


def memory(name: str) -> int:
    """Bytes of this process: VmRSS it has, VmHWM it had at most."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def memory_to_decode(data: bytes) -> int:
    """The most bytes that it takes beyond what the process had."""
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew
    before = memory("VmRSS")
    decode(data, LIMITS)
    return memory("VmHWM") - before


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("mode", "image_format", "bytes_a_pixel"),
    [("RGB", "PNG", 9), ("RGBA", "PNG", 11), ("RGBA", "WEBP", 18), ("F", "TIFF", 18)],
)
def test_memory_stays_within_a_few_bytes_a_pixel(
    mode: str, image_format: str, bytes_a_pixel: int
) -> None:
    """Pillow has 4 bytes for a pixel of RGB; what a decoder needs comes on top."""
    options = {"compression": "tiff_deflate"} if image_format == "TIFF" else {"icc_profile": SRGB}
    bomb = saved(Image.new(mode, (3000, 3000)), image_format, **options)
    # A fresh process holds no freed pages that decoding could take unseen.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        assert 3 * 9e6 < process.submit(memory_to_decode, bomb).result() < bytes_a_pixel * 9e6


def damaged(originals: list[bytes], number: int) -> Iterator[bytes]:
    """Bits turned, bytes lost, doubled or overwritten, pieces of one file in another."""
    chance = random.Random(1)
    for _ in range(number):
        data = bytearray(chance.choice(originals))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            match chance.randrange(6):
                case 0:
                    data[at] ^= 1 << chance.randrange(8)
                case 1:
                    data[at : at + chance.randint(1, 8)] = b"\xff" * chance.randint(0, 8)
                case 2:
                    data[at : at + 4] = chance.choice((b"\0\0\0\0", b"\xff\xff\xff\x7f"))
                case 3:
                    del data[max(at, 1) : at + chance.randint(1, 200)]
                case 4:
                    data[at:at] = data[at : at + chance.randint(1, 2000)]
                case 5:
                    other = chance.choice(originals)
                    data[at:] = other[chance.randrange(len(other)) :]
        yield bytes(data)


@pytest.mark.parametrize("image_format", ["HEIF", "AVIF"])
def test_damaged_containers(image_format: str) -> None:
    """Few, since each has a process of its own, whose end is not ours."""
    photo = Image.open(PHOTOS / "chelsea.jpg").resize((48, 40))
    options = {"icc_profile": SRGB, "exif": Image.Exif().tobytes()}
    originals = [saved(photo, image_format, **options), saved(photo.convert("RGBA"), image_format)]
    assert not any(refused(data) for data in originals)
    number = 500 if "LONG_TESTS" in os.environ else 12
    assert any(refused(data) for data in damaged(originals, number))


def test_ten_thousand_damaged_pictures() -> None:
    photo = Image.open(PHOTOS / "chelsea.jpg").resize((48, 40))
    alpha = photo.convert("RGBA")
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    originals = [
        saved(photo, "JPEG", exif=exif, icc_profile=SRGB),
        saved(photo, "JPEG", progressive=True),
        saved(photo.convert("CMYK"), "JPEG"),
        saved(alpha, "PNG", icc_profile=SRGB),
        saved(photo.convert("P"), "PNG", transparency=3, exif=exif),
        saved(Image.fromarray(np.asarray(photo.convert("L"), np.uint16) * 257), "PNG"),
        saved(photo.convert("P"), "GIF", save_all=True, append_images=[photo.convert("P")]),
        saved(alpha, "WEBP", lossless=True, exif=exif),
        saved(photo, "WEBP", icc_profile=SRGB),
        saved(photo, "BMP"),
        saved(photo, "TIFF", exif=exif),
        saved(alpha, "TIFF", compression="tiff_lzw"),
        saved(photo, "TIFF", compression="jpeg"),
        saved(photo.convert("F"), "TIFF", compression="tiff_deflate"),
    ]
    assert not any(refused(data) for data in originals)
    slowest, refusals = 0.0, 0
    for data in damaged(originals, 10_000):
        began = time.process_time()
        refusals += refused(data)
        slowest = max(slowest, time.process_time() - began)
    assert 1000 < refusals < 9900  # neither all nor none of them were still pictures
    assert slowest < 2
