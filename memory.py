"""What the machine leaves to this process: processors, memory, how much of it a painting gets."""

import ctypes
import math
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from settings import Settings

OWN = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")
USABLE = 0.96  # of the limit; what counts here also has 80 MB of files, which the kernel can drop
SMALLEST = 512  # MB, of the smallest paid dyno; where nothing sets a limit we stay within it too
ROOMY = 800  # MB for a painting, from which on networks are kept for the next one
WITHOUT_WORKERS = 260  # MB of a bot that does not paint
WORKER = 200  # MB, for a painting of 512 px with small tiles


def _cgroups(controller: str, own: Path, root: Path) -> Iterator[tuple[int, Path]]:
    """Version and folder of each cgroup that this process is in and that may limit it."""
    try:
        lines = own.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            version, folder = 2, root
        elif controller in controllers.split(","):
            version, folder = 1, root / controller
        else:
            continue
        inner = folder / path.lstrip("/")  # in a container it may stand under another name: root
        for place in (inner, *inner.parents):
            if place == root.parent:
                break
            yield version, place


def limit_mb(own: Path = OWN, root: Path = CGROUPS) -> float | None:
    """The lowest limit that a cgroup, v1 or v2, sets for this process; None if there is none."""
    limits: list[float] = []
    for version, place in _cgroups("memory", own, root):
        try:
            name = "memory.max" if version == 2 else "memory.limit_in_bytes"
            text = (place / name).read_text().strip()
        except OSError:
            continue
        if text != "max" and int(text) < 2**50:  # v1 writes a huge number for no limit
            limits.append(int(text) / 2**20)
    return min(limits, default=None)


def processors(own: Path = OWN, root: Path = CGROUPS) -> int:
    """How many processors may run at once: those there are, or the cgroup's quota if less."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    available = float(len(affinity(0)) if affinity else os.cpu_count() or 1)
    for version, place in _cgroups("cpu", own, root):
        try:
            if version == 2:
                quota, period = (place / "cpu.max").read_text().split()
            else:
                names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
                quota, period = ((place / name).read_text() for name in names)
        except OSError:
            continue
        if quota != "max" and int(quota) > 0:  # v1 writes -1 for no quota
            available = min(available, int(quota) / int(period))
    return math.ceil(available)


def resident_mb() -> float:
    """What this process takes now, in MB; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def usable_mb(settings: Settings) -> float:
    """What this process may take in all: of `MEMORY_MB`, else its cgroup's limit, else 512."""
    return (settings.memory_mb or limit_mb() or SMALLEST) * USABLE


def worker_count(settings: Settings) -> int:
    """`WORKERS`, or as many of them as the memory suffices for; always one."""
    return max(1, min(settings.workers, int((usable_mb(settings) - WITHOUT_WORKERS) / WORKER)))


def free_mb(settings: Settings) -> float:
    """What each of the workers may still take, in MB; first gives back what was freed."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    return max(usable_mb(settings) - resident_mb(), 0) / worker_count(settings)


@cache
def give_back_freed_memory() -> None:
    """Has glibc give each large array pages of its own, which go back as soon as they are freed.

    It else learns from the first large ones to keep the next in its heap, and gives each thread
    a heap of its own.
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        m_mmap_threshold, m_arena_max = -3, -8  # malloc.h
        mallopt(m_mmap_threshold, 2**18)
        mallopt(m_arena_max, 2)
