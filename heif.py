"""HEIC and AVIF files, read in a process of its own whose memory is bounded.

Their sizes stand in the container, and libavif decodes whatever size the stream inside has: 1.5 KB
that say 64 x 64 take hundreds of megabytes. And what crashes a codec does not crash the bot.
"""

import os
import re
import subprocess
import sys
from contextlib import suppress
from io import BytesIO

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
SIZE = re.compile(rb"ispe\0...(....)(....)", re.DOTALL)  # of an item: a picture, or a tile of it
BASE_MB = 48  # of memory, for Python and the codecs
SECONDS = 60
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")  # no token, for one


def is_heif(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in BRANDS


def largest_size(data: bytes) -> tuple[int, int]:
    """Width and height of the largest picture that the container tells of, in pixels."""
    sizes = [
        (int.from_bytes(found[1], "big"), int.from_bytes(found[2], "big"))
        for found in SIZE.finditer(data)
    ]
    return max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))


def as_png(data: bytes, megabytes: float) -> bytes:
    """The picture, uncompressed, with its ICC profile and EXIF; raises `ValueError` where it can't
    be read within that memory.
    """
    command = [sys.executable, "-W", "ignore", __file__, str(int(megabytes) + BASE_MB)]
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment["MALLOC_ARENA_MAX"] = "1"
    try:
        done = subprocess.run(  # noqa: S603 our own file
            command, input=data, capture_output=True, timeout=SECONDS, env=environment, check=True
        )
    except subprocess.SubprocessError as error:
        raise ValueError("this is damaged, or needs more memory than there is") from error
    return done.stdout


def _in_the_other_process(megabytes: int) -> None:
    from PIL import AvifImagePlugin, Image
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    Image.MAX_IMAGE_PIXELS = None
    with suppress(ImportError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 2**20, megabytes * 2**20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    image = Image.open(BytesIO(sys.stdin.buffer.read()), formats=("HEIF", "AVIF"))
    image.load()
    kept = {name: image.info.get(name) for name in ("icc_profile", "exif")}
    image.save(sys.stdout.buffer, "PNG", compress_level=0, **kept)


if __name__ == "__main__":
    _in_the_other_process(int(sys.argv[1]))
