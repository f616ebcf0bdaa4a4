"""What runs in a thread: from the bytes of pictures to the encoded result."""

import threading
from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from decoding import BadImage, decode, limits_of
from encoding import MOST_SIDES_OF_PHOTO, encode_file, encode_photo
from image_processing import (
    Cancelled,
    OnProgress,
    change_season,
    paint,
    room_for_painting,
    side_by_side,
)
from jobs.answer import Result
from model_nst.style_transfer import Style
from model_people.faces import find_people
from settings import Settings
from untranslated import translatable
from wishes import AMOUNTS, CompareWish, SeasonWish, StyleWish, Wish

MOST_ELONGATED_PHOTO = 20  # long side to short side, of what Telegram takes as a photo


class Progress:
    """How far a thread is: it writes, the task that tells the user reads, and may set `stop`."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.fraction = 0.0  # 0 to 1
        self.preview: bytes | None = None  # a JPEG of the painting so far, until it is shown

    def on_progress(self, fraction: float) -> None:
        """Raises `Cancelled` at the first step after `stop` is set."""
        self.fraction = fraction
        if self.stop.is_set():
            raise Cancelled

    def on_preview(self, painting: Image.Image) -> None:
        self.preview = encode_photo(painting).data


def make_result(
    wish: Wish,
    as_file: bool,
    photo: bytes,
    others: Sequence[bytes],
    settings: Settings,
    progress: Progress,
) -> Result:
    """Does with the photo what is wished for; `as_file` where it came as a file.

    `others` are the files of the style pictures, one or two, and of the background's, or that of
    the picture to compare with.
    Raises `BadImage` for files that cannot be read, `Cancelled` where `progress` is stopped.
    """
    people = False
    if isinstance(wish, SeasonWish):
        picture = _change_season(photo, wish, settings, progress.on_progress)
    elif isinstance(wish, CompareWish):
        picture = _compare(photo, others[0], settings)
    else:
        picture, people = _paint(photo, others, wish, settings, progress)
    progress.on_progress(1.0)
    wants_file = not isinstance(wish, CompareWish) and (wish.as_file or as_file)
    return replace(_encode(picture, wants_file), people=people)


def _paint(
    photo: bytes, styles: Sequence[bytes], wish: StyleWish, settings: Settings, progress: Progress
) -> tuple[Image.Image, bool]:
    """The painting, and whether there are people in it."""
    limits = limits_of(settings)
    try:
        pictures = [decode(style, limits) for style in styles]
    except BadImage as error:
        raise BadImage(translatable("The style picture: {problem}"), problem=error) from error
    background = [Style(pictures.pop())] if wish.background else []
    content = decode(photo, limits)  # before it is asked how much memory is left
    people = find_people(content)
    painting = paint(
        content,
        [Style(picture, 1 / len(pictures)) for picture in pictures],
        wish,
        size=settings.nst_size,
        engine=settings.engine,
        megabytes=room_for_painting(settings),
        background=background,
        people=people,
        on_progress=progress.on_progress,
        on_preview=progress.on_preview,
    )
    return painting, bool(people.faces)


def _change_season(
    photo: bytes, wish: SeasonWish, settings: Settings, on_progress: OnProgress
) -> Image.Image:
    image = decode(photo, limits_of(settings))
    on_progress(0.5)  # the rest takes a fraction of a second
    return change_season(
        image,
        wish.direction,
        size=settings.cyclegan_size,
        engine=settings.engine,
        amount=AMOUNTS[wish.amount],
    )


def _compare(photo: bytes, result: bytes, settings: Settings) -> Image.Image:
    limits = limits_of(settings)
    return side_by_side(decode(photo, limits), decode(result, limits))


def _encode(picture: Image.Image, wants_file: bool) -> Result:
    """As Telegram takes it: a photo, or else a file without loss.

    A file where one is wanted, and where the picture is too large or too elongated for a photo.
    """
    too_large = sum(picture.size) > MOST_SIDES_OF_PHOTO
    too_elongated = max(picture.size) > MOST_ELONGATED_PHOTO * min(picture.size)
    if not (wants_file or too_large or too_elongated):
        encoded = encode_photo(picture)
        if encoded.size == picture.size:  # else it had too many bytes, and was made smaller
            return Result(encoded.data, "paintbox.jpg", as_photo=True)
    encoded = encode_file(picture)
    return Result(encoded.data, f"paintbox{encoded.extension}", as_photo=False)
