"""What runs in a thread: from the bytes of pictures to the encoded result."""

import threading
from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from decoding import BadImage, decode, limits_of
from encoding import MOST_SIDES_OF_PHOTO, encode_file, encode_photo
from image_processing import (
    Cancelled,
    change_season,
    paint,
    paint_quickly,
    room_for_painting,
    side_by_side,
)
from jobs.answer import Result
from model_cyclegan.recognition import is_in_season_already
from model_nst.images import working_copy
from model_nst.quick_painter import quick_styles
from model_nst.style_transfer import Style
from model_people.faces import People, find_people
from settings import Settings
from untranslated import translatable
from wishes import AMOUNTS, CompareWish, SeasonWish, StyleWish, Wish

PREVIEW_SIZE = 512  # pixels; at most so large it is worked at, in little memory
PREVIEWED = 1280  # pixels; long side of a quick picture that is shown on the way, and of photos
MOST_ELONGATED_PHOTO = 20  # long side to short side, of what Telegram takes as a photo


class Progress:
    """How far a thread is: it writes, the task that tells the user reads, and may set `stop`."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.fraction = 0.0  # 0 to 1
        self.preview: bytes | None = None  # a JPEG of the painting so far, until it is shown
        self.kept = False  # more of the photo than usual, or all of it

    def on_progress(self, fraction: float) -> None:
        """Raises `Cancelled` at the first step after `stop` is set."""
        self.fraction = fraction
        if self.stop.is_set():
            raise Cancelled

    def on_preview(self, painting: Image.Image) -> None:
        self.preview = encode_photo(painting).data

    def on_kept(self) -> None:
        self.kept = True


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
        picture = _change_season(photo, wish, settings, progress)
    elif isinstance(wish, CompareWish):
        picture = _compare(photo, others[0], settings)
    else:
        picture, people = _paint(photo, others, wish, settings, progress)
    progress.on_progress(1.0)
    wants_file = not isinstance(wish, CompareWish) and (wish.as_file or as_file)
    result = replace(_encode(picture, wants_file), people=people, kept=progress.kept)
    if result.as_photo and isinstance(wish, StyleWish):
        return replace(result, lossless=encode_file(picture))
    return result


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
    if wish.season:
        content = _in_season(content, SeasonWish(wish.season), settings)
    people = find_people(content)
    is_quick = _is_quick(wish)
    if is_quick and settings.quality == "quick":
        return _painted_quickly(content, wish, people, settings.nst_size), bool(people.faces)
    if is_quick:
        progress.on_preview(_preview(content, wish, people, settings))
    painting = paint(
        content,
        [Style(*each) for each in zip(pictures, _shares(wish), strict=True)],
        wish,
        size=settings.nst_size,
        engine=settings.engine,
        megabytes=room_for_painting(settings),
        background=background,
        people=people,
        on_progress=progress.on_progress,
        on_preview=None if is_quick else progress.on_preview,  # it would be less like the painting
        on_kept=progress.on_kept,
    )
    return painting, bool(people.faces)


def _painted_quickly(
    content: Image.Image, wish: StyleWish, people: People | None, size: int
) -> Image.Image:
    return paint_quickly(
        content,
        shares_of(wish),
        wish,
        size=size,
        background={wish.background: 1.0} if wish.background else None,
        people=people,
    )


def shares_of(wish: StyleWish) -> dict[str, float]:
    """Of the presets that are to be seen in the painting; they sum to 1."""
    shares = dict.fromkeys([style for style in (wish.style, wish.second) if style], 0.0)
    for style, share in zip((wish.style, wish.second), _shares(wish), strict=False):
        shares[style or ""] += share
    return shares


def _shares(wish: StyleWish) -> list[float]:
    """Of its one or two styles."""
    return [1 - wish.share / 100, wish.share / 100] if wish.second else [1.0]


def quick_preview(photo: bytes, wish: Wish, settings: Settings) -> bytes | None:
    """A JPEG of the quick picture, of `PREVIEWED` pixels at most, if there is one of this wish."""
    if not isinstance(wish, StyleWish) or not _is_quick(wish):
        return None
    content = decode(photo, limits_of(settings))
    if wish.season:
        content = _in_season(content, SeasonWish(wish.season), settings)
    return encode_photo(_preview(content, wish, None, settings)).data


def _preview(
    content: Image.Image, wish: StyleWish, people: People | None, settings: Settings
) -> Image.Image:
    if max(content.size) > PREVIEWED:
        content, people = working_copy(content, PREVIEWED), None
    return _painted_quickly(content, wish, people, min(settings.nst_size, PREVIEW_SIZE))


def has_preview(wish: Wish, settings: Settings) -> bool:
    """Whether there will be a quick picture before the painting."""
    return settings.quality == "full" and isinstance(wish, StyleWish) and _is_quick(wish)


def _is_quick(wish: StyleWish) -> bool:
    """Whether the quick network knows all its styles."""
    known = (None, *quick_styles())
    return all(style in known for style in (wish.style, wish.second, wish.background))


def _change_season(
    photo: bytes, wish: SeasonWish, settings: Settings, progress: Progress
) -> Image.Image:
    """As it is where it shows that season already; unless more or less of it is asked for."""
    image = decode(photo, limits_of(settings))
    progress.on_progress(0.5)  # the rest takes a fraction of a second
    if wish.amount == "normal" and is_in_season_already(image, wish.direction):
        progress.kept = True
        return image
    return _in_season(image, wish, settings)


def _in_season(photo: Image.Image, wish: SeasonWish, settings: Settings) -> Image.Image:
    return change_season(
        photo,
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
