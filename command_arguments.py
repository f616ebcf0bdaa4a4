"""What the command line can be told, and what is wrong with it, found out before any painting."""

import argparse
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, get_args, get_type_hints

import argcomplete

from checks import problem_with_folder
from presets import PRESETS
from wishes import DIRECTIONS, PaintingOptions

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")  # of pictures that are written
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
    "strength": "how far it goes from the photo to the painting",
    "strokes": "how large the strokes are",
    "keep_colours": "the style's strokes in the photo's colours",
    "faces": "keep people's faces theirs, or paint them freely like everything else",
    "only": "what is painted; the rest stays a photograph",
}
EXAMPLES = {
    "style": """examples:
  style photo.jpg --style great_wave -o painting.jpg
  style photo.jpg --style kiss --style my_picture.png --mix 0.3 -o mixed.webp
  style portrait.jpg --style kiss --only background -o portrait.png
  style photo.jpg --style ejiri --season summer2winter --amount 0.8 -o winter.jpg
  style clip.mp4 --style starry_night -o painted.mp4
""",
    "styles": """example:
  styles photo.jpg -o all.jpg
""",
    "summer2winter": """examples:
  summer2winter photo.jpg -o winter.jpg
  summer2winter one.jpg two.heic -o folder
""",
    "winter2summer": """examples:
  winter2summer photo.jpg --amount 1.4 -o summer.jpg
  winter2summer one.jpg two.heic -o folder
""",
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


def is_clip(path: Path) -> bool:
    return path.suffix.lower() in CLIPS


def outputs(photos: list[Path], out: Path) -> list[Path]:
    """`out` itself for one photo, if it is named like a picture or a clip; else files of the stems
    of the photos in the folder `out`.
    """
    if len(photos) == 1 and out.suffix.lower() in (*SUFFIXES, CLIP) and not out.is_dir():
        return [out]
    return [out / f"{photo.stem}{CLIP if is_clip(photo) else '.jpg'}" for photo in photos]


def _presets_and_files(prefix: str, **_: object) -> list[str]:
    """What the shell offers for a style."""
    return [*PRESETS, *argcomplete.completers.FilesCompleter()(prefix)]


def _add_style(commands: Any) -> None:
    style = _command(commands, "style", "paint a photo or a clip in the style of a painting")
    style.add_argument("photos", type=Path, nargs=1, metavar="PHOTO")
    styles = style.add_argument_group("styles")
    styles.add_argument(
        "--style",
        required=True,
        action="append",
        metavar="NAME_OR_FILE",
        help=f"a picture file, or one of {', '.join(PRESETS)}; twice to mix two styles",
    ).completer = _presets_and_files  # type: ignore[attr-defined]
    styles.add_argument(
        "--mix", type=_number(1), metavar="SHARE", help="of the second style, 0 to 1; 0.5 if none"
    )
    styles.add_argument(
        "--background",
        action="append",
        default=[],
        metavar="NAME_OR_FILE",
        help="another style for what is behind the people",
    ).completer = _presets_and_files  # type: ignore[attr-defined]
    how = style.add_argument_group("how to paint")
    for name, words in OFFERED.items():
        how.add_argument(f"--{name.replace('_', '-')}", help=HELP.get(name), **words)
    how.add_argument(
        "--quick", action="store_true", help="in one pass, less well; famous paintings only"
    )
    how.add_argument(
        "--size", type=_size, metavar="N", help="long side that is worked at, 128 to 2048 pixels"
    )
    season = style.add_argument_group("season")
    season.add_argument(
        "--season", dest="direction", choices=DIRECTIONS, help="change the season first"
    )
    _add_amount(season)
    _add_output(style, "a .png, .jpg or .webp file; .mp4 for a clip")


def _add_styles(commands: Any) -> None:
    styles = _command(commands, "styles", "a sheet of a photo in all famous paintings")
    styles.add_argument("photos", type=Path, nargs=1, metavar="PHOTO")
    styles.set_defaults(compare=False)
    styles.add_argument_group("output").add_argument(
        "-o", dest="out", type=Path, required=True, metavar="OUT", help="a picture file"
    )


def _add_seasons(commands: Any) -> None:
    for direction in DIRECTIONS:
        season = _command(commands, direction, "change the season of photos and clips")
        season.set_defaults(direction=direction)
        season.add_argument("photos", type=Path, nargs="+", metavar="PHOTO")
        how = season.add_argument_group("season")
        how.add_argument(
            "--size", type=_size, metavar="N", help="long side that is looked at, in pixels"
        )
        _add_amount(how)
        _add_output(season, "a .png, .jpg or .webp file; .mp4 for a clip; or a folder")


def _command(commands: Any, name: str, what: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=EXAMPLES[name],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _add_amount(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--amount",
        type=_number(2),
        metavar="N",
        help="how far to change the season: 0 not at all, 1 as usual, 2 at most",
    )


def _add_output(command: argparse.ArgumentParser, what: str) -> None:
    output = command.add_argument_group("output")
    output.add_argument("-o", dest="out", type=Path, required=True, metavar="OUT", help=what)
    output.add_argument(
        "--compare", action="store_true", help="before and after side by side, as one picture"
    )


def parser() -> argparse.ArgumentParser:
    whole = _Parser(description="Repaints photos and clips.")
    commands = whole.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _add_style(commands)
    _add_styles(commands)
    _add_seasons(commands)
    return whole


def read_arguments() -> argparse.Namespace:
    """Reads the command line; ends the process with one line where it is wrong."""
    whole = parser()
    argcomplete.autocomplete(whole)
    arguments = whole.parse_args()
    problem = _problem_with_target(arguments) or _problem_with_clips(arguments)
    if arguments.command == "style":
        problem = _problem_with_styles(arguments) or problem
    if problem := problem or _problem_with_photos(arguments) or _problem_with_writing(arguments):
        whole.error(problem)
    if arguments.command != "styles" and arguments.amount is None:
        arguments.amount = 1.0
    return arguments


def _problem_with_target(arguments: argparse.Namespace) -> str | None:
    """By its name, and by what is there already."""
    out: Path = arguments.out
    photos: list[Path] = arguments.photos
    suffixes = SUFFIXES if arguments.command == "styles" else (*SUFFIXES, CLIP)
    if arguments.command in DIRECTIONS:
        if out.is_dir():
            return None
        if len(photos) > 1 and (out.is_file() or out.suffix.lower() in suffixes):
            return f"{out} is one file, and there are {len(photos)} photos: name a folder"
        if not out.suffix:
            return f"{out} is a file and no folder" if out.is_file() else None
    elif out.is_dir():
        return f"{out} is a folder: name a file"
    if out.suffix.lower() in suffixes:
        return None
    return f"{out} does not end in {', '.join(suffixes[:-1])} or {suffixes[-1]}"


def _problem_with_clips(arguments: argparse.Namespace) -> str | None:
    """A GIF may also be taken for a picture, which is its first frame."""
    writes_clip = arguments.out.suffix.lower() == CLIP
    films = [path for path in arguments.photos if is_clip(path)]
    if films and arguments.out.suffix.lower() in SUFFIXES and films[0].suffix.lower() != ".gif":
        return f"{films[0]} is a clip: what becomes of it must end in .mp4"
    if writes_clip and not all(is_clip(path) for path in arguments.photos):
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
    if arguments.amount is not None and arguments.direction is None:
        return "--amount is about a season: it needs --season"
    films = is_clip(arguments.out)
    names = {*arguments.style, *arguments.background}
    if (arguments.quick or films) and not names <= PRESETS.keys():
        how = "in a clip" if films else "quickly"
        return f"only the famous paintings can be painted {how}: {', '.join(PRESETS)}"
    for name in names - PRESETS.keys():
        if not Path(name).exists():
            return f"{name}: neither a file nor one of {', '.join(PRESETS)}"
    return None


def _problem_with_photos(arguments: argparse.Namespace) -> str | None:
    for photo in arguments.photos:
        if not photo.is_file():
            return f"{photo} is a folder" if photo.is_dir() else f"there is no file {photo}"
    names = [path.name for path in outputs(arguments.photos, arguments.out)]
    twice = next(
        (photo for photo, n in zip(arguments.photos, names, strict=True) if names.count(n) > 1),
        None,
    )
    return f"two of the photos would be written as one file: {twice}" if twice else None


def _problem_with_writing(arguments: argparse.Namespace) -> str | None:
    """A folder that is missing is made, but not what it stands in."""
    out: Path = arguments.out
    if not out.parent.is_dir():
        return f"there is no folder {out.parent}"
    is_file = outputs(arguments.photos, out) == [out]
    problem = problem_with_folder(out.parent if is_file else out)
    return f"{out}: {problem}" if problem else None
