"""Sends a job's status message: that it is being sent is written down before.

The Bot API does not tell what was sent. Where an answer is lost, nobody knows whether the message
is in the chat, nor its id. It is looked for when the next one is there: between the photo and that
one, by replying to what lies there. Telegram quotes what is replied to, with its buttons, of which
*Cancel* names the job. So nothing is deleted that is not the job's status.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest
from aiogram.types import Message, ReplyParameters

from jobs.job import Job
from keyboards import CancelJob, without_owner
from store import Store, until_written
from telegram_api.sending import at_most_once, at_once, may_have_arrived, patience

log = logging.getLogger(__name__)

BEING_SENT = 0  # instead of a status's id: it may be in the chat
# A bot's private chats count their messages together, so that many ids are of other chats.
NEAR = 16  # ids after the photo's, and as many before the next status's, that are looked at
PATIENCE = 10.0  # seconds with one of them


async def send_status(
    send: Callable[[], Awaitable[Message]], job: Job, store: Store, before: int | None
) -> Message | None:
    """Calls `send` and makes its message the job's status instead of the one `before`.

    None where the job is struck out, or has another status than `before`. Raises `StoreError` where
    it cannot be written down, before anything is sent, and what `send` raises.
    """
    if before != BEING_SENT and not await store.set_status(job.id, BEING_SENT, before):
        return None
    try:
        with at_most_once():
            message = await send()
    except TelegramAPIError as error:
        if not may_have_arrived(error):
            await store.set_status(job.id, None, BEING_SENT)
        raise
    new = message.message_id
    if before == BEING_SENT and message.bot:
        await delete_lost(job, message.bot, new)
    if await until_written(lambda: store.set_status(job.id, new, BEING_SENT)):
        return message
    with suppress(TelegramBadRequest):  # the user was quicker
        await message.delete()  # the job is over
    return None


async def delete_lost(job: Job, bot: Bot, shown: int | None = None) -> None:
    """Deletes statuses of the job between its photo and the one `shown`, or soon after the photo.

    Each look is a reply without a sound that is deleted at once; where there is no such message in
    this chat, nothing is sent.
    """
    first = job.photo.message_id + 1
    near = range(first, first + NEAR if shown is None else min(first + NEAR, shown))
    before = range(max(near.stop, (shown or 0) - NEAR), shown or 0)
    for message_id in (*near, *before):
        try:
            with patience(PATIENCE), at_most_once(), at_once():
                is_lost = await _is_status(message_id, job, bot)
            if is_lost:
                await bot.delete_message(job.chat_id, message_id)
                log.info("job %s: a status whose sending was in doubt is deleted", job.id)
        except TelegramAPIError as error:
            log.info("job %s: its lost status is not looked for: %s", job.id, error)
            return


async def _is_status(message_id: int, job: Job, bot: Bot) -> bool:
    where = ReplyParameters(message_id=message_id)
    try:
        look = await bot.send_message(
            job.chat_id, "…", reply_parameters=where, disable_notification=True
        )
    except TelegramBadRequest:  # there is no such message
        return False
    await look.delete()
    quoted = look.reply_to_message
    rows = quoted.reply_markup.inline_keyboard if quoted and quoted.reply_markup else []
    datas = [without_owner(button.callback_data or "")[0] for row in rows for button in row]
    return CancelJob(job_id=job.id).pack() in datas
