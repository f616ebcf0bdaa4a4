"""From the bytes of a photo to a painting of the photo's own size, and to bytes again.

Also the command line: `python image_processing.py style PHOTO --style NAME_OR_FILE -o OUT`.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageStat
from pydantic import ValidationError
from tqdm import tqdm

from decoding import BadImage, Limits, decode, limits_of
from memory import free_mb
from model_cyclegan.season import load_season, translate
from model_nst.engine import ROOMY, get_engine
from model_nst.engine import Engine as StyleEngine
from model_nst.style_transfer import padded_size, transfer
from presets import PRESETS
from settings import Engine, Settings, explained
from wishes import DIRECTIONS, STRENGTHS, STROKES, Direction, Strength, Strokes

Array = NDArray[np.float32]
OnProgress = Callable[[float], None]
OnPreview = Callable[[Image.Image], None]

SUFFIXES = (".png", ".jpg", ".jpeg")  # of what the command line writes
LUMINANCE = np.array((0.299, 0.587, 0.114), np.float32)
BAND = 256  # rows of a large photo that are worked on at once
SMALLEST_WORKED_AT = 128  # pixels; a smaller photo is enlarged to it, or no stroke would fit
MOST_BYTES_OF_PHOTO = 10 * 10**6  # Telegram's limits on sendPhoto and on files
MOST_SIDES_OF_PHOTO = 10_000  # width + height
COMPARED = 1280  # pixels; long side of each picture where two are shown beside each other
MOST_BYTES_OF_FILE = 45 * 10**6


class Cancelled(Exception):
    """Raised by a progress callback to stop the work."""


def load_networks(engine: Engine = "auto") -> None:
    """What the first photo would wait for; raises `ValueError` for weights that are not ours."""
    get_engine(engine)
    for direction in DIRECTIONS:
        load_season(direction, engine)


def paint(
    content: Image.Image,
    style: Image.Image,
    *,
    size: int = 512,
    strength: Strength = "normal",
    variation: int = 0,
    engine: Engine = "auto",
    on_progress: OnProgress | None = None,
    on_preview: OnPreview | None = None,
    strokes: Strokes = "normal",
    keep_colours: bool = False,
    second: Image.Image | None = None,
    mix: float = 0.5,
) -> Image.Image:
    """Repaints `content` in the style of `style`, at the size of `content`; all pictures are RGB.

    `size` is the long side in pixels that is worked at, 128 to 2048, or less where the memory does
    not suffice for it. Each `variation` is another painting of the same photo. A `second` style is
    mixed in with the share `mix`, 0 to 1. With `keep_colours` only the luminance is painted (Gatys
    et al., "Preserving Color in Neural Artistic Style Transfer", 2016). `on_progress` gets the
    share done, 0 to 1, at every step, and `on_preview` what the painting looks like so far, at the
    size that is worked at, a few times, the first after a small part of the work; whatever they
    raise stops the work.
    """
    small, fitting_engine = within_memory(content, size, get_engine(engine))
    seen = small
    if keep_colours:
        seen = small.convert("L").convert("RGB")
        style = _with_luminance_of(small, style)
        second = _with_luminance_of(small, second) if second else None

    def finished(painting: Image.Image, photo: Image.Image) -> Image.Image:
        result = _at_own_size(painting, small.resize(painting.size), photo)
        return _with_colours_of(photo, result) if keep_colours else result

    def show(coarse: Image.Image) -> None:
        if on_preview:
            on_preview(finished(coarse, small))

    painting = transfer(
        seen,
        style,
        fitting_engine,
        strength,
        variation,
        on_progress,
        show,
        strokes=strokes,
        second=second,
        mix=mix,
    )
    return finished(painting, content)


def within_memory(
    photo: Image.Image, size: int, engine: StyleEngine
) -> tuple[Image.Image, StyleEngine]:
    """The largest working copy up to `size` that can be painted in the memory there is."""
    settings = Settings()
    megabytes = free_mb(settings)
    if megabytes < ROOMY:  # the seasons' networks hold 37 MB; loading one anew takes 0.3 s
        load_season.cache_clear()
        megabytes = free_mb(settings)
    while True:
        small = _working_copy(photo, size)
        width, height = padded_size(small.size)
        fitting = engine.within(megabytes, width * height)
        if fitting or size <= SMALLEST_WORKED_AT:
            return small, fitting or engine
        size = max(SMALLEST_WORKED_AT, size * 9 // 10)


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
    engine: Engine = "auto",
    amount: float = 1.0,
) -> Image.Image:
    """`photo` as if taken half a year later, at its own size; both are RGB.

    `size` is the long side in pixels that is worked at. `amount` is how far it goes: 0 leaves the
    photo as it is, 1 is the generator's picture, and what is more overdoes it, up to 2.
    """
    small = _working_copy(photo, size)
    changed = _at_own_size(translate(small, direction, engine), small, photo)
    return changed if amount == 1 else Image.blend(photo, changed, amount)


def side_by_side(before: Image.Image, after: Image.Image) -> Image.Image:
    """Both at the size of `before`, but at most `COMPARED`, with a thin white line between them.

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


def _working_copy(photo: Image.Image, size: int) -> Image.Image:
    scale = min(size, max(SMALLEST_WORKED_AT, *photo.size)) / max(photo.size)
    width, height = (max(1, round(side * scale)) for side in photo.size)
    return photo.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3)


def _at_own_size(result: Image.Image, small: Image.Image, photo: Image.Image) -> Image.Image:
    if small.width >= photo.width:
        return result.resize(photo.size, Image.Resampling.LANCZOS)
    return with_detail(result, small, photo)


def with_detail(painting: Image.Image, small: Image.Image, photo: Image.Image) -> Image.Image:
    """Enlarges `painting` to the size of `photo` and gives it the fine detail that it lacks.

    `small` is the photo at the painting's size. What is added is the luminance that `small` lost of
    the photo, times how much more contrast the painting has than the photo at that place. The work
    is done in bands of rows, so that a large photo takes no more memory than its pixels.
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
    """The rows `top` to `bottom` of `image` enlarged to `size`."""
    scale = image.height / size[1]
    box = (0, top * scale, image.width, min(bottom * scale, image.height))
    return np.asarray(image.resize((size[0], bottom - top), method, box=box))


def _contrast(luminance: Array, radius: int = 4) -> Array:
    """The standard deviation of the square of pixels around each."""
    mean = _box_mean(luminance, radius)
    return np.sqrt(np.maximum(_box_mean(luminance**2, radius) - mean**2, 0)).astype(np.float32)


def _box_mean(values: Array, radius: int) -> NDArray[np.float64]:
    side = 2 * radius + 1
    sums = np.pad(values.astype(np.float64), radius, "edge").cumsum(0).cumsum(1)
    sums = np.pad(sums, ((1, 0), (1, 0)))
    total: NDArray[np.float64] = (
        sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    )
    return total / side**2


def encode_photo(image: Image.Image) -> bytes:
    """JPEG within Telegram's limits on photos; what is larger is made smaller."""
    if image.width + image.height > MOST_SIDES_OF_PHOTO:
        scale = MOST_SIDES_OF_PHOTO / (image.width + image.height)
        image = image.resize((max(1, int(image.width * scale)), max(1, int(image.height * scale))))
    for quality in (93, 85, 75):
        data = _encoded(image, "JPEG", quality=quality, subsampling="4:4:4")
        if len(data) <= MOST_BYTES_OF_PHOTO:
            return data
    return encode_photo(image.resize((image.width * 2 // 3, image.height * 2 // 3)))


def encode_file(image: Image.Image) -> tuple[bytes, str]:
    """A lossless PNG, or a JPEG where that would be too large; and the extension of its name."""
    # A third of the time of the usual level, for a tenth more bytes.
    data = _encoded(image, "PNG", compress_level=3)
    if len(data) <= MOST_BYTES_OF_FILE:
        return data, ".png"
    return _encoded(image, "JPEG", quality=95, subsampling="4:4:4"), ".jpg"


def _encoded(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _size(text: str) -> int:
    if text.isdecimal() and 128 <= (size := int(text)) <= 2048:
        return size
    raise argparse.ArgumentTypeError(f"{text} is not a number from 128 to 2048")


def _number(most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        with suppress(ValueError):
            if 0 <= (value := float(text)) <= most:
                return value
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to {most:g}")

    return number


def _output(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text} does not end in .png, .jpg or .jpeg")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return path


@contextmanager
def _nothing_on_stderr() -> Iterator[None]:
    """Pillow warns of oddities, and libtiff, in C, prints its own lines beside our one."""
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def _read(path: Path, limits: Limits) -> Image.Image:
    try:
        data = path.read_bytes()
        with _nothing_on_stderr():
            return decode(data, limits)
    except BadImage as error:
        raise BadImage("{path}: {problem}", path=path, problem=str(error)) from error


def _write(image: Image.Image, path: Path) -> None:
    """All of it or nothing: first into a file beside, which then takes the name."""
    if path.suffix.lower() == ".png":
        data = _encoded(image, "PNG", compress_level=3)
    else:
        data = _encoded(image, "JPEG", quality=95, subsampling="4:4:4")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _style_path(name: str) -> Path:
    preset = PRESETS.get(name)
    path = preset.path if preset else Path(name)
    if not path.exists():
        raise FileNotFoundError(0, f"neither a file nor one of {', '.join(PRESETS)}", name)
    return path


def _style(arguments: argparse.Namespace, settings: Settings) -> None:
    limits = limits_of(settings)
    styles = [_style_path(name) for name in arguments.style]
    photo = _read(arguments.photo, limits)
    style, second = [*(_read(path, limits) for path in styles), None][:2]
    assert style is not None
    content = _in_season(photo, arguments, settings) if arguments.direction else photo
    with tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining}") as bar:

        def show(share: float) -> None:
            bar.update(100 * share - bar.n)

        painting = paint(
            content,
            style,
            size=arguments.size or settings.nst_size,
            strength=arguments.strength,
            engine=settings.engine,
            on_progress=show,
            strokes=arguments.strokes,
            keep_colours=arguments.keep_colours,
            second=second,
            mix=0.5 if arguments.mix is None else arguments.mix,
        )
    _write(side_by_side(photo, painting) if arguments.compare else painting, arguments.out)


def _season(arguments: argparse.Namespace, settings: Settings) -> None:
    limits = limits_of(settings)
    photos: list[Path] = arguments.photos
    for path, output in zip(photos, _outputs(photos, arguments.out), strict=True):
        photo = _read(path, limits)
        changed = _in_season(photo, arguments, settings)
        _write(side_by_side(photo, changed) if arguments.compare else changed, output)


def _in_season(
    photo: Image.Image, arguments: argparse.Namespace, settings: Settings
) -> Image.Image:
    return change_season(
        photo,
        arguments.direction,
        size=arguments.size or settings.cyclegan_size,
        engine=settings.engine,
        amount=arguments.amount,
    )


def _outputs(photos: list[Path], out: Path) -> list[Path]:
    """`out` itself for one photo, if it is named like a picture; else files of the photos' stems in
    the folder `out`, which is made where it is missing.
    """
    if len(photos) == 1 and out.suffix.lower() in SUFFIXES:
        return [out]
    outputs = [out / f"{photo.stem}.jpg" for photo in photos]
    for photo, output in zip(photos, outputs, strict=True):
        if outputs.count(output) > 1:
            raise FileExistsError(0, "two of the photos have this name", photo.name)
    out.mkdir(parents=True, exist_ok=True)
    return outputs


def main() -> int:
    parser = _Parser(description="Repaints photos.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    style = commands.add_parser("style", help="paint a photo in the style of a painting")
    style.set_defaults(run=_style)
    style.add_argument("photo", type=Path, metavar="PHOTO")
    style.add_argument(
        "--style",
        required=True,
        action="append",
        metavar="NAME_OR_FILE",
        help=f"a picture file, or one of {', '.join(PRESETS)}; twice to mix two styles",
    )
    style.add_argument(
        "--mix", type=_number(1), metavar="SHARE", help="of the second style, 0 to 1; 0.5 if none"
    )
    style.add_argument("--strokes", choices=STROKES, default="normal")
    style.add_argument(
        "--keep-colours", action="store_true", help="the style's strokes in the photo's colours"
    )
    style.add_argument(
        "--season", dest="direction", choices=DIRECTIONS, help="change the season first"
    )
    style.add_argument("--strength", choices=STRENGTHS, default="normal")
    style.add_argument(
        "--size", type=_size, metavar="N", help="long side that is worked at, 128 to 2048 pixels"
    )
    style.add_argument(
        "-o", dest="out", type=_output, required=True, metavar="OUT", help="a .png or .jpg file"
    )
    for direction in DIRECTIONS:
        season = commands.add_parser(direction, help="change the season of photos")
        season.set_defaults(run=_season, direction=direction)
        season.add_argument("photos", type=Path, nargs="+", metavar="PHOTO")
        season.add_argument("--size", type=_size, metavar="N", help="as for style")
        season.add_argument(
            "-o", dest="out", type=Path, required=True, metavar="OUT", help="a file, or a folder"
        )
    for command in commands.choices.values():
        command.add_argument(
            "--amount",
            type=_number(2),
            default=1.0,
            metavar="N",
            help="how far to change the season: 0 not at all, 1 as usual, 2 at most",
        )
        command.add_argument(
            "--compare", action="store_true", help="before and after side by side, as one picture"
        )
    arguments = parser.parse_args()
    if arguments.run is _style and len(arguments.style) != 2:
        if len(arguments.style) > 2:
            style.error("at most two styles can be mixed")
        if arguments.mix is not None:
            style.error("--mix needs two styles")
    try:
        arguments.run(arguments, Settings())
    except ValidationError as error:
        message = explained(error)
    except BadImage as error:
        message = str(error)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}"
    except KeyboardInterrupt:
        return 130
    else:
        return 0
    sys.stderr.write(f"{message}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
