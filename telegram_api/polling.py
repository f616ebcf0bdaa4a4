"""Long polling that loses nothing: updates are confirmed when they are written down."""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.methods import TelegramMethod

from store import StoreError
from telegram_api.inbox import StoredUpdate, Take, stored

log = logging.getLogger(__name__)

POLL_SECONDS = 30  # that Telegram waits for something to answer
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds, while the Bot API is away or nothing is kept

T = TypeVar("T")


class GetUpdates(TelegramMethod[list[dict[str, Any]]]):
    """aiogram's fails as a whole where it cannot read one of the updates; here they stay as they
    are.
    """

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int
    timeout: int
    allowed_updates: list[str]


async def poll(
    bot: Bot,
    take: Take,
    allowed_updates: list[str],
    stop: asyncio.Event,
) -> None:
    """Hands updates to `take` until `stop`. Asking with an offset confirms all that came before it,
    so ours moves when `take` has returned; where it raises `StoreError` they come again.
    """
    offset = 0
    pause = FIRST_PAUSE
    while not stop.is_set():
        try:
            if updates := await _unless(stop, _ask(bot, offset, allowed_updates)):
                await take(updates)
                offset = updates[-1].id + 1
        except (TelegramUnauthorizedError, TelegramNotFound):  # the token is wrong
            raise
        except (TelegramAPIError, StoreError) as error:
            log.warning("no updates come: %s", error)
            await _unless(stop, asyncio.sleep(pause))
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            pause = FIRST_PAUSE
    if offset:
        with suppress(TelegramAPIError):  # not confirmed, they come again and are passed over
            await bot.get_updates(offset=offset, limit=1, timeout=0, request_timeout=3)


async def _ask(bot: Bot, offset: int, allowed_updates: list[str]) -> list[StoredUpdate]:
    question = GetUpdates(offset=offset, timeout=POLL_SECONDS, allowed_updates=allowed_updates)
    updates = await bot(question, request_timeout=POLL_SECONDS + 15)
    try:
        return [stored(update) for update in updates]
    except ValueError as error:
        raise TelegramNetworkError(question, "the updates are not the Bot API's") from error


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
