"""Sends a job's status message: that it is being sent is written down before.

The Bot API does not tell what was sent. Where an answer is lost, nobody knows whether the message
is in the chat, nor its id, and an edit or a deletion of what it may be could hit another message.
So such a status is left alone until somebody presses its button.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiogram.exceptions import TelegramAPIError, TelegramBadRequest
from aiogram.types import Message

from jobs.job import Job
from store import Store, until_written
from telegram_api.sending import may_have_arrived

BEING_SENT = 0  # instead of a status's id: it may be in the chat


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
        message = await send()
    except TelegramAPIError as error:
        if not may_have_arrived(error):
            await store.set_status(job.id, None, BEING_SENT)
        raise
    new = message.message_id
    if await until_written(lambda: store.set_status(job.id, new, BEING_SENT)):
        return message
    with suppress(TelegramBadRequest):  # the user was quicker
        await message.delete()  # the job is over
    return None
