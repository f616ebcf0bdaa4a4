"""The command line: `python image_processing.py style PHOTO --style NAME_OR_FILE -o OUT`."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, get_args, get_type_hints

from PIL import Image
from pydantic import ValidationError
from tqdm import tqdm

from decoding import BadImage, Limits, decode, limits_of
from encoding import encode_as
from image_processing import (
    OnProgress,
    change_season,
    in_all_styles,
    paint,
    paint_quickly,
    room_for_painting,
    side_by_side,
)
from model_nst.style_transfer import Style
from model_people.faces import People, find_people
from moving_pictures.reading import LONG_SIDE, read_clip
from moving_pictures.repainting import Step, in_season, in_style, repainted
from presets import PRESETS
from settings import Settings, explained
from sheet import numbered
from wishes import DIRECTIONS, PaintingOptions

SUFFIXES = (".png", ".jpg", ".jpeg")  # of pictures that are written
CLIP = ".mp4"  # of a clip that is written
CLIPS = (CLIP, ".m4v", ".mov", ".3gp", ".webm", ".mkv", ".gif")  # of those that are read


def _offered() -> dict[str, dict[str, Any]]:
    """The options of a painting that are a literal or a bool, with argparse's words for them."""
    offered: dict[str, dict[str, Any]] = {}
    hints = get_type_hints(PaintingOptions)
    for option in fields(PaintingOptions):
        if choices := get_args(hints[option.name]):
            offered[option.name] = {"choices": choices, "default": option.default}
        elif hints[option.name] is bool:
            offered[option.name] = {"action": "store_true"}
    return offered


OFFERED = _offered()
HELP = {
    "keep_colours": "the style's strokes in the photo's colours",
    "faces": "keep people's faces theirs, or paint them freely like everything else",
    "only": "what is painted; the rest stays a photograph",
}


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
    return _in_a_folder(path)


def _output_or_clip(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in (*SUFFIXES, CLIP):
        raise argparse.ArgumentTypeError(f"{text} does not end in .png, .jpg, .jpeg or .mp4")
    return _in_a_folder(path)


def _in_a_folder(path: Path) -> Path:
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
    with _naming(path), _nothing_on_stderr():
        return decode(path.read_bytes(), limits)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """What is wrong with a file is said together with its name."""
    try:
        yield
    except BadImage as error:
        raise BadImage("{path}: {problem}", path=path, problem=str(error)) from error


def _write(image: Image.Image, path: Path) -> None:
    _write_bytes(encode_as(image, path.suffix), path)


def _write_bytes(data: bytes, path: Path) -> None:
    """Writes all of it or nothing: first a file beside, which then takes the name."""
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
    for name in (*arguments.style, *arguments.background):
        _style_path(name)
    if arguments.out.suffix.lower() == CLIP:
        _clip_in_style(arguments, settings)
        return
    photo = _read(arguments.photo, limits_of(settings))
    content = _in_season(photo, arguments, settings) if arguments.direction else photo
    people = find_people(content)
    if not people.faces and (arguments.background or arguments.only != "all"):
        sys.stderr.write("No person was found in this photo: all of it is painted.\n")
    names = {*arguments.style, *arguments.background}
    is_quick = arguments.quick or (settings.quality == "quick" and names <= PRESETS.keys())
    paint_it = _painted_quickly if is_quick else _painted
    painting = paint_it(content, people, arguments, settings)
    _write(side_by_side(photo, painting) if arguments.compare else painting, arguments.out)


def _shares(arguments: argparse.Namespace) -> list[float]:
    mix = 0.5 if arguments.mix is None else arguments.mix
    return [1 - mix, mix] if len(arguments.style) == 2 else [1.0]


def _mixed(names: list[str], shares: list[float]) -> dict[str, float]:
    mix = dict.fromkeys(names, 0.0)
    for name, share in zip(names, shares, strict=False):
        mix[name] += share
    return mix


def _options(arguments: argparse.Namespace) -> PaintingOptions:
    return PaintingOptions(**{name: getattr(arguments, name) for name in OFFERED})


def _painted_quickly(
    content: Image.Image, people: People, arguments: argparse.Namespace, settings: Settings
) -> Image.Image:
    return paint_quickly(
        content,
        _mixed(arguments.style, _shares(arguments)),
        _options(arguments),
        size=arguments.size or settings.nst_size,
        background=_mixed(arguments.background, [1.0]),
        people=people,
    )


def _painted(
    content: Image.Image, people: People, arguments: argparse.Namespace, settings: Settings
) -> Image.Image:
    limits = limits_of(settings)
    pictures = [_read(_style_path(name), limits) for name in arguments.style]
    styles = [Style(*each) for each in zip(pictures, _shares(arguments), strict=True)]
    behind = [Style(_read(_style_path(name), limits)) for name in arguments.background]
    with _progress_bar() as show:
        return paint(
            content,
            styles,
            _options(arguments),
            size=arguments.size or settings.nst_size,
            engine=settings.engine,
            megabytes=room_for_painting(settings),
            background=behind,
            people=people,
            on_progress=show,
        )


@contextmanager
def _progress_bar() -> Iterator[OnProgress]:
    """Shows the shares done, 0 to 1, that it is called with."""
    with tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining}") as bar:

        def show(share: float) -> None:
            bar.update(100 * share - bar.n)

        yield show


def _clip_in_style(arguments: argparse.Namespace, settings: Settings) -> None:
    steps = [_season_step(arguments, settings)] if arguments.direction else []
    style = in_style(
        _mixed(arguments.style, _shares(arguments)),
        _options(arguments),
        _mixed(arguments.background, [1.0]),
        arguments.size or LONG_SIDE,
    )
    _repaint_clip(arguments.photo, [*steps, style], arguments.out, settings)


def _season_step(arguments: argparse.Namespace, settings: Settings) -> Step:
    size = arguments.size or LONG_SIDE
    return in_season(arguments.direction, arguments.amount, settings.engine, size)


def _repaint_clip(path: Path, steps: list[Step], output: Path, settings: Settings) -> None:
    with _naming(path):
        clip = read_clip(path.read_bytes(), limits_of(settings))
        with _progress_bar() as show:
            result = repainted(clip, steps, show)
            show(1.0)
    _write_bytes(result.data, output)


def _styles(arguments: argparse.Namespace, settings: Settings) -> None:
    tiles, columns = in_all_styles(_read(arguments.photo, limits_of(settings)))
    names = [preset.title for preset in PRESETS.values()]
    _write(numbered(tiles, columns, names), arguments.out)


def _season(arguments: argparse.Namespace, settings: Settings) -> None:
    limits = limits_of(settings)
    photos: list[Path] = arguments.photos
    for path, output in zip(photos, _outputs(photos, arguments.out), strict=True):
        if output.suffix.lower() == CLIP:
            _repaint_clip(path, [_season_step(arguments, settings)], output, settings)
            continue
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
    """`out` itself for one photo, if it is named like a picture or a clip; else files of the stems
    of the photos in the folder `out`, which is made where it is missing.
    """
    if len(photos) == 1 and out.suffix.lower() in (*SUFFIXES, CLIP):
        return [out]
    outputs = [out / f"{photo.stem}{CLIP if _is_clip(photo) else '.jpg'}" for photo in photos]
    for photo, output in zip(photos, outputs, strict=True):
        if outputs.count(output) > 1:
            raise FileExistsError(0, "two of the photos have this name", photo.name)
    out.mkdir(parents=True, exist_ok=True)
    return outputs


def _is_clip(path: Path) -> bool:
    return path.suffix.lower() in CLIPS


def _add_style(commands: Any) -> None:
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
    style.add_argument(
        "--background",
        action="append",
        default=[],
        metavar="NAME_OR_FILE",
        help="another style for what is behind the people",
    )
    for name, words in OFFERED.items():
        style.add_argument(f"--{name.replace('_', '-')}", help=HELP.get(name), **words)
    style.add_argument(
        "--quick", action="store_true", help="in one pass, less well; famous paintings only"
    )
    style.add_argument(
        "--season", dest="direction", choices=DIRECTIONS, help="change the season first"
    )
    style.add_argument(
        "--size", type=_size, metavar="N", help="long side that is worked at, 128 to 2048 pixels"
    )
    style.add_argument(
        "-o",
        dest="out",
        type=_output_or_clip,
        required=True,
        metavar="OUT",
        help="a .png or .jpg file; .mp4 for a clip",
    )


def _add_styles(commands: Any) -> None:
    styles = commands.add_parser("styles", help="a sheet of a photo in all famous paintings")
    styles.set_defaults(run=_styles)
    styles.add_argument("photo", type=Path, metavar="PHOTO")
    styles.add_argument(
        "-o", dest="out", type=_output, required=True, metavar="OUT", help="a .png or .jpg file"
    )


def _add_seasons(commands: Any) -> None:
    for direction in DIRECTIONS:
        season = commands.add_parser(direction, help="change the season of photos")
        season.set_defaults(run=_season, direction=direction)
        season.add_argument("photos", type=Path, nargs="+", metavar="PHOTO")
        season.add_argument("--size", type=_size, metavar="N", help="as for style")
        season.add_argument(
            "-o", dest="out", type=Path, required=True, metavar="OUT", help="a file, or a folder"
        )


def _arguments() -> argparse.Namespace:
    """Reads the command line; ends the process with one line where it is wrong."""
    parser = _Parser(description="Repaints photos.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_style(commands)
    _add_seasons(commands)
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
    _add_styles(commands)
    arguments = parser.parse_args()
    problem = None if arguments.run is _styles else _problem_with_clips(arguments)
    if arguments.run is _style:
        problem = problem or _problem_with_styles(arguments)
    if problem:
        parser.error(problem)
    return arguments


def _problem_with_clips(arguments: argparse.Namespace) -> str | None:
    """A GIF may also be taken for a picture, which is its first frame."""
    photos = arguments.photos if arguments.run is _season else [arguments.photo]
    writes_clip = arguments.out.suffix.lower() == CLIP
    films = [path for path in photos if _is_clip(path)]
    if films and arguments.out.suffix.lower() in SUFFIXES and films[0].suffix.lower() != ".gif":
        return f"{films[0]} is a clip: what becomes of it must end in .mp4"
    if writes_clip and not all(_is_clip(path) for path in photos):
        return f"only of a clip can a clip be made: {', '.join(CLIPS)}"
    if arguments.compare and (writes_clip or films):
        return "clips cannot be compared side by side"
    return None


def _problem_with_styles(arguments: argparse.Namespace) -> str | None:
    if len(arguments.background) > 1:
        return "the background has one style"
    if len(arguments.style) > 2:
        return "at most two styles can be mixed"
    if arguments.mix is not None and len(arguments.style) != 2:
        return "--mix needs two styles"
    is_clip = _is_clip(arguments.out)
    names = {*arguments.style, *arguments.background}
    if (arguments.quick or is_clip) and not names <= PRESETS.keys():
        how = "in a clip" if is_clip else "quickly"
        return f"only the famous paintings can be painted {how}: {', '.join(PRESETS)}"
    return None


def main() -> int:
    """Does what the command line says; returns the exit status, 2 after a line that says why."""
    arguments = _arguments()
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
