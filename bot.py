"""Start here: `python bot.py` runs Paintbox, `python bot.py worker` one more of its workers.

What it connects to depends on the environment alone (settings.py): a chat page on localhost without
a token, long polling with one, a webhook with a token and `WEBHOOK_HOST`. With `REDIS_URL` it only
talks and the workers paint; without it everything is done in one process.
"""

import os
import signal

if __name__ == "__main__":  # before the imports, which take seconds: nothing is in work yet
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

import asyncio
import errno
import gc
import logging
import secrets
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from functools import partial
from typing import Literal

from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramAPIError, TelegramRetryAfter
from aiogram.types import Update
from aiogram.utils.i18n import I18n
from docket import Docket
from pydantic import SecretStr, ValidationError

from checks import (
    explained,
    list_of_settings,
    names_set,
    problem_with_data_dir,
    problem_with_engine,
    problem_with_size,
    warnings_of_names,
)
from jobs.queue import JobContext
from jobs.waiting import announce
from logs import set_up_logs
from memory import worker_count
from settings import ROOT, Settings
from store import StoreError, open_store
from store.redis import client_of
from telegram_api.inbox import Inbox, Take
from telegram_api.polling import poll
from telegram_api.profile import publish_profile
from telegram_api.sending import Pace, is_reachable, make_bot, until_answered

log = logging.getLogger("paintbox")

USAGE = "usage: python bot.py [worker]"
HELP = f"""{USAGE}

A Telegram bot that repaints people's photos. Without BOT_TOKEN it serves a chat page on localhost.

  python bot.py         talks and paints; where REDIS_URL is set, it only talks
  python bot.py worker  paints what those who talk have written into REDIS_URL

Settings are environment variables, or lines of a file .env:
"""
SWITCH_SECONDS = 0.001  # after which a thread that paints lets the one that talks go on

Role = Literal["all", "talker", "worker"]
Checks = dict[str, Callable[[], Awaitable[bool]]]  # of readiness, by what each looks at


async def run(settings: Settings, role: Role) -> int:
    """Until a signal ends it; returns the exit code."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows stops by KeyboardInterrupt
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if settings.bot_token is None:
        return await run_with_chat_page(settings, role, stop)
    if settings.dyno and settings.redis is None:
        log.warning("this dyno's disk is lost at a restart, and waiting photos with it: REDIS_URL")
    pace = Pace(client_of(settings.redis) if settings.redis else None)
    api_url = str(settings.telegram_api_url) if settings.telegram_api_url else None
    bot = make_bot(settings.bot_token, api_url, pace)
    return await serve(bot, pace, settings, role, stop)


async def run_with_chat_page(settings: Settings, role: Role, stop: asyncio.Event) -> int:
    """Serves a Bot API and a chat page on localhost, and the bot in it."""
    from local_chat.server import start

    chat = await start(
        port=settings.local_chat_port, bot_name="Paintbox", bot_username="paintbox_bot"
    )
    page = chat.url.replace("127.0.0.1", "localhost")
    sys.stdout.write(f"Chat with the bot at {page} (Ctrl+C ends it)\n")
    sys.stdout.flush()
    try:
        bot = make_bot(SecretStr(chat.token), chat.url, None)
        return await serve(bot, Pace(), settings, role, stop)
    finally:
        await chat.close()


async def serve(bot: Bot, pace: Pace, settings: Settings, role: Role, stop: asyncio.Event) -> int:
    """Talks, works, or both, until `stop`; returns the exit code, 1 where a thread is stuck."""
    # What is said on the chat page ends with the process, and so does what is remembered of it.
    data_dir = ROOT / settings.data_dir if settings.bot_token else None
    store = await open_store(settings.redis, data_dir)
    url = settings.redis or "memory://"
    async with (
        bot.session,
        Docket(name="paintbox", url=url) as docket,
        Docket(name="paintbox-light", url=url) as light,
    ):
        context = JobContext(store, docket, pace, settings, light)
        i18n = I18n(path=ROOT / "locales")
        checks: Checks = {"telegram": partial(is_reachable, bot), "queue": store.is_writable}
        working = None if role == "talker" else start_working(context, bot, i18n, checks, stop)
        if role == "worker":
            talking = asyncio.create_task(stand_by(settings, checks, stop))
        else:
            from handlers import make_dispatcher

            dispatcher = make_dispatcher(context, i18n)
            talking = asyncio.create_task(talk(bot, dispatcher, context, i18n, checks, stop))
        gc.freeze()  # what is imported stays: to look through it for garbage takes .25 s
        stopping = asyncio.create_task(stop.wait())
        tasks = {talking, working} if working else {talking}
        await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()  # where one ends for a reason of its own, the other goes with it
        await asyncio.wait({talking}, timeout=settings.shutdown_seconds)
        talking.cancel()  # Telegram may be away: what it was to be told is told at the next start
        await asyncio.wait({*tasks, stopping})
    await store.close()
    if not talking.cancelled():
        talking.result()
    return 0 if working is None or working.result() else 1


def start_working(
    context: JobContext, bot: Bot, i18n: I18n, checks: Checks, stop: asyncio.Event
) -> asyncio.Task[bool]:
    """A worker within this process, as a task; it returns False where a thread is stuck."""
    from jobs.worker import Painter, work_until

    painter = Painter(context, bot, i18n)

    async def is_not_stuck() -> bool:
        return not painter.stuck.is_set()

    async def is_loaded() -> bool:
        return painter.loaded.is_set()

    checks |= {"work": is_not_stuck, "networks": is_loaded}
    return asyncio.create_task(work_until(stop, painter))


async def talk(
    bot: Bot,
    dispatcher: Dispatcher,
    context: JobContext,
    i18n: I18n,
    checks: Checks,
    stop: asyncio.Event,
) -> None:
    """Takes updates until `stop`, and tells those who wait their place."""
    settings = context.settings
    kinds = dispatcher.resolve_used_update_types()

    async def handle(update: str) -> None:
        parsed = Update.model_validate_json(update, context={"bot": bot})
        await dispatcher.feed_update(bot, parsed)

    async def count_slots() -> int:
        workers = len(await context.docket.workers()) if settings.redis else 1
        return workers * settings.workers

    inbox = Inbox(context.store, handle)
    await inbox.take_over()  # before newer updates of the same people come
    beside = [
        asyncio.create_task(inbox.keep_hold()),
        asyncio.create_task(announce(context, bot, i18n, secrets.token_hex(8), count_slots)),
        asyncio.create_task(introduce(bot, i18n)),
    ]
    try:
        await take_updates(bot, inbox.put, kinds, settings, checks, stop)
        await inbox.finish()
    finally:
        for task in beside:
            task.cancel()
        await asyncio.wait(beside)
        await inbox.close()


async def take_updates(
    bot: Bot,
    take: Take,
    kinds: list[str],
    settings: Settings,
    checks: Checks,
    stop: asyncio.Event,
) -> None:
    """By webhook where there is one, else by polling, until `stop`."""
    if settings.webhook_host:
        from telegram_api.webhook import serve_webhook

        await serve_webhook(bot, take, kinds, settings, checks, stop)
    else:  # a webhook left over is removed, updates that wait are kept
        await until_answered(partial(bot.delete_webhook, drop_pending_updates=False), stop)
        async with watched(settings, checks):
            await poll(bot, take, kinds, stop)


async def introduce(bot: Bot, i18n: I18n) -> None:
    """The bot works, whether or not Telegram takes its profile now."""
    while True:
        try:
            return await publish_profile(bot, i18n)
        except TelegramRetryAfter as error:  # of many languages not all at once
            await asyncio.sleep(error.retry_after)
        except TelegramAPIError as error:
            return log.warning("the profile could not be published: %s", error)


async def stand_by(settings: Settings, checks: Checks, stop: asyncio.Event) -> None:
    """Tells its health while it works, until `stop`."""
    async with watched(settings, checks):
        await stop.wait()


def watched(settings: Settings, checks: Checks) -> AbstractAsyncContextManager[int | None]:
    """Health and metrics at `HEALTH_PORT`, where no webhook's server has them."""
    if settings.health_port is None:
        return nullcontext()
    from telegram_api.webhook import listening, make_app

    app = make_app(checks, settings.metrics)
    return listening(app, settings.webapp_host, settings.health_port)


def role_of(arguments: list[str], settings: Settings) -> Role:
    """Raises `ValueError`, whose words are for the user."""
    if arguments not in ([], ["worker"]):
        raise ValueError(f"{USAGE}, or --help")
    if not arguments:
        return "talker" if settings.redis_url else "all"
    if settings.redis_url is None:
        raise ValueError("A worker needs REDIS_URL: that is where its jobs come from.")
    return "worker"


def check(settings: Settings, role: Role) -> None:
    """Raises `ValueError`, whose words are for the user, where the start would fail later."""
    problem = problem_with_data_dir(settings)
    if role != "talker":
        problem = problem or problem_with_engine(settings) or problem_with_size(settings)
    if problem:
        raise ValueError(problem)


def main() -> int:
    if {"-h", "--help"} & set(sys.argv[1:]):
        sys.stdout.write(f"{HELP}{list_of_settings()}\n")
        return 0
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        settings = Settings()
        role = role_of(sys.argv[1:], settings)
        check(settings, role)
    except ValidationError as error:
        sys.stderr.write(f"{explained(error)}\n")
        return 2
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    token = settings.bot_token.get_secret_value() if settings.bot_token else None
    set_up_logs(settings.log_level, token)
    for warning in warnings_of_names(names_set()):
        log.warning(warning)
    if (count := worker_count(settings)) < settings.workers:
        log.warning("the memory suffices for %s of %s WORKERS", count, settings.workers)
        settings.workers = count
    try:
        code = asyncio.run(run(settings, role))
    except StoreError as error:
        sys.stderr.write(f"What is accepted cannot be kept: {error}\n")
        return 2
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        sys.stderr.write(f"Another program listens there already: {error.strerror}\n")
        return 2
    if code:
        os._exit(code)  # a thread that is stuck would be waited for for ever
    return code


if __name__ == "__main__":
    sys.exit(main())
