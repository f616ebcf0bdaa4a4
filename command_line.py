"""The command line: `python image_processing.py style PHOTO --style NAME_OR_FILE -o OUT`."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from pydantic import ValidationError
from tqdm import tqdm

from checks import (
    explained,
    names_set,
    problem_with_engine,
    problem_with_size,
    warnings_of_names,
)
from command_arguments import CLIP, OFFERED, outputs, read_arguments
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
from model_cyclegan.recognition import is_in_season_already
from model_nst.style_transfer import Style
from model_people.faces import People, find_people
from model_people.networks import unload
from moving_pictures.reading import LONG_SIDE, read_clip
from moving_pictures.repainting import Step, in_season, in_style, repainted
from presets import PRESETS
from settings import Settings
from sheet import numbered
from wishes import DIRECTIONS, PaintingOptions


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
    return preset.path if preset else Path(name)


def _style(arguments: argparse.Namespace, settings: Settings) -> None:
    if arguments.out.suffix.lower() == CLIP:
        _clip_in_style(arguments, settings)
        return
    photo = _read(arguments.photos[0], limits_of(settings))
    content = photo
    if arguments.direction:
        content = _in_season(arguments.photos[0], photo, arguments, settings)
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
    unload("face_detector", "face_landmarks")  # there is no other photo to look at
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
            on_kept=lambda: tqdm.write(
                "This style leaves little of a photo: more of it was kept.", file=sys.stderr
            ),
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
    _repaint_clip(arguments.photos[0], [*steps, style], arguments.out, settings)


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
    tiles, columns = in_all_styles(_read(arguments.photos[0], limits_of(settings)))
    names = [preset.short for preset in PRESETS.values()]
    _write(numbered(tiles, columns, names), arguments.out)


def _season(arguments: argparse.Namespace, settings: Settings) -> None:
    limits = limits_of(settings)
    photos: list[Path] = arguments.photos
    for path, output in zip(photos, outputs(photos, arguments.out), strict=True):
        if output.suffix.lower() == CLIP:
            _repaint_clip(path, [_season_step(arguments, settings)], output, settings)
            continue
        photo = _read(path, limits)
        changed = _in_season(path, photo, arguments, settings)
        _write(side_by_side(photo, changed) if arguments.compare else changed, output)


def _in_season(
    path: Path, photo: Image.Image, arguments: argparse.Namespace, settings: Settings
) -> Image.Image:
    if arguments.amount == 1 and is_in_season_already(photo, arguments.direction):
        season = arguments.direction.partition("2")[2]
        sys.stderr.write(f"{path}: it is {season} here already, it seems; changed all the same.\n")
    return change_season(
        photo,
        arguments.direction,
        size=arguments.size or settings.cyclegan_size,
        engine=settings.engine,
        amount=arguments.amount,
    )


COMMANDS: dict[str, Callable[[argparse.Namespace, Settings], None]] = {
    "style": _style,
    "styles": _styles,
    **dict.fromkeys(DIRECTIONS, _season),
}


def main() -> int:
    """Does what the command line says; returns the exit status, 2 after a line that says why."""
    arguments = read_arguments()
    for warning in warnings_of_names(names_set()):
        sys.stderr.write(f"{warning}\n")
    try:
        settings = Settings()
        if problem := problem_with_engine(settings) or problem_with_size(settings):
            raise BadImage(problem)
        COMMANDS[arguments.command](arguments, settings)
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
