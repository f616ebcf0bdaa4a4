"""Long polling that loses nothing: an update is confirmed only when it has been handled."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramNotFound, TelegramUnauthorizedError
from aiogram.types import Update

from metrics import UPDATES

log = logging.getLogger(__name__)

POLL_SECONDS = 30  # that Telegram waits for something to answer
BUSY_SECONDS = 0.2  # between two questions while updates are being handled
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds, while the Bot API is away or nothing is kept

T = TypeVar("T")
Take = Callable[[Update], Coroutine[Any, Any, object]]


async def poll(
    bot: Bot,
    take: Take,
    allowed_updates: list[str],
    stop: asyncio.Event,
    shutdown_seconds: float,
) -> None:
    """Hands updates to `take` until `stop`, side by side; one for which it raises comes again.

    `getUpdates` with an offset confirms all updates before it. Ours is the first update that is not
    handled yet, so a process killed at any moment finds it, and all that follow, again.
    """
    offset = 0
    pause = FIRST_PAUSE
    handling: dict[int, asyncio.Task[object]] = {}  # updates that are not confirmed yet
    while not stop.is_set():
        try:
            updates = await _unless(stop, _ask(bot, offset, allowed_updates, wait=not handling))
        except (TelegramUnauthorizedError, TelegramNotFound):  # the token is wrong
            raise
        except TelegramAPIError as error:
            log.warning("no updates come: %s", error)
            failed = True
        else:
            for update in updates or []:
                if update.update_id not in handling:
                    handling[update.update_id] = asyncio.create_task(take(update))
            if handling:
                await asyncio.wait(handling.values(), timeout=BUSY_SECONDS)
            for update in updates or []:
                if not _is_done(handling[update.update_id]):
                    break
                offset = max(offset, update.update_id + 1)
                UPDATES.labels("handled").inc()
            failed = _forget_failed(handling)
            for number in [number for number in handling if number < offset]:
                del handling[number]
        if failed:
            await _unless(stop, asyncio.sleep(pause))
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            pause = FIRST_PAUSE
    if handling:
        await asyncio.wait(handling.values(), timeout=shutdown_seconds)
    if offset:
        with suppress(TelegramAPIError):  # not confirmed, they come again and are passed over
            await bot.get_updates(offset=offset, limit=1, timeout=0, request_timeout=3)


def _ask(
    bot: Bot, offset: int, allowed_updates: list[str], wait: bool
) -> Coroutine[Any, Any, list[Update]]:
    return bot.get_updates(
        offset=offset,
        timeout=POLL_SECONDS if wait else 0,
        allowed_updates=allowed_updates,
        request_timeout=POLL_SECONDS + 15,
    )


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What `work` returns; None, with the work broken off, when `stop` comes first."""
    stopping, working = asyncio.create_task(stop.wait()), asyncio.create_task(work)
    await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.wait({working})
    return None


def _is_done(task: asyncio.Task[object]) -> bool:
    return task.done() and task.exception() is None


def _forget_failed(handling: dict[int, asyncio.Task[object]]) -> bool:
    """Removes what failed, so that it is handled when it comes again; whether there was any."""
    failed = {n: task.exception() for n, task in handling.items() if task.done()}
    failed = {number: error for number, error in failed.items() if error}
    for number, error in failed.items():
        log.error("update %s was not handled, it comes again: %s", number, error)
        UPDATES.labels("failed").inc()
        del handling[number]
    return bool(failed)
