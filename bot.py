"""Start here: `python bot.py` runs Paintbox.

What it connects to depends on the environment alone (settings.py): a chat page on localhost without
a token, long polling with one, a webhook with a token and `WEBHOOK_HOST`.
"""

import asyncio
import errno
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from aiogram import BaseMiddleware, Bot, Dispatcher
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, TelegramObject
from aiogram.utils.i18n import I18n
from docket import Docket
from pydantic import SecretStr, ValidationError

from bot_profile import publish_profile
from handlers import conversation
from jobs import run_queue
from local_chat.server import start as start_local_chat
from logs import AboutUpdate, set_up_logs
from sending import Pace, is_reachable, make_bot
from settings import ROOT, Settings, explained
from users import LanguageMiddleware, UserMiddleware
from web import Check, listening, make_app, serve_webhook


class AnswerFirst(BaseMiddleware):
    """Answers a press of a button before its work starts, so that its clock stops turning."""

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        if isinstance(event, CallbackQuery):
            with suppress(TelegramBadRequest):  # pressed long ago: the work is wanted all the same
                await event.answer()
        return await handler(event, data)


def make_dispatcher(settings: Settings, docket: Docket, i18n: I18n) -> Dispatcher:
    """A dispatcher with the whole conversation; routers are built once for each process."""
    dispatcher = Dispatcher(settings=settings, docket=docket, i18n=i18n)
    dispatcher.update.outer_middleware(AboutUpdate())
    dispatcher.update.outer_middleware(UserMiddleware())
    LanguageMiddleware(i18n).setup(dispatcher)
    dispatcher.callback_query.middleware(AnswerFirst())
    dispatcher.include_router(conversation())
    return dispatcher


async def poll(bot: Bot, dispatcher: Dispatcher, stop: asyncio.Event) -> None:
    """Fetches updates until `stop`; a webhook left over is removed, waiting updates are kept."""
    await bot.delete_webhook(drop_pending_updates=False)
    polling = asyncio.create_task(
        dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False)
    )
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({polling, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not polling.done():
        await dispatcher.stop_polling()
    await polling


async def run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows stops by KeyboardInterrupt
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if settings.bot_token is None:
        chat = await start_local_chat(
            port=settings.local_chat_port, bot_name="Paintbox", bot_username="paintbox_bot"
        )
        page = chat.url.replace("127.0.0.1", "localhost")
        sys.stdout.write(f"Chat with the bot at {page} (Ctrl+C ends it)\n")
        sys.stdout.flush()
        try:
            await talk(make_bot(SecretStr(chat.token), chat.url, None), settings, stop)
        finally:
            await chat.close()
    else:
        api_url = str(settings.telegram_api_url) if settings.telegram_api_url else None
        await talk(make_bot(settings.bot_token, api_url, Pace()), settings, stop)


async def talk(bot: Bot, settings: Settings, stop: asyncio.Event) -> None:
    i18n = I18n(path=ROOT / "locales")
    async with bot.session, run_queue(bot, settings, i18n) as docket:
        dispatcher = make_dispatcher(settings, docket, i18n)
        await publish_profile(bot, i18n)
        checks: dict[str, Check] = {"telegram": partial(is_reachable, bot)}
        if settings.webhook_host:
            await serve_webhook(bot, dispatcher, settings, checks, stop)
        elif settings.health_port is not None:
            app = make_app(checks, settings.metrics)
            async with listening(app, settings.webapp_host, settings.health_port):
                await poll(bot, dispatcher, stop)
        else:
            await poll(bot, dispatcher, stop)


def main() -> int:
    try:
        settings = Settings()
    except ValidationError as error:
        sys.stderr.write(f"{explained(error)}\n")
        return 2
    token = settings.bot_token.get_secret_value() if settings.bot_token else None
    set_up_logs(settings.log_level, token)
    try:
        asyncio.run(run(settings))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        sys.stderr.write(f"Another program listens there already: {error.strerror}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
