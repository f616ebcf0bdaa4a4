# PYTHON_ARGCOMPLETE_OK
"""Paints a photo, or changes its season, and brings the picture back to the photo's own size.

Also the command line: `python image_processing.py style PHOTO --style NAME_OR_FILE -o OUT`.
"""

if __name__ == "__main__":  # before the imports, which take seconds: what is wrong is told at once
    from command_arguments import read_arguments

    read_arguments()

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from PIL import Image, ImageOps, ImageStat

from dabs import in_dabs
from detail import at_own_size, with_change
from memory import ROOMY, free_mb
from model_cyclegan.daylight import by_day
from model_cyclegan.season import VIEWS, load_season, translate, unload_seasons
from model_cyclegan.skies import with_even_sky
from model_cyclegan.tints import without_bright_colours, without_new_colours, without_new_red
from model_nst import preset_grams
from model_nst.engine import StyleEngine, get_engine
from model_nst.images import working_copy
from model_nst.likeness import LEAST
from model_nst.quick_painter import make_ready, quick_styles, unload_quick
from model_nst.style_transfer import (
    STROKE_SCALES,
    Style,
    transfer,
    within_memory,
)
from model_people.faces import People, find_people
from model_people.networks import unload
from model_people.skin import skin_map
from parts import maps_of_faces, mask_of_persons, painted_skin, told_apart
from presets import PRESETS
from settings import EngineName, Settings
from sketching import famous, may_be_sketched, quick, sketch
from wishes import DIRECTIONS, USUAL, Direction, Only, PaintingOptions

T = TypeVar("T")
OnProgress = Callable[[float], None]
OnPreview = Callable[[Image.Image], None]

TILE = 352  # pixels; long side of a picture in a sheet of all styles
COMPARED = 1280  # pixels; long side of each picture where two are shown beside each other


class Cancelled(Exception):
    """Raised by a progress callback to stop the work."""


def load_networks(engine: EngineName = "auto") -> None:
    """Loads what the first photo would wait for; raises `ValueError` for weights not ours."""
    get_engine(engine)
    quick_styles()
    for direction in DIRECTIONS:
        load_season(direction, engine)


def room_for_painting(settings: Settings) -> float:
    """What a painting may take now, in MB; where that is little, the season's networks give way."""
    if (megabytes := free_mb(settings)) < ROOMY:
        unload_seasons()
        unload_quick()
        megabytes = free_mb(settings)
    return megabytes


def paint(
    content: Image.Image,
    styles: Sequence[Style],
    options: PaintingOptions = USUAL,
    *,
    size: int = 512,
    engine: EngineName = "auto",
    megabytes: float = math.inf,
    background: Sequence[Style] = (),
    people: People | None = None,
    on_progress: OnProgress | None = None,
    on_preview: OnPreview | None = None,
    on_kept: Callable[[], None] | None = None,
) -> Image.Image:
    """Repaints `content`, at its own size, in styles mixed by their shares; pictures are RGB.

    `size` is the long side in pixels that is worked at, 128 to 2048, or less where `megabytes` do
    not suffice for it. What is behind the people may have styles of its own, the `background`.
    `people` are those of `content`, where they were looked for already; where there are none, all
    is painted alike, whatever the options say of them. `on_progress` gets the share done, 0 to 1,
    at every step, and `on_preview` what the painting looks like so far, at the size that is worked
    at, a few times, the first after a small part of the work; whatever they raise stops the work.
    `on_kept` is called where more of the photo had to be kept, as beside a style of few details.

    To keep the colours, only the luminance is painted (Gatys et al., "Preserving Color in Neural
    Artistic Style Transfer", 2016).
    """
    people = find_people(content) if people is None else people
    is_parted = bool(people.faces) and (bool(background) or options.only != "all")
    parts = _shown(styles, background, options.only) if is_parted else [styles]
    paintings = [
        _painted(
            content,
            of_part,
            options,
            people,
            size,
            get_engine(engine),
            megabytes,
            _of_part(on_progress, number, len(parts)),
            None if is_parted else on_preview,
            on_kept,
        )
        for number, of_part in enumerate(parts)
    ]
    if not is_parted:
        return paintings[0]
    return _in_parts(content, people, paintings, options.only)


def _shown(of_people: T, behind: T | None, only: Only) -> list[T]:
    """The styles that will be seen: of the people, then of what is behind them."""
    if only == "people":
        return [of_people]
    if only == "background":
        return [behind or of_people]
    return [of_people, behind or of_people]


def _in_parts(
    content: Image.Image, people: People, paintings: Sequence[Image.Image], only: Only
) -> Image.Image:
    """The people out of the first painting or out of the photo, what is behind out of the last."""
    mask = mask_of_persons(content, people)
    behind = content if only == "people" else paintings[-1]
    return Image.composite(content if only == "background" else paintings[0], behind, mask)


def paint_quickly(
    content: Image.Image,
    shares: Mapping[str, float],
    options: PaintingOptions = USUAL,
    *,
    size: int = 512,
    background: Mapping[str, float] | None = None,
    people: People | None = None,
    still: bool = True,
) -> Image.Image:
    """As `paint`, in one pass of the quick network, which knows only the famous paintings.

    `shares`, by the presets' names, sum up to 1. Of the options, a soft painting keeps some of the
    photo and a strong one is painted twice over; fine strokes are normal ones. In what is not
    `still`, a frame of a clip, skin gets no colours of its own. Takes a fraction of a second, and
    at most 512 MB at any size. Raises `KeyError` for a style that is not known.
    """
    small = working_copy(content, round(size / max(1, STROKE_SCALES[options.strokes])))
    make_ready(*small.size)
    people = find_people(content) if people is None else people
    is_parted = bool(people.faces) and (bool(background) or options.only != "all")
    parts = _shown(shares, background, options.only) if is_parted else [shares]
    faces = shown = None
    if options.faces == "keep":
        shown = skin_map(small, people) if still else None
        faces = maps_of_faces(people, small.size, shown)
    paintings = []
    for of_part in parts:
        skin = None
        if shown is not None and not options.keep_colours:
            skin = painted_skin(small, shown, *famous(of_part))
        picture = quick(small, of_part, options.strength, faces, skin)
        result = at_own_size(picture, small, content)
        paintings.append(_with_colours_of(content, result) if options.keep_colours else result)
    return _in_parts(content, people, paintings, options.only) if is_parted else paintings[0]


def in_all_styles(photo: Image.Image) -> tuple[list[Image.Image], int]:
    """The RGB photo, small and quickly painted, in each of the famous paintings, in their order;
    and in how many columns a screen shows these tiles best.

    The tiles have one size; a photo more than twice as long as wide is cropped to its middle.
    """
    width, height = photo.size
    aspect = min(max(width / height, 0.5), 2)
    size = round(TILE * min(1, aspect)), round(TILE * min(1, 1 / aspect))
    tile = ImageOps.fit(working_copy(photo, 2 * TILE), size)
    make_ready(*size)
    people = find_people(tile)
    shown = skin_map(tile, people)
    faces = maps_of_faces(people, tile.size, shown)
    tiles = []
    for name in PRESETS:
        skin = painted_skin(tile, shown, *famous({name: 1.0}))
        tiles.append(quick(tile, {name: 1.0}, "normal", faces, skin))
    return tiles, 3 if aspect > 1.2 else 4


def _of_part(on_progress: OnProgress | None, number: int, parts: int) -> OnProgress | None:
    """Tells the share done of all parts, from that of one."""
    if on_progress is None:
        return None
    tell = on_progress
    return lambda share: tell((number + share) / parts)


def _painted(
    content: Image.Image,
    styles: Sequence[Style],
    options: PaintingOptions,
    people: People,
    size: int,
    engine: StyleEngine,
    megabytes: float,
    on_progress: OnProgress | None,
    on_preview: OnPreview | None,
    on_kept: Callable[[], None] | None,
) -> Image.Image:
    """Paints all of `content`."""
    names = [preset_grams.preset_of(style.picture) for style in styles]
    least = 0 if all(names) else LEAST[options.strength]
    area = None
    if apart := told_apart(working_copy(content, size), people, styles, names):
        area, styles = apart
    small, engine, in_regions = within_memory(
        content, size, engine, megabytes, in_regions=area is not None
    )
    area, seen = area if in_regions else None, small
    if options.keep_colours:
        seen = small.convert("L").convert("RGB")
        styles = [
            style._replace(picture=_with_luminance_of(small, style.picture)) for style in styles
        ]

    faces = skin = None
    if options.faces == "keep":
        shown = skin_map(small, people)
        if megabytes < ROOMY:
            unload("persons")
        faces = maps_of_faces(people, small.size, shown)
        if not options.keep_colours:
            skin = painted_skin(small, shown, styles, names)
            seen = skin.photo if skin else small

    def finished(painting: Image.Image, photo: Image.Image) -> Image.Image:
        result = at_own_size(painting, small.resize(painting.size), photo)
        result = in_dabs(result, photo.width / small.width, faces.faces if faces else None)
        return _with_colours_of(photo, result) if options.keep_colours else result

    def show(coarse: Image.Image) -> None:
        if on_preview:
            on_preview(finished(coarse, small))

    sketched = None
    if may_be_sketched(small, options):
        sketched = sketch(small, styles, names, engine, options.strength, faces, skin)
        if megabytes < ROOMY:
            unload_quick()
        show(sketched)
        if options.keep_colours:
            sketched = _with_luminance_of(small, sketched)
    painting = transfer(
        seen,
        styles,
        engine,
        options,
        on_progress,
        show,
        faces,
        least,
        on_kept,
        sketched,
        area,
        skin.shown if skin else None,
    )
    return finished(painting, content)


def _with_luminance_of(photo: Image.Image, style: Image.Image) -> Image.Image:
    """`style` in grey, with the mean and the standard deviation of the photo's luminance."""
    grey = style.convert("L")
    own, wanted = ImageStat.Stat(grey), ImageStat.Stat(photo.convert("L"))
    scale = wanted.stddev[0] / max(own.stddev[0], 1)
    table = [(level - own.mean[0]) * scale + wanted.mean[0] for level in range(256)]
    return grey.point([round(min(max(level, 0), 255)) for level in table]).convert("RGB")


def _with_colours_of(photo: Image.Image, painting: Image.Image) -> Image.Image:
    """The luminance of `painting` with the chrominance of `photo`."""
    _, blue, red = photo.convert("YCbCr").split()
    return Image.merge("YCbCr", (painting.convert("L"), blue, red)).convert("RGB")


def change_season(
    photo: Image.Image,
    direction: Direction,
    *,
    size: int = 512,
    engine: EngineName = "auto",
    amount: float = 1.0,
    people: People | None = None,
) -> Image.Image:
    """Shows `photo` as if taken half a year later, at its own size; both are RGB.

    `size` is the longest side in pixels at which the generator looks; what it decides is then done
    to the photo itself. `amount` is how far it goes: 0 leaves the photo as it is, 1 is the
    generator's picture, and what is more overdoes it, up to 2. Skies change their colour at most,
    as a whole. People stay as they are: `people` are those of the photo, where they were looked for
    already.
    """
    small = working_copy(photo, min(size, VIEWS[direction]))
    network = partial(translate, direction=direction, engine=engine)
    if direction == "winter2summer":
        translation = without_new_red(by_day(small, network), small)
        translation = without_bright_colours(translation, small)
    else:
        translation = without_new_colours(network(small), small)
    changed = with_change(with_even_sky(translation, small), small, photo)
    if amount != 1:
        changed = Image.blend(photo, changed, amount)
    people = find_people(photo) if people is None else people
    if people.faces:
        changed.paste(photo, mask=mask_of_persons(photo, people))
    return changed


def side_by_side(before: Image.Image, after: Image.Image) -> Image.Image:
    """Puts both, at the size of `before` but at most `COMPARED`, beside a thin white line.

    One above the other where the two would be a strip that no screen shows well.
    """
    scale = min(1, COMPARED / max(before.size))
    width, height = (max(1, round(side * scale)) for side in before.size)
    line = max(2, max(width, height) // 200)
    beside = width <= 2 * height
    shift = (width + line, 0) if beside else (0, height + line)
    sheet = Image.new("RGB", (width + shift[0], height + shift[1]), "white")
    for picture, place in ((before, (0, 0)), (after, shift)):
        sheet.paste(picture.resize((width, height), Image.Resampling.LANCZOS), place)
    return sheet


if __name__ == "__main__":
    from command_line import main

    sys.exit(main())
