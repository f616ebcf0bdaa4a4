"""Makes short clips of photographs, for tests and benchmarks: no video lies in the repository."""

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Literal, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from settings import ROOT

Movement = Literal["object", "pan"]
Kind = Literal["mp4", "gif", "webm"]
PHOTO = ROOT / "images" / "photos" / "chelsea.jpg"
SAMPLES = 44_100  # a second
DISC = 0.2  # of the height: the diameter of what moves in front


def scene(
    size: tuple[int, int],
    frames: int,
    movement: Movement = "object",
    noise: float = 0.0,
    photo: Path = PHOTO,
) -> Iterator[Image.Image]:
    """RGB frames of this size: a disc rolls past a still photo, or the camera pans over it.

    `noise` is the standard deviation of what a camera's sensor adds, of 255.
    """
    chance = np.random.default_rng(1)
    width, height = size
    with Image.open(photo) as whole:
        wide = ImageOps.fit(whole.convert("RGB"), (width * 5 // 4, height * 5 // 4))
    for number in range(frames):
        share = number / max(1, frames - 1)
        if movement == "pan":
            corner = share * width / 4, share * height / 4
            frame = wide.transform(
                size,
                Image.Transform.AFFINE,
                (1, 0, corner[0], 0, 1, corner[1]),
                Image.Resampling.BICUBIC,
            )
        else:
            frame = wide.resize(size)
            side = round(height * DISC)
            left = round(share * (width - side))
            place = (left, height - side - 2, left + side, height - 2)
            ImageDraw.Draw(frame).ellipse(place, "firebrick", "white", 3)
        yield _noisy(frame, noise, chance) if noise else frame


def disc_mask(size: tuple[int, int]) -> NDArray[np.bool_]:
    """`[H, W]`, True where the disc of `scene` never comes near."""
    mask = np.ones(size[::-1], bool)
    mask[round(size[1] * (1 - 2 * DISC)) :] = False
    return mask


def make_clip(
    size: tuple[int, int] = (160, 120),
    seconds: float = 1.0,
    rate: int = 30,
    *,
    movement: Movement = "object",
    noise: float = 0.0,
    sound: bool = False,
    kind: Kind = "mp4",
    photo: Path = PHOTO,
) -> bytes:
    """The bytes of a file with such a scene in it, the sound being a tone."""
    buffer = BytesIO()
    codec, pixels = {
        "mp4": ("libx264", "yuv420p"),
        "gif": ("gif", "rgb8"),
        "webm": ("libvpx-vp9", "yuv420p"),
    }[kind]
    with av.open(buffer, "w", format=kind) as container:
        stream = cast(VideoStream, container.add_stream(codec, rate))
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        if sound:
            _add_tone(container, seconds, "libopus" if kind == "webm" else "aac")
        for image in scene(size, round(seconds * rate), movement, noise, photo):
            container.mux(stream.encode(VideoFrame.from_ndarray(np.asarray(image))))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def _noisy(frame: Image.Image, noise: float, chance: np.random.Generator) -> Image.Image:
    pixels = np.asarray(frame, np.float32)
    pixels = pixels + chance.standard_normal(pixels.shape, np.float32) * np.float32(noise)
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))


def _add_tone(container: OutputContainer, seconds: float, codec: str) -> None:
    """A quiet 440 Hz."""
    rate = 48_000 if codec == "libopus" else SAMPLES
    stream = cast(AudioStream, container.add_stream(codec, rate, layout="mono"))
    times = np.arange(round(seconds * rate), dtype=np.float32) / rate
    tone = (8000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)
    for start in range(0, len(tone), 960):
        frame = AudioFrame.from_ndarray(tone[None, start : start + 960], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
