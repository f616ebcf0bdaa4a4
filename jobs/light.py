"""Light work that waits in no queue: sheets of a photo in all styles, to choose by looking, and
quick pictures for those who wait.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Annotated

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import BufferedInputFile, InputMediaPhoto
from aiogram.utils.i18n import I18n
from docket import ConcurrencyLimit

import keyboards
import texts
from decoding import BadImage, decode, limits_of
from encoding import encode_photo
from image_processing import in_all_styles
from jobs.answer import menu_while_waiting, speaking_to
from jobs.job import job_in
from jobs.painting import quick_preview
from jobs.queue import JobContext
from settings import Settings
from sheet import numbered
from store import Accepted, StoreError
from telegram_api.sending import download

log = logging.getLogger(__name__)

STALE_SECONDS = 60.0  # after which nobody waits for a sheet any more


def offer_light_work(
    context: JobContext, bot: Bot, i18n: I18n, threads: Callable[[], Executor]
) -> None:
    """Registers docket's tasks; `threads` says where a picture is made now."""
    assert context.light

    async def show_styles(
        chat_id: int,
        message_id: int,
        file_id: str,
        user_id: Annotated[int, ConcurrencyLimit(1)],
        language: str,
        asked: float,
    ) -> None:
        """Puts the sheet into the message that asks what to do with the photo."""
        if time.time() - asked > STALE_SECONDS:
            return
        owner = user_id if chat_id < 0 else None
        with i18n.context(), i18n.use_locale(language), keyboards.owned_by(owner):
            names, caption = texts.titles(), texts.choose_by_looking()
            menu = keyboards.photo_menu(with_styles=True)
        try:
            photo = await download(bot, file_id, patience=10)
            loop = asyncio.get_running_loop()
            data = await loop.run_in_executor(threads(), _sheet, photo, names, context.settings)
            await bot.edit_message_media(
                InputMediaPhoto(media=BufferedInputFile(data, "styles.jpg"), caption=caption),
                chat_id=chat_id,
                message_id=message_id,
                reply_markup=menu,
            )
        except (BadImage, TelegramAPIError) as error:  # the question stands without it
            log.info("no sheet for user %s: %s", user_id, error)

    async def show_quick_picture(job_id: str, words: str) -> None:
        """Puts a waiting job's quick picture into its status, over these words."""
        try:
            if (accepted := await _waiting(job_id, context)) is None:
                return
            job = job_in(accepted)
            photo = await download(bot, job.photo.file_id, patience=10)
            loop = asyncio.get_running_loop()
            data = await loop.run_in_executor(
                threads(), quick_preview, photo, job.wish, context.settings
            )
            with speaking_to(job, i18n):
                menu = await menu_while_waiting(job, context.store)
            # Under the user's lock: else it could come over the painting.
            async with context.store.lock(job.user_id):
                now = await _waiting(job_id, context)
                if now and data:
                    await bot.edit_message_media(
                        InputMediaPhoto(
                            media=BufferedInputFile(data, "paintbox.jpg"), caption=words
                        ),
                        chat_id=job.chat_id,
                        message_id=now.status_id,
                        reply_markup=menu,
                    )
        except (BadImage, StoreError, TelegramAPIError) as error:  # the painting will come
            log.info("job %s: no quick picture: %s", job_id, error)

    context.light.register(show_styles)
    context.light.register(show_quick_picture)


async def _waiting(job_id: str, context: JobContext) -> Accepted | None:
    """The job, while it waits and has a status."""
    accepted = await context.store.job(job_id)
    return accepted if accepted and accepted.started is None and accepted.status_id else None


def _sheet(photo: bytes, names: list[str], settings: Settings) -> bytes:
    tiles, columns = in_all_styles(decode(photo, limits_of(settings)))
    return encode_photo(numbered(tiles, columns, names)).data
