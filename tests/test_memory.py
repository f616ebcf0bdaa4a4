"""How much memory there is is read from the cgroup, and paintings keep to it."""

from pathlib import Path

import pytest

from memory import free_mb, limit_mb, resident_mb
from model_nst.engine import OpenVino, pixels_at_once
from settings import Settings

MB = 2**20


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/bot\n", {"bot/memory.max": f"{512 * MB}\n"}, 512),
        ("0::/bot\n", {"bot/memory.max": "max\n", "memory.max": f"{300 * MB}\n"}, 300),
        ("0::/a/b\n", {"a/memory.max": f"{256 * MB}", "a/b/memory.max": f"{512 * MB}"}, 256),
        ("0::/of/the/host\n", {"memory.max": f"{512 * MB}\n"}, 512),
        ("4:memory:/x\n0::/\n", {"memory/x/memory.limit_in_bytes": f"{512 * MB}\n"}, 512),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, None),
        ("0::/\n", {}, None),
    ],
)
def test_the_lowest_limit_counts(
    tmp_path: Path, own: str, files: dict[str, str], expected: float | None
) -> None:
    write(tmp_path / "own", own)
    for name, text in files.items():
        write(tmp_path / "cgroup" / name, text)
    assert limit_mb(tmp_path / "own", tmp_path / "cgroup") == expected


def test_without_proc_there_is_no_limit(tmp_path: Path) -> None:
    assert limit_mb(tmp_path / "missing", tmp_path) is None


def test_workers_share_what_is_free() -> None:
    alone = free_mb(Settings(_env_file=None, memory_mb=4000))
    shared = free_mb(Settings(_env_file=None, memory_mb=4000, workers=4))
    assert shared == pytest.approx(alone / 4, rel=0.05)
    assert alone == pytest.approx(4000 * 0.93 - resident_mb(), rel=0.05)
    assert free_mb(Settings(_env_file=None, memory_mb=256, workers=64)) >= 0


def test_less_memory_means_smaller_tiles_and_then_a_smaller_painting() -> None:
    at_once = [pixels_at_once(512 * 512, megabytes, "bf16") for megabytes in (2000, 260, 220, 100)]
    assert at_once[0] == 512 * 512
    assert at_once == sorted(at_once, reverse=True)
    assert at_once[-1] == 0
    assert pixels_at_once(512 * 512, 260, "f32") < at_once[1]
    engine = OpenVino("bf16")
    assert engine.within(2000, 2048 * 2048) is not None
    assert engine.within(200, 2048 * 2048) is None
