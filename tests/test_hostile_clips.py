"""Clips made to hurt: promises of pixels, frames and tables, other files named within, and damage.

Each is read, or refused with `BadImage`, in little time and memory.
"""

import os
import struct
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from multiprocessing import get_context

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from decoding import BadImage, Limits
from moving_pictures.reading import frames, read_clip
from moving_pictures.repainting import repainted
from tests.test_hostile import damaged, memory
from tools.clips import PHOTO, make_clip

LIMITS = Limits(max_file_bytes=20 * 2**20, max_pixels=9_000_000, min_side=16, max_aspect_ratio=20)
LONG = "LONG_TESTS" in os.environ


def read(data: bytes) -> int:
    """How many frames a clip has, or 0 for one that is refused."""
    try:
        clip = read_clip(data, LIMITS)
        shown = [(picture.size, times) for _, picture, times in frames(clip)]
    except BadImage:
        return 0
    assert {size for size, _ in shown} == {clip.working_size}
    assert max(clip.working_size) <= 640
    assert 0 < sum(times for _, times in shown) <= 160
    return len(shown)


def patched(data: bytes, box: bytes, at: int, value: bytes) -> bytes:
    """An MP4 file with other bytes in the first such box, `at` bytes behind its name."""
    start = data.index(box) + 4 + at
    return data[:start] + value + data[start + len(value) :]


def gif(size: tuple[int, int], number: int) -> bytes:
    """Frames that differ in a pixel each, written by hand: Pillow would take long."""
    image = Image.new("P", size)
    buffer = BytesIO()
    image.save(buffer, "GIF")
    data = buffer.getvalue()
    frame = data.index(b"\x2c", 13 + 3 * 2 ** ((data[10] & 7) + 1))
    delay = b"\x21\xf9\x04\0\x01\0\0\0"
    return data[:frame] + (delay + data[frame:-1]) * number + b";"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"GIF89a", "not a clip"),
        (PHOTO.read_bytes(), "not a clip"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not a clip"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not a clip"),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 1 RTP/AVP 96\n", "not a clip"),
        (gif((64, 64), 10_000), "more than 1300 frames"),
        (gif((4000, 4000), 2), "4000 x 4000"),
        (gif((1000, 40), 2), "too narrow"),
        (gif((8, 8), 2), "too small"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_clip_gets_a_sentence_at_once(data: bytes, words: str) -> None:
    began = time.process_time()
    with pytest.raises(BadImage, match=words):
        read_clip(data, LIMITS)
    assert time.process_time() - began < 1


def test_sound_alone_is_no_clip() -> None:
    buffer = BytesIO()
    with (
        av.open(buffer, "w", format="mp4") as container,
        av.open(BytesIO(make_clip((64, 64), 0.5, 10, sound=True)), "r") as source,
    ):
        sound = container.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = sound
                container.mux(packet)
    with pytest.raises(BadImage, match="no video"):
        read_clip(buffer.getvalue(), LIMITS)


def test_a_header_without_frames_is_refused() -> None:
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", 15)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    assert read(buffer.getvalue()) == 0
    clip = make_clip((64, 64), 1, 10)
    start = clip.index(b"mdat") + 4
    assert read(clip[:start] + bytes(len(clip[start:]) // 2)) == 0
    zeros = clip[:start] + bytes(clip.index(b"moov") - 4 - start) + clip[clip.index(b"moov") - 4 :]
    assert read(zeros) == 0


def test_what_a_header_says_of_length_and_size_is_not_believed() -> None:
    clip = make_clip((64, 64), 1, 10)
    hour = patched(clip, b"mvhd", 16, struct.pack(">I", 3_600_000))
    assert read_clip(hour, LIMITS).seconds == pytest.approx(1, abs=0.01)
    giant = patched(clip, b"avc1", 24, struct.pack(">HH", 65535, 65535))
    assert read(giant) in (0, 10)  # refused, or shown in its true size


def promises() -> list[tuple[str, bytes]]:
    """Tables of samples, a few bytes long, that speak of billions."""
    clip = make_clip((64, 64), 1, 10, sound=True)
    billions = struct.pack(">I", 2**32 - 2)
    return [
        ("as many samples", patched(clip, b"stsz", 4, struct.pack(">II", 1, 100_000_000))),
        ("samples of sizes", patched(clip, b"stsz", 8, billions)),
        ("times", patched(clip, b"stts", 4, billions)),
        ("one time for all", patched(clip, b"stts", 8, struct.pack(">II", 2**31, 1))),
        ("chunks", patched(clip, b"stco", 4, billions)),
        ("samples in a chunk", patched(clip, b"stsc", 12, struct.pack(">I", 2**31 - 1))),
        ("boxes", patched(clip, b"moov", -8, struct.pack(">I", 2**31))),
    ]


def most_memory(data: bytes) -> int:
    """The most bytes that this process had."""
    read(data)
    return memory("VmHWM")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_promises_cost_neither_time_nor_memory() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        usual = process.submit(most_memory, make_clip((64, 64), 1, 10, sound=True)).result()
        for name, data in promises():
            began = time.monotonic()
            assert process.submit(most_memory, data).result() < usual + 64 * 2**20, name
            assert time.monotonic() - began < 10, name


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_large_frames_stay_within_what_a_decoder_may_hold() -> None:
    film = make_clip((1920, 1088), 0.7, 30)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        usual = process.submit(most_memory, make_clip((64, 64), 1, 10)).result()
        assert process.submit(most_memory, film).result() < usual + 160 * 2**20
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        larger = process.submit(make_clip, (3840, 2176), 0.1, 10).result()
    with pytest.raises(BadImage, match="3840 x 2176"):
        read_clip(larger, LIMITS)


def test_streams_that_break_are_shown_as_far_as_they_can_be() -> None:
    clip = make_clip((128, 96), 1, 10, kind="webm")
    assert 0 < read(clip[: len(clip) * 9 // 10]) <= 10
    half = make_clip((128, 96), 1, 10)
    assert read(half[: len(half) // 2]) == 0  # the table of its frames stands at the end


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["moov", "ftyp", "mdat", "stbl", "GIF89a"]), st.binary(max_size=400))
def test_any_bytes_behind_a_signature(name: str, tail: bytes) -> None:
    head = name.encode()
    read(head + tail if name == "GIF89a" else struct.pack(">I", len(tail) + 8) + head + tail)


def test_damaged_clips() -> None:
    originals = [
        make_clip((48, 40), 0.5, 10, sound=True),
        make_clip((48, 40), 0.5, 10, kind="webm", sound=True),
        make_clip((48, 40), 0.5, 10, kind="gif"),
    ]
    assert all(read(data) == 5 for data in originals)
    slowest, refusals = 0.0, 0
    number = 10_000 if LONG else 1000
    for data in damaged(originals, number):
        began = time.process_time()
        refusals += read(data) == 0
        slowest = max(slowest, time.process_time() - began)
    assert number // 20 < refusals < number * 19 // 20
    assert slowest < 3


def test_damaged_sound_costs_no_picture() -> None:
    clip = make_clip((48, 40), 0.5, 10, sound=True)
    for data in damaged([clip], 100):
        try:
            result = repainted(read_clip(data, LIMITS), [lambda frame, people: frame])
        except BadImage:
            continue
        with av.open(BytesIO(result.data)) as written:
            assert written.streams.video[0].frames > 0
