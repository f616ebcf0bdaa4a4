"""When a handler fails: log it, and tell the user."""

import logging
from contextlib import suppress

from aiogram import Bot, Router
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from aiogram.filters import ExceptionTypeFilter
from aiogram.types import Chat, ErrorEvent

import texts
from store import StoreError

log = logging.getLogger(__name__)

router = Router(name="errors")


@router.errors(~ExceptionTypeFilter(StoreError))  # that one goes to who brought the update
async def apologise(event: ErrorEvent, bot: Bot, event_chat: Chat | None = None) -> None:
    if isinstance(event.exception, TelegramForbiddenError):
        log.info("update %s: the user blocked the bot", event.update.update_id)
        return
    log.error("update %s failed", event.update.update_id, exc_info=event.exception)
    if event_chat:
        with suppress(TelegramAPIError):
            await bot.send_message(event_chat.id, texts.failed())
