"""Writes a clip as MP4: H.264, with the sound of another clip as AAC."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from io import BytesIO

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from moving_pictures.reading import Clip, opened

QUALITY = 20  # x264's constant rate factor; 18 looks like the original, 23 is its default
MOST_BITS = 6_000_000  # a second: ten seconds stay far below what Telegram takes
SAMPLES = 48_000  # a second, of the sound
SOUND_BITS = 128_000
MOST_SOUND_PACKETS = 20_000


class Writer:
    """Takes the frames of a repainted clip one by one; made by `written`."""

    def __init__(self, container: OutputContainer, stream: VideoStream, rate: Fraction) -> None:
        self._container, self._stream, self._tick = container, stream, 1 / rate
        self._count = 0

    def write(self, picture: Image.Image, times: int) -> None:
        """Appends an RGB picture, to be shown for so many frames."""
        frame = VideoFrame.from_ndarray(np.asarray(picture)).reformat(format="yuv420p")
        for _ in range(times):
            frame.pts, frame.time_base = self._count, self._tick
            self._container.mux(self._stream.encode(frame))
            self._count += 1

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))


@contextmanager
def written(buffer: BytesIO, clip: Clip) -> Iterator[Writer]:
    """An MP4 file in the making, of the clip's working size and rate, with its sound."""
    with av.open(buffer, "w", format="mp4") as container:
        options = {
            "preset": "fast",
            "crf": str(QUALITY),
            "maxrate": str(MOST_BITS),
            "bufsize": str(2 * MOST_BITS),
            "x264-params": "keyint=150:rc-lookahead=15:threads=1",
        }
        rate = Fraction(clip.rate).limit_denominator(1001)
        stream = container.add_stream("libx264", rate, options=options)
        stream.width, stream.height = clip.working_size
        stream.pix_fmt = "yuv420p"
        if clip.has_sound:
            _copy_sound(clip, container)
        writer = Writer(container, stream, rate)
        yield writer
        writer.finish()


def _copy_sound(clip: Clip, container: OutputContainer) -> None:
    """As AAC; what of it is damaged, or lies beyond the clip, is left out."""
    stream = container.add_stream("aac", SAMPLES, layout="stereo")
    stream.bit_rate = SOUND_BITS
    resampler = AudioResampler("fltp", "stereo", SAMPLES, frame_size=1024)
    end = round(clip.seconds * SAMPLES)
    at: int | None = None  # in samples from the clip's start
    with suppress(av.FFmpegError, ValueError):
        for frame in _sound(clip.data):
            if at is None:
                at = round(((frame.time or 0) - clip.start) * SAMPLES)
            for part in resampler.resample(frame):
                if at >= end:
                    break
                part.pts, part.time_base = at, Fraction(1, SAMPLES)
                at += part.samples
                container.mux(stream.encode(part))
    with suppress(av.FFmpegError):
        container.mux(stream.encode(None))


def _sound(data: bytes) -> Iterator[AudioFrame]:
    with opened(data) as (container, _):
        for number, packet in enumerate(container.demux(container.streams.audio[0])):
            if number > MOST_SOUND_PACKETS:
                return
            with suppress(av.FFmpegError):
                yield from packet.decode()
