"""Who is not served: people not on the owner's list, and those who press too fast."""

from aiogram import Bot, Router
from aiogram.types import CallbackQuery, InlineQuery, Message

import texts
from handlers.reply import chat_of
from settings import Settings
from telegram_api.sending import Pace
from users import User

router = Router(name="gate")

Asking = Message | CallbackQuery | InlineQuery

BURST_SECONDS = 30.0  # a user may be ahead of the rate by what it allows in this time


async def is_stranger(event: Asking, user: User, settings: Settings) -> bool:
    return settings.allowed_users is not None and user.id not in settings.allowed_users


async def is_too_quick(event: Asking, user: User, pace: Pace, settings: Settings) -> bool:
    interval = 60 / settings.updates_per_minute
    return await pace.reserve(f"user:{user.id}", interval, BURST_SECONDS) is None


@router.message(is_stranger)
@router.edited_message(is_stranger)
@router.callback_query(is_stranger)
async def turn_away(event: Message | CallbackQuery, user: User, bot: Bot, pace: Pace) -> None:
    await _say_once(event, texts.not_allowed(), user, bot, pace)


@router.message(is_too_quick)
@router.edited_message(is_too_quick)
@router.callback_query(is_too_quick)
async def slow_down(event: Message | CallbackQuery, user: User, bot: Bot, pace: Pace) -> None:
    await _say_once(event, texts.slow_down(), user, bot, pace)


@router.inline_query(is_stranger)
@router.inline_query(is_too_quick)
async def offer_nothing(query: InlineQuery) -> None:
    """Each key pressed asks anew: an answer would make the flood twice as large."""


async def _say_once(
    event: Message | CallbackQuery, text: str, user: User, bot: Bot, pace: Pace
) -> None:
    """Once a minute: an answer to each message would make the flood twice as large."""
    if await pace.reserve(f"told:{user.id}", 60, patience=0) is not None:
        chat_id = event.chat.id if isinstance(event, Message) else chat_of(event)
        await bot.send_message(chat_id, text)
