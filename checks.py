"""What is wrong with the settings, told before anything starts, and what settings there are."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic import HttpUrl, RedisDsn, ValidationError
from pydantic.fields import FieldInfo
from rapidfuzz.distance import OSA

from memory import USABLE, WITHOUT_WORKERS, usable_mb, worker_count
from settings import ROOT, Settings

# Of the smallest painting of so many pixels on a side; model_nst/openvino_engine.py measured it.
PAINTING_MB, PIXEL_BYTES, LARGE_PIXEL_BYTES, LARGE = 78, 376, 130, 418
TEXT = "text"
SLIPS = 2  # letters, in which a name may differ from one of ours


def explained(error: ValidationError) -> str:
    """The first thing that is wrong with the settings, in one sentence without their values."""
    problem = error.errors(include_url=False, include_input=False)[0]
    own = problem["ctx"]["error"] if problem["type"] == "value_error" else None
    if not problem["loc"]:
        return f"{own}."
    variable = str(problem["loc"][0])
    fields = Settings.model_fields.items()
    field = next(field for name, field in fields if variable in variables_of(name, field))
    return f"{variable.upper()} {own or f'must be {_wanted(field)}'}."


def variables_of(name: str, field: FieldInfo) -> list[str]:
    """The variables, in small letters, that this field is read from."""
    aliases = getattr(field.validation_alias, "choices", None)
    return [str(alias) for alias in aliases] if aliases else [name]


def _wanted(field: FieldInfo) -> str:
    """What such a variable has to be."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if get_origin(kind) is Literal:
            return f"one of {', '.join(get_args(kind))}"
        if kind in KINDS:
            return KINDS[kind] + _range(field)
        if get_origin(kind) is frozenset:
            return "numbers, Telegram's ids, with commas between"
    return TEXT


KINDS: dict[object, str] = {
    bool: "on or off",
    int: "a whole number",
    float: "a number",
    HttpUrl: "an address that begins with https:// or http://",
    RedisDsn: "an address that begins with redis:// or rediss://",
}


def _range(field: FieldInfo) -> str:
    bounds = {
        key: getattr(limit, key)
        for limit in field.metadata
        for key in ("ge", "gt", "le")
        if hasattr(limit, key)
    }
    if "le" in bounds:
        return f" from {bounds['ge']} to {bounds['le']}"
    if "gt" in bounds:
        return f" above {bounds['gt']}"
    return f", {bounds['ge']} or more" if "ge" in bounds else ""


def problem_with_engine(settings: Settings) -> str | None:
    if settings.engine == "torch" and find_spec("torch") is None:
        return "ENGINE is torch, but torch is not installed: requirements-train.txt adds it."
    return None


def problem_with_size(settings: Settings) -> str | None:
    """Where both are set. Else a painting is made smaller where the memory does not suffice."""
    if not {"nst_size", "memory_mb"} <= settings.model_fields_set:
        return None
    most = (usable_mb(settings) - WITHOUT_WORKERS) / worker_count(settings)
    size = settings.nst_size
    needed = PAINTING_MB + size**2 * (LARGE_PIXEL_BYTES if size > LARGE else PIXEL_BYTES) / 2**20
    if needed <= most:
        return None
    wanted = int((needed * settings.workers + WITHOUT_WORKERS) / USABLE) + 1
    return (
        f"NST_SIZE={size} needs MEMORY_MB={wanted}, not {settings.memory_mb}: "
        "raise MEMORY_MB, lower NST_SIZE, or leave one of them unset."
    )


def problem_with_folder(folder: Path) -> str | None:
    """`folder`, which is made where it is missing, has to be one in which files can be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return f"nothing can be written into {folder}: {error.strerror}"


def problem_with_data_dir(settings: Settings) -> str | None:
    """Where anything is kept on the disk at all."""
    if settings.bot_token is None or settings.redis_url:
        return None
    problem = problem_with_folder(ROOT / settings.data_dir)
    return f"DATA_DIR: {problem}." if problem else None


def warnings_of_names(names: Iterable[str]) -> Iterator[str]:
    """Names variables that resemble a setting and are none."""
    ours = {v.upper() for n, f in Settings.model_fields.items() for v in variables_of(n, f)}
    for name in sorted(set(map(str.upper, names)) - ours):
        distance, near = min((OSA.distance(name, setting), setting) for setting in ours)
        if distance <= SLIPS and len(name) > 3 * distance:
            yield f"{name} is no setting. Did you mean {near}?"


def names_set() -> set[str]:
    """Of the environment and of `.env`."""
    try:
        lines = Path(".env").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    in_file = {line.partition("=")[0].removeprefix("export ").strip() for line in lines}
    return {*os.environ, *in_file} - {""}


def list_of_settings() -> str:
    """A line or two for each variable, as `--help` shows them."""
    lines = []
    for name, field in Settings.model_fields.items():
        shown = {"None": "none", "True": "on", "False": "off"}
        default = shown.get(str(field.default), field.default)
        variable = variables_of(name, field)[-1].upper()
        lines.append(f"  {variable:<20}{field.description} [{default}]")
        if (wanted := _wanted(field)) != TEXT:
            lines.append(f"  {'':<20}{wanted}")
    return "\n".join(lines)
