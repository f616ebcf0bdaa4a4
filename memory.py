"""How much memory this process may take, and how much of it a painting gets."""

import ctypes
import sys
from functools import cache
from pathlib import Path

from settings import Settings

CGROUPS = Path("/sys/fs/cgroup")
USABLE = 0.93  # of the limit; the rest is for what comes and goes beside
SMALLEST = 512  # MB, of the smallest paid dyno; where nothing sets a limit we stay within it too


def limit_mb(own: Path = Path("/proc/self/cgroup"), root: Path = CGROUPS) -> float | None:
    """The lowest limit that a cgroup, v1 or v2, sets for this process; None if there is none."""
    try:
        lines = own.read_text().splitlines()
    except OSError:  # not Linux
        return None
    limits: list[float] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            folder, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            folder, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        inner = folder / path.lstrip("/")  # in a container it may stand under another name: root
        for place in (inner, *inner.parents):
            if place == root.parent:
                break
            try:
                text = (place / name).read_text().strip()
            except OSError:
                continue
            if text != "max" and int(text) < 2**50:  # v1 writes a huge number for no limit
                limits.append(int(text) / 2**20)
    return min(limits, default=None)


def resident_mb() -> float:
    """What this process takes now; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def free_mb(settings: Settings) -> float:
    """What each of the workers may still take."""
    limit = settings.memory_mb or limit_mb() or SMALLEST
    return max(limit * USABLE - resident_mb(), 0) / settings.workers


@cache
def give_back_freed_memory() -> None:
    """Large arrays get pages of their own, which the system has back as soon as they are freed.

    glibc else learns from the first large ones to keep the next in its heap, and gives each thread
    a heap of its own.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library
        return
    m_mmap_threshold, m_arena_max = -3, -8  # malloc.h
    mallopt(m_mmap_threshold, 2**18)
    mallopt(m_arena_max, 2)
