"""Logs for machines: an event is one line of JSON, and says which update, user and job it is about.

    with about(update=7, user=5):
        log.info("a photo was taken")

prints `{"time": "2026-01-31T12:00:00.000+00:00", "level": "INFO", "logger": "jobs", "event": "a
photo was taken", "update": 7, "user": 5}` to stderr. The bot's token never gets there, wherever an
error message took it from, nor what people wrote, which pydantic's messages quote.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType

Ids = dict[str, int | str]

# pydantic says `[type=int_type, input_value='what it got', input_type=str]` at a line's end.
QUOTED_INPUT = re.compile(r"input_value=.*")
# Told at these levels only: what else docket and aiogram say is in our own lines, and Pillow prints
# the words that are in a picture.
LIBRARIES = {"docket": logging.WARNING, "aiogram.event": logging.WARNING, "PIL": logging.INFO}

_ids: ContextVar[Ids] = ContextVar("ids")


@contextmanager
def about(**ids: int | str) -> Iterator[None]:
    """Everything logged within, in this task and those it starts, carries these ids."""
    token = _ids.set({**_ids.get({}), **ids})
    try:
        yield
    finally:
        _ids.reset(token)


class OneLine(logging.Formatter):
    """An event as a line of JSON, a traceback included, without the secrets."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": without_input(record.getMessage()),
            **_ids.get({}),
        }
        if record.exc_info:
            event["traceback"] = without_input(self.formatException(record.exc_info))
        line = json.dumps(event, ensure_ascii=False, default=str)
        for secret in self._secrets:
            line = line.replace(secret, "<secret>")
        return line


def without_input(text: str) -> str:
    return QUOTED_INPUT.sub("input_value=<hidden>", text)


def set_up_logs(level: str, token: str | None) -> None:
    """All logs, warnings and uncaught exceptions of the process go to stderr, redacted."""
    handler = logging.StreamHandler()
    # The half behind the colon is the secret; libraries print the link with either.
    handler.setFormatter(OneLine([token.partition(":")[2]] if token else []))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for library, least in LIBRARIES.items():
        logging.getLogger(library).setLevel(least)
    logging.raiseExceptions = False  # a log call that fails would print its arguments as they are

    def log_uncaught(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
        else:
            logging.critical("the process ends", exc_info=(kind, error, traceback))

    sys.excepthook = log_uncaught
