"""What a full disk does to the SQLite store: `sudo python -m benchmarks.full_disk` (Linux).

On a small file system of its own, in memory, a process accepts jobs until the disk is full and is
killed. Then it is opened again with ever more room, by 4 KiB, until it can strike a job out and
accept one. The same after the store was closed in order and something else has filled the disk.
"""

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from settings import ROOT
from store import StoreError, open_store

SIZE = "6m"
BALLAST = 2**20  # bytes that are there before, so that room can be made
BLOCK = 4096
FILL = """
import asyncio, itertools, os, signal, sys
from pathlib import Path
from store import StoreError, open_store
async def main():
    store = await open_store(None, Path(sys.argv[1]))
    try:
        for number in itertools.count():
            await store.accept(str(number), number, "{}".ljust(400), 10, 10**9)
            print(number + 1)
            if number > 100 and sys.argv[2] == "closed":
                await store.close()
                return
    except StoreError:
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


def fill(folder: Path, end: str) -> int:
    """How many jobs a process accepts until the disk is full, or it closes its store."""
    command = [sys.executable, "-u", "-c", FILL, str(folder), end]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    with (folder / "rest").open("wb", buffering=0) as rest:
        try:
            while True:
                rest.write(bytes(BLOCK))
        except OSError:
            return int(done.stdout.split()[-1])


async def opens(folder: Path) -> int | None:
    """How many jobs are found; None where the store cannot be opened."""
    try:
        store = await open_store(None, folder)
        found = len(await store.jobs())
        await store.close()
    except StoreError:
        return None
    return found


async def goes_on(folder: Path) -> bool:
    store = await open_store(None, folder)
    try:
        await store.finish("0")
        await store.accept("new", 0, "{}".ljust(400), 10, 10**9)
    except StoreError:
        return False
    finally:
        await store.close()
    return True


@dataclass(frozen=True)
class Room:
    """Jobs, and free bytes with which the store could be opened and written; None: with no room."""

    accepted: int
    found: int | None = None
    opens_with: int | None = None
    goes_on_with: int | None = None


async def measure(folder: Path, end: str) -> Room:
    ballast = folder / "ballast"
    await asyncio.to_thread(ballast.write_bytes, bytes(BALLAST))
    room = Room(await asyncio.to_thread(fill, folder, end))
    for free in range(0, BALLAST, BLOCK):
        os.truncate(ballast, BALLAST - free)
        if room.found is None and (found := await opens(folder)) is not None:
            room = replace(room, found=found, opens_with=free)
        if room.found is not None and await goes_on(folder):
            return replace(room, goes_on_with=free)
    return room


def main() -> None:
    for end in ("killed", "closed"):
        with TemporaryDirectory() as folder:
            mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder]
            subprocess.run(mount, check=True)
            try:
                sys.stdout.write(f"{end}: {asyncio.run(measure(Path(folder), end))}\n")
            finally:
                subprocess.run(["umount", folder], check=True)


if __name__ == "__main__":
    main()
