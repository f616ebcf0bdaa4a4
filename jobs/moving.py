"""What runs in a thread for a clip: from its bytes to the repainted MP4."""

from collections.abc import Sequence

from PIL import Image

from decoding import limits_of
from image_processing import room_for_painting
from jobs.answer import Film, Result
from jobs.painting import Progress, make_result, shares_of
from model_people.faces import People
from moving_pictures.reading import read_clip
from moving_pictures.repainting import Step, in_season, in_style, repainted
from settings import Settings
from wishes import AMOUNTS, SeasonWish, StyleWish, Wish


def make_clip_result(
    wish: Wish, clip: bytes, others: Sequence[bytes], settings: Settings, progress: Progress
) -> Result:
    """Does with the clip what is wished for, by the quick network where it is to be painted.

    A GIF with a single frame is a photo, for which `others` are as for `make_result`. Raises
    `BadImage` for files that cannot be read, `Cancelled` where `progress` is stopped.
    """
    found = read_clip(clip, limits_of(settings))
    if found.frames == 1:
        return make_result(wish, True, clip, others, settings, progress)
    room_for_painting(settings)
    *steps, last = _steps(wish, settings)
    steps.append(_with_preview(last, progress))
    film = repainted(found, steps, progress.on_progress)
    progress.on_progress(1.0)
    return Result(
        film.data,
        "paintbox.mp4",
        as_photo=False,
        people=film.people,
        film=Film(film.size, film.seconds, film.has_sound),
    )


def _steps(wish: Wish, settings: Settings) -> list[Step]:
    if isinstance(wish, SeasonWish):
        return [in_season(wish.direction, AMOUNTS[wish.amount], settings.engine)]
    assert isinstance(wish, StyleWish)  # nothing else is accepted for clips
    season = [in_season(wish.season, engine=settings.engine)] if wish.season else []
    background = {wish.background: 1.0} if wish.background else None
    return [*season, in_style(shares_of(wish), wish, background)]


def _with_preview(step: Step, progress: Progress) -> Step:
    """The first frame is shown while the others are in work."""
    shown = False

    def show(frame: Image.Image, people: People) -> Image.Image:
        nonlocal shown
        picture = step(frame, people)
        if not shown:
            shown = True
            progress.on_preview(picture)
        return picture

    return show
