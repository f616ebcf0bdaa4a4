"""Commands and descriptions are told to Telegram in every language, at Telegram's pace."""

from typing import Any

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import TelegramMethod
from aiogram.utils.i18n import I18n

from bot import introduce
from languages import NAMES
from settings import ROOT
from tests.conftest import start_chat

I18N = I18n(path=ROOT / "locales")


@pytest.mark.asyncio
async def test_it_is_published_in_every_language_and_once() -> None:
    """Though Telegram bids to wait after ten steps."""
    told: list[str] = []
    waits = 0

    async def count(request: Any, bot: Bot, method: TelegramMethod[Any]) -> Any:
        nonlocal waits
        if len(told) == 10 and not waits:
            waits += 1
            raise TelegramRetryAfter(method, "Too Many Requests", retry_after=0)
        if method.__api_method__.startswith("set"):
            told.append(method.__api_method__)
        return await request(bot, method)

    chat = await start_chat()
    session = AiohttpSession(api=TelegramAPIServer.from_base(chat.url))
    session.middleware(count)  # type: ignore[arg-type]
    async with Bot(chat.token, session=session) as bot:
        await introduce(bot, I18N)
        assert waits == 1
        assert len(told) == 3 * len(NAMES)
        languages = {language for _, language in chat.state.commands}
        assert languages == {"", "ru", "uk", "de", "es", "fr", "it", "pt", "tr", "fa", "id", "zh"}
        await introduce(bot, I18N)
        assert len(told) == 3 * len(NAMES)
    await chat.close()
