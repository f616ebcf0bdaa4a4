"""Sheets of a photo in all styles, to choose by looking: light work that waits in no queue."""

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
from jobs.queue import JobContext
from settings import Settings
from sheet import numbered
from telegram_api.sending import download

log = logging.getLogger(__name__)

STALE_SECONDS = 60.0  # after which nobody waits for a sheet any more


def offer_sheets(
    context: JobContext, bot: Bot, i18n: I18n, threads: Callable[[], Executor]
) -> None:
    """Registers docket's task; `threads` says where a sheet is made now."""
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

    context.light.register(show_styles)


def _sheet(photo: bytes, names: list[str], settings: Settings) -> bytes:
    tiles, columns = in_all_styles(decode(photo, limits_of(settings)))
    return encode_photo(numbered(tiles, columns, names)).data
