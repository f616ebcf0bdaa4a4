"""Paints a photo, or changes its season, and brings the picture back to the photo's own size.

Also the command line: `python image_processing.py style PHOTO --style NAME_OR_FILE -o OUT`.
"""

import math
import sys
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageStat

from memory import ROOMY, free_mb
from model_cyclegan.season import load_season, translate, unload_seasons
from model_nst.engine import get_engine
from model_nst.faces import FaceMaps
from model_nst.images import Array, working_copy
from model_nst.style_transfer import Style, transfer, within_memory
from model_people.faces import find_people
from model_people.masks import face_map, features_map
from settings import EngineName, Settings
from wishes import DIRECTIONS, USUAL, Direction, PaintingOptions

OnProgress = Callable[[float], None]
OnPreview = Callable[[Image.Image], None]

LUMINANCE = np.array((0.299, 0.587, 0.114), np.float32)
BAND = 256  # rows of a large photo that are worked on at once
KEPT_WIDTH = 40  # pixels of a face as it is worked at; a wider one is kept less, a smaller more
LEAST_KEPT, MOST_KEPT = 0.55, 1.5
AROUND_FACE, SOFT_FACE = (
    0.08,
    0.1,
)  # of a face's width: how far around it, how softly
MAPPED = 512  # pixels; most on the long side of the faces' maps, which are soft
COMPARED = 1280  # pixels; long side of each picture where two are shown beside each other


class Cancelled(Exception):
    """Raised by a progress callback to stop the work."""


def load_networks(engine: EngineName = "auto") -> None:
    """Loads what the first photo would wait for; raises `ValueError` for weights not ours."""
    get_engine(engine)
    for direction in DIRECTIONS:
        load_season(direction, engine)


def room_for_painting(settings: Settings) -> float:
    """What a painting may take now, in MB; where that is little, the season's networks give way."""
    if (megabytes := free_mb(settings)) < ROOMY:
        unload_seasons()
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
    on_progress: OnProgress | None = None,
    on_preview: OnPreview | None = None,
) -> Image.Image:
    """Repaints `content`, at its own size, in styles mixed by their shares; pictures are RGB.

    `size` is the long side in pixels that is worked at, 128 to 2048, or less where `megabytes` do
    not suffice for it. `on_progress` gets the share done, 0 to 1, at every step, and `on_preview`
    what the painting looks like so far, at the size that is worked at, a few times, the first after
    a small part of the work; whatever they raise stops the work.

    To keep the colours, only the luminance is painted (Gatys et al., "Preserving Color in Neural
    Artistic Style Transfer", 2016).
    """
    small, fitting_engine = within_memory(content, size, get_engine(engine), megabytes)
    seen = small
    if options.keep_colours:
        seen = small.convert("L").convert("RGB")
        styles = [Style(_with_luminance_of(small, picture), share) for picture, share in styles]

    def finished(painting: Image.Image, photo: Image.Image) -> Image.Image:
        result = _at_own_size(painting, small.resize(painting.size), photo)
        return _with_colours_of(photo, result) if options.keep_colours else result

    def show(coarse: Image.Image) -> None:
        if on_preview:
            on_preview(finished(coarse, small))

    faces = faces_in(content, small.size) if options.faces == "keep" else None
    painting = transfer(seen, styles, fitting_engine, options, on_progress, show, faces)
    return finished(painting, content)


def faces_in(photo: Image.Image, size: tuple[int, int]) -> FaceMaps | None:
    """Maps of the faces in an RGB photo that is worked at in this size; None where there are none.

    Where a face is small, few strokes would hide it: it is kept more.
    """
    people = find_people(photo)
    if not people.faces:
        return None
    scale = size[0] / photo.width
    weights = [
        min(max(KEPT_WIDTH / (face.width * scale), LEAST_KEPT), MOST_KEPT) for face in people.faces
    ]
    share = min(1, MAPPED / max(size))
    width, height = (max(1, round(side * share)) for side in size)
    return FaceMaps(
        face_map(people, width, height, AROUND_FACE, SOFT_FACE, weights),
        features_map(people, width, height, weights),
    )


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
) -> Image.Image:
    """Shows `photo` as if taken half a year later, at its own size; both are RGB.

    `size` is the long side in pixels that is worked at. `amount` is how far it goes: 0 leaves the
    photo as it is, 1 is the generator's picture, and what is more overdoes it, up to 2.
    """
    small = working_copy(photo, size)
    changed = _at_own_size(translate(small, direction, engine), small, photo)
    return changed if amount == 1 else Image.blend(photo, changed, amount)


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


def _at_own_size(result: Image.Image, small: Image.Image, photo: Image.Image) -> Image.Image:
    """Brings a result to the size of `photo`; `small` is the photo at the result's size."""
    if small.width >= photo.width:
        return result.resize(photo.size, Image.Resampling.LANCZOS)
    return with_detail(result, small, photo)


def with_detail(painting: Image.Image, small: Image.Image, photo: Image.Image) -> Image.Image:
    """Enlarges `painting` to the size of `photo` and gives it the fine detail that it lacks.

    All are RGB; `small` is the photo at the painting's size. What is added is the luminance that
    `small` lost of the photo, times how much more contrast the painting has than the photo at that
    place. The work is done in bands of rows, so that a large photo takes no more memory than its
    pixels.
    """
    width, height = photo.size
    luminance = np.asarray(small, np.float32) @ LUMINANCE
    ratio = _contrast(np.asarray(painting, np.float32) @ LUMINANCE) / (_contrast(luminance) + 2.5)
    luminance_image = Image.fromarray(luminance)
    ratio_image = Image.fromarray(np.clip(ratio, 0, 1.5))
    channels = [channel.convert("F") for channel in painting.split()]
    result = Image.new("RGB", photo.size)
    for top in range(0, height, BAND):
        bottom = min(top + BAND, height)
        band = partial(_enlarged_rows, top=top, bottom=bottom, size=photo.size)
        lost = np.asarray(photo.crop((0, top, width, bottom)), np.float32) @ LUMINANCE
        lost -= band(luminance_image, Image.Resampling.BICUBIC)
        lost *= band(ratio_image, Image.Resampling.BILINEAR)
        rows = np.stack([band(channel, Image.Resampling.BICUBIC) + lost for channel in channels], 2)
        np.clip(rows + 0.5, 0, 255, out=rows)
        result.paste(Image.fromarray(rows.astype(np.uint8)), (0, top))
    return result


def _enlarged_rows(
    image: Image.Image, method: Image.Resampling, *, top: int, bottom: int, size: tuple[int, int]
) -> Array:
    """The rows `top` to `bottom`, `[bottom - top, width]`, of a picture of one channel when it is
    enlarged to `size`, width and height.
    """
    scale = image.height / size[1]
    box = (0, top * scale, image.width, min(bottom * scale, image.height))
    return np.asarray(image.resize((size[0], bottom - top), method, box=box))


def _contrast(luminance: Array, radius: int = 4) -> Array:
    """The standard deviation of the pixels within `radius` rows and columns of each.

    `luminance` and the result are `[H, W]`, 0 to 255.
    """
    mean = _box_mean(luminance, radius)
    return np.sqrt(np.maximum(_box_mean(luminance**2, radius) - mean**2, 0)).astype(np.float32)


def _box_mean(values: Array, radius: int) -> NDArray[np.float64]:
    """The mean of the `values`, `[H, W]`, within `radius` rows and columns of each; beyond an edge
    its values go on. The result has the same shape.
    """
    side = 2 * radius + 1
    sums = np.pad(values.astype(np.float64), radius, "edge").cumsum(0).cumsum(1)
    sums = np.pad(sums, ((1, 0), (1, 0)))
    total: NDArray[np.float64] = (
        sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    )
    return total / side**2


if __name__ == "__main__":
    from command_line import main

    sys.exit(main())
