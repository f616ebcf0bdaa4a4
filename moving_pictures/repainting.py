"""A clip repainted frame by frame, in steady pictures, with its sound."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from io import BytesIO

from PIL import Image

from image_processing import OnProgress, change_season, paint_quickly
from model_people.faces import People
from moving_pictures.reading import LONG_SIDE, Clip, frames
from moving_pictures.stillness import Stillness
from moving_pictures.watching import Watch
from moving_pictures.writing import written
from settings import EngineName
from wishes import USUAL, Direction, PaintingOptions

# From a frame, an RGB picture, and the people in it to another one of the same size.
Step = Callable[[Image.Image, People], Image.Image]


@dataclass(frozen=True)
class MovingPicture:
    """An MP4 file."""

    data: bytes
    size: tuple[int, int]  # width and height in pixels
    seconds: float
    has_sound: bool
    people: bool  # there are some in it


def repainted(
    clip: Clip, steps: Sequence[Step], on_progress: OnProgress | None = None
) -> MovingPicture:
    """Takes each frame, of at most 640 pixels, through the steps in their order.

    One frame is held at a time. `on_progress` gets the share done, 0 to 1, before each; whatever it
    raises stops the work. Raises `BadImage` for a clip without a frame that can be decoded.
    """
    stillness, watch, buffer = Stillness(), Watch(), BytesIO()
    with written(buffer, clip) as writer:
        for share, frame, times in frames(clip):
            if on_progress:
                on_progress(share)
            seen = stillness.see(frame)
            people = watch.people_in(seen)
            result = reduce(lambda picture, step: step(picture, people), steps, seen)
            writer.write(stillness.hold(result), times)
    return MovingPicture(
        buffer.getvalue(), clip.working_size, clip.seconds, clip.has_sound, watch.found
    )


def in_style(
    shares: Mapping[str, float],
    options: PaintingOptions = USUAL,
    background: Mapping[str, float] | None = None,
    size: int = LONG_SIDE,
) -> Step:
    """A step that paints as `paint_quickly`, which knows only the famous paintings."""

    def paint(frame: Image.Image, people: People) -> Image.Image:
        return paint_quickly(
            frame, shares, options, size=size, background=background, people=people, still=False
        )

    return paint


def in_season(
    direction: Direction, amount: float = 1.0, engine: EngineName = "auto", size: int = LONG_SIDE
) -> Step:
    """A step that changes the season."""

    def change(frame: Image.Image, people: People) -> Image.Image:
        return change_season(
            frame, direction, size=size, engine=engine, amount=amount, people=people
        )

    return change
