"""Clips: read, repainted, written; still where they were still; with their sound."""

from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO
from itertools import pairwise

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from decoding import BadImage, Limits
from image_processing import Cancelled
from model_people.faces import People
from moving_pictures.reading import Clip, frames, read_clip
from moving_pictures.repainting import MovingPicture, in_season, in_style, repainted
from moving_pictures.stillness import Stillness
from tools.clips import PHOTO, Kind, disc_mask, make_clip, scene

LIMITS = Limits(max_file_bytes=20 * 2**20, max_pixels=9_000_000, min_side=16, max_aspect_ratio=20)
SIZE = 160, 120


def unchanged(frame: Image.Image, people: People) -> Image.Image:
    return frame


def turned_round(frame: Image.Image, people: People) -> Image.Image:
    """Something that no clip would be without repainting."""
    return Image.fromarray(255 - np.asarray(frame))


def as_arrays(pictures: Iterable[Image.Image]) -> list[NDArray[np.float32]]:
    return [np.asarray(picture, np.float32) for picture in pictures]


def of_clip(data: bytes) -> list[NDArray[np.float32]]:
    return as_arrays(picture for _, picture, _ in frames(read_clip(data, LIMITS)))


def change(pictures: list[NDArray[np.float32]], mask: NDArray[np.bool_]) -> float:
    """The mean difference of one picture to the next where the mask is True, of 255."""
    pairs = pairwise(pictures)
    return float(np.mean([np.abs(after - before)[mask].mean() for before, after in pairs]))


def rotated(data: bytes) -> bytes:
    """The same MP4 file, whose header says that it is to be shown a quarter turn clockwise."""
    upright = b"".join(n.to_bytes(4, "big") for n in (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30))
    quarter = (0, 1 << 16, 0, 2**32 - (1 << 16), 0, 0, 0, 0, 1 << 30)
    at = data.index(upright, data.index(b"tkhd"))
    matrix = b"".join(n.to_bytes(4, "big") for n in quarter)
    return data[:at] + matrix + data[at + len(upright) :]


@pytest.mark.parametrize("kind", ["mp4", "webm", "gif"])
def test_a_clip_comes_back_with_its_length_and_sound(kind: Kind) -> None:
    sound = kind != "gif"
    clip = read_clip(make_clip(SIZE, 1.2, 25, kind=kind, sound=sound), LIMITS)
    assert (clip.size, clip.has_sound, clip.frames) == (SIZE, sound, 30)
    assert clip.seconds == pytest.approx(1.2, abs=0.05)
    assert clip.rate == pytest.approx(12.5, abs=0.2)  # every second frame
    result = repainted(clip, [turned_round])
    assert (result.size, result.has_sound) == (SIZE, sound)
    with av.open(BytesIO(result.data), "r") as written:
        video = written.streams.video[0]
        assert (video.codec.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert float(video.average_rate or 0) == pytest.approx(clip.rate, abs=0.01)
        heard = sum(frame.samples for frame in written.decode(audio=0)) if sound else 0
        rate = written.streams.audio[0].rate if sound else 1
    assert (heard / rate == pytest.approx(1.2, abs=0.1)) is sound
    firsts = (next(frames(each))[1] for each in (clip, read_clip(result.data, LIMITS)))
    before, after = as_arrays(frame.reduce(8) for frame in firsts)  # GIF dithers
    assert np.abs(after - (255 - before)).mean() < 4


def test_large_clips_get_smaller_and_odd_sides_even() -> None:
    clip = Clip(b"", (1920, 1080), 0, 1, 15, 15, False)
    assert clip.working_size == (640, 360)
    assert replace(clip, size=(1080, 1080)).working_size == (572, 572)  # painted in one piece
    assert replace(clip, size=(101, 33)).working_size == (100, 32)
    result = repainted(read_clip(make_clip((98, 34), 0.2, 10), LIMITS), [unchanged])
    assert result.size == (98, 34)


def test_a_film_from_a_phone_stands_upright() -> None:
    data = make_clip((160, 120), 0.2, 10)
    clip = read_clip(rotated(data), LIMITS)
    assert clip.size == (120, 160)
    lying, upright = of_clip(data)[0], of_clip(rotated(data))[0]
    assert np.abs(np.rot90(lying, -1) - upright).mean() < 1


def test_each_frame_is_shown_as_long_as_before() -> None:
    """A GIF's frames each have a delay of their own."""
    colours = ["red", "lime", "blue"]
    pictures = [Image.new("RGB", (32, 32), colour) for colour in colours]
    buffer = BytesIO()
    delays = [100, 1000, 300]
    pictures[0].save(buffer, "GIF", save_all=True, append_images=pictures[1:], duration=delays)
    clip = read_clip(buffer.getvalue(), LIMITS)
    assert clip.seconds == pytest.approx(1.4, abs=0.01)
    shown = [times / clip.rate * 1000 for _, _, times in frames(clip)]
    assert shown == pytest.approx(delays, abs=1)
    result = repainted(clip, [unchanged])
    with av.open(BytesIO(result.data), "r") as written:
        assert sum(1 for _ in written.decode(video=0)) == 14


def test_what_is_transparent_becomes_white() -> None:
    picture = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    picture.paste("red", (0, 0, 8, 32))
    other = picture.copy()
    other.paste("red", (8, 0, 12, 32))
    buffer = BytesIO()
    picture.save(buffer, "GIF", save_all=True, append_images=[other], duration=100, disposal=2)
    first = of_clip(buffer.getvalue())[0]
    assert (first[16, 24] > 250).all()
    assert (first[16, 4] == (255, 0, 0)).all()


def test_progress_tells_the_share_and_may_stop_the_work() -> None:
    clip = read_clip(make_clip(SIZE, 1, 10), LIMITS)
    told: list[float] = []
    repainted(clip, [unchanged], told.append)
    assert len(told) == 10
    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] == pytest.approx(0.9)

    def stop(share: float) -> None:
        if share > 0.5:
            raise Cancelled

    painted: list[Image.Image] = []

    def paint(frame: Image.Image, people: People) -> Image.Image:
        painted.append(frame)
        return frame

    with pytest.raises(Cancelled):
        repainted(clip, [paint], stop)
    assert len(painted) == 6


@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_what_does_not_move_stays_still(noise: float) -> None:
    """Painted by the real network, and as the file has it."""
    size = 320, 240
    clip = read_clip(make_clip(size, 1, 15, noise=noise), LIMITS)
    result = repainted(clip, [in_style({"starry_night": 1.0})])
    mask = disc_mask(size)
    own, painted = of_clip(clip.data), of_clip(result.data)
    assert len(own) == len(painted) == 15
    assert np.abs(painted[0] - own[0]).mean() > 15  # it is a painting
    assert change(painted, mask) <= max(1.5 * change(own, mask), 0.05)
    assert change(painted, ~mask) > 20 * change(painted, mask)  # and the disc still rolls


def test_without_it_a_painting_flickers() -> None:
    """What `Stillness` is for: noise alone, painted anew each time."""
    still = as_arrays(scene(SIZE, 1)) * 6
    chance = np.random.default_rng(2)
    noisy = [
        Image.fromarray(np.clip(f + chance.normal(0, 4, f.shape), 0, 255).astype(np.uint8))
        for f in still
    ]
    step, people = in_style({"starry_night": 1.0}), People(SIZE, ())
    raw = as_arrays(step(frame, people) for frame in noisy)
    stillness = Stillness()
    calm = as_arrays(stillness.hold(step(stillness.see(f), people)) for f in noisy)
    everywhere = np.ones(SIZE[::-1], bool)
    assert change(raw, everywhere) > change(as_arrays(noisy), everywhere)
    assert change(calm, everywhere) < 0.5 * change(as_arrays(noisy), everywhere)


def test_a_cut_to_another_scene_leaves_no_trace() -> None:
    stillness = Stillness()
    (one,), (other,) = scene(SIZE, 1), scene(SIZE, 1, photo=PHOTO.with_name("coffee.jpg"))
    for frame in (one, one, other):
        shown = stillness.hold(stillness.see(frame))
    assert np.abs(np.asarray(shown, np.float32) - np.asarray(other, np.float32)).mean() < 2


def test_a_clip_changes_its_season() -> None:
    photo = PHOTO.with_name("summer_valley.jpg")
    clip = read_clip(make_clip((256, 192), 0.2, 10, photo=photo), LIMITS)
    result = repainted(clip, [in_season("summer2winter")])
    (before, *_), (after, *_) = of_clip(clip.data), of_clip(result.data)
    assert after.mean() > before.mean() + 10  # snow lies


def test_colours_survive_being_written() -> None:
    red = Image.new("RGB", (64, 64), (200, 40, 40))
    buffer = BytesIO()
    red.save(buffer, "GIF", save_all=True, append_images=[Image.new("RGB", (64, 64))], duration=500)
    result: MovingPicture = repainted(read_clip(buffer.getvalue(), LIMITS), [unchanged])
    assert of_clip(result.data)[0].mean((0, 1)) == pytest.approx((200, 40, 40), abs=4)


def test_a_clip_that_is_too_long_is_refused() -> None:
    with pytest.raises(BadImage, match="lasts 12 seconds"):
        read_clip(make_clip((32, 32), 12, 5), LIMITS)
    assert read_clip(make_clip((32, 32), 10.2, 5), LIMITS).frames == 51
