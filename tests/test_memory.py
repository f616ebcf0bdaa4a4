"""How much memory there is is read from the cgroup, and paintings keep to it."""

from pathlib import Path

import pytest
from PIL import Image

from engines import compiled
from image_processing import room_for_painting
from memory import ROOMY, USABLE, free_mb, limit_mb, processors, resident_mb, worker_count
from model_cyclegan import season
from model_nst.openvino_engine import FEATURES, OpenVino, cut_network, pixels_at_once
from model_nst.style_transfer import within_memory
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


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/bot\n", {"bot/cpu.max": "50000 100000\n"}, 1),
        ("0::/bot\n", {"bot/cpu.max": "150000 100000\n"}, 2),
        ("0::/bot\n", {"bot/cpu.max": "max 100000\n", "cpu.max": "100000 100000\n"}, 1),
        (
            "1:cpu,cpuacct:/x\n0::/\n",
            {"cpu/x/cpu.cfs_quota_us": "20000\n", "cpu/x/cpu.cfs_period_us": "100000\n"},
            1,
        ),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ("0::/\n", {}, 3),
    ],
)
def test_no_more_threads_than_the_quota_lets_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own: str,
    files: dict[str, str],
    expected: int,
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    write(tmp_path / "own", own)
    for name, text in files.items():
        write(tmp_path / "cgroup" / name, text)
    assert processors(tmp_path / "own", tmp_path / "cgroup") == expected


def test_networks_run_on_as_many_threads() -> None:
    network = compiled(cut_network(FEATURES, 32, 32, "f32"), "f32")
    assert network.get_property("INFERENCE_NUM_THREADS") == processors()


def test_workers_share_what_is_free() -> None:
    alone = free_mb(Settings(_env_file=None, memory_mb=4000))
    shared = free_mb(Settings(_env_file=None, memory_mb=4000, workers=4))
    assert shared == pytest.approx(alone / 4, rel=0.05)
    assert alone == pytest.approx(4000 * USABLE - resident_mb(), rel=0.05)
    assert free_mb(Settings(_env_file=None, memory_mb=256, workers=64)) >= 0


@pytest.mark.parametrize(
    ("memory_mb", "asked", "expected"),
    [(256, 8, 1), (512, 8, 1), (1024, 8, 3), (1024, 2, 2), (4096, 8, 8)],
)
def test_no_more_workers_than_the_memory_suffices_for(
    memory_mb: int, asked: int, expected: int
) -> None:
    settings = Settings(_env_file=None, memory_mb=memory_mb, workers=asked)
    assert worker_count(settings) == expected


def test_less_memory_means_smaller_tiles_and_then_a_smaller_painting() -> None:
    at_once = [pixels_at_once(512 * 512, megabytes, "bf16") for megabytes in (2000, 160, 120, 60)]
    assert at_once[0] == 512 * 512
    assert at_once == sorted(at_once, reverse=True)
    assert at_once[-1] == 0
    assert pixels_at_once(512 * 512, 160, "f32") < at_once[1]
    engine = OpenVino("bf16")
    assert engine.within(2000, 2048 * 2048) is not None
    assert engine.within(200, 2048 * 2048) is None


def test_a_photo_that_is_padded_is_worked_on_as_a_whole() -> None:
    small, engine, _ = within_memory(Image.new("RGB", (512, 341)), 512, OpenVino(), 8000)
    assert small.size == (512, 341)
    assert isinstance(engine, OpenVino)
    assert engine.largest >= 512 * 344


def test_a_painting_that_does_not_fit_is_worked_at_smaller_but_not_below_128_pixels() -> None:
    photo = Image.new("RGB", (2048, 2048))
    small = within_memory(photo, 2048, OpenVino("bf16"), 200).photo
    assert 512 < max(small.size) < 2048
    assert within_memory(photo, 2048, OpenVino("bf16"), 0).photo.size == (128, 128)


def test_without_bf16_a_painting_is_rather_made_smaller_than_cut() -> None:
    """A little smaller, that is; else in tiles, at the size that was asked for."""
    photo = Image.new("RGB", (512, 384))
    for megabytes, least in ((350, 450), (300, 384), (200, 512)):
        small, engine, _ = within_memory(photo, 512, OpenVino("f32"), megabytes)
        assert isinstance(engine, OpenVino)
        assert least <= max(small.size) <= 512
        assert (engine.largest >= small.width * small.height) == (megabytes > 200)
    assert within_memory(photo, 512, OpenVino("bf16"), 150).photo.size == (512, 384)


@pytest.mark.parametrize(("free", "kept"), [(300, False), (8000, True)])
def test_a_painting_in_little_memory_sends_the_networks_of_seasons_away(
    free: int, kept: bool
) -> None:
    season.unload_seasons()
    before = season.load_season("summer2winter")
    settings = Settings(_env_file=None, memory_mb=round(resident_mb()) + free)
    assert (room_for_painting(settings) >= ROOMY) == kept
    assert (season.load_season("summer2winter") is before) == kept
