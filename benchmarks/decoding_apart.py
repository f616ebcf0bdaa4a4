"""What decoding photos in a process of its own would cost: `python -m benchmarks.decoding_apart`.

One process stands ready and gets the files through a pipe; it sends back pixels. Each photo is
decoded there and here in turns; the medians, the difference, and that process's memory are printed.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path
from statistics import median

from PIL import Image

from decoding import decode, limits_of
from settings import ROOT, Settings

SIDES = (1280, 2560, 4000)  # of photos: as Telegram sends them, and files
LIMITS = limits_of(Settings())


def pixels(data: bytes) -> tuple[tuple[int, int], bytes]:
    image = decode(data, LIMITS)
    return image.size, image.tobytes()


def resident_mb() -> float:
    """Of the process in which it runs."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def a_photo(side: int) -> bytes:
    data = BytesIO()
    with Image.open(ROOT / "images" / "photos" / "summer_valley.jpg") as image:
        image.resize((side, side * 3 // 4)).save(data, "JPEG", quality=87)
    return data.getvalue()


def milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        start = milliseconds(lambda: pool.submit(resident_mb).result())
        idle = pool.submit(resident_mb).result()
        for side in SIDES:
            photo = a_photo(side)
            here, there = [], []
            for _ in range(arguments.rounds):
                here.append(milliseconds(lambda: decode(photo, LIMITS)))  # noqa: B023
                there.append(milliseconds(lambda: as_image(pool, photo)))  # noqa: B023
            more = median(b - a for a, b in zip(here, there, strict=True))
            sys.stdout.write(
                f"{side} x {side * 3 // 4}: here {median(here):.0f} ms, apart "
                f"{median(there):.0f} ms, {more:.0f} ms more\n"
            )
        used = pool.submit(resident_mb).result()
    sys.stdout.write(f"its start {start:.0f} ms, memory {idle:.0f} MB, later {used:.0f} MB\n")


def as_image(pool: ProcessPoolExecutor, photo: bytes) -> Image.Image:
    size, data = pool.submit(pixels, photo).result()
    return Image.frombytes("RGB", size, data)


if __name__ == "__main__":
    main()
