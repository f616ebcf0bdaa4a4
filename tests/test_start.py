"""The three ways to start: a chat page on localhost, long polling, a webhook. And the end."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from benchmarks.servers import free_port
from bot import run
from local_chat.client import join
from local_chat.server import LocalChat
from settings import ROOT, Settings
from store import StoreError
from telegram_api.webhook import webhook_secret
from tests.conftest import PHOTOS, bot_in_chat, printed_url, running_bot, start_chat

UPDATE = {
    "update_id": 1,
    "message": {
        "message_id": 1,
        "date": 0,
        "chat": {"id": 5, "type": "private", "first_name": "Eve"},
        "from": {"id": 5, "is_bot": False, "first_name": "Eve"},
        "text": "/start",
    },
}


def api_of(chat: LocalChat) -> Bot:
    session = AiohttpSession(api=TelegramAPIServer.from_base(chat.url))
    return Bot(chat.token, session=session)


async def test_without_a_token_it_serves_a_chat_page() -> None:
    async with running_bot(LOCAL_CHAT_PORT="0") as bot:
        url = await printed_url(bot)
        async with aiohttp.ClientSession() as session, session.get(url) as page:
            assert page.status == 200
            assert "<html" in await page.text()
        async with join(url, "Ann", "en") as ann:
            await ann.say("/start")
            assert "Hello, Ann!" in (await ann.next_message()).text


async def test_it_turns_ready_when_its_networks_are_loaded() -> None:
    port = free_port()
    async with running_bot(LOCAL_CHAT_PORT="0", HEALTH_PORT=str(port)) as bot:
        await printed_url(bot)
        state: dict[str, bool] = {}
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            while not all(state.get(name) for name in ("telegram", "queue", "work", "networks")):
                with suppress(aiohttp.ClientConnectionError):
                    async with session.get(f"http://127.0.0.1:{port}/health/ready") as answer:
                        state = await answer.json()
                await asyncio.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_without_complaint(number: signal.Signals) -> None:
    async with running_bot(LOCAL_CHAT_PORT="0") as bot:
        await printed_url(bot)
        bot.send_signal(number)
        async with asyncio.timeout(20):
            assert await bot.wait() == 0


async def test_a_painting_in_work_at_sigterm_is_finished_and_sent() -> None:
    chat = await start_chat()
    photo = (PHOTOS / "chelsea.jpg").read_bytes()
    async with join(chat.url, "Ann", "en") as ann:
        async with bot_in_chat(chat, SHUTDOWN_SECONDS="60"):  # enough on any machine
            await ann.send_photo(photo)
            await ann.press(await ann.next_message(), "Use it as the style")
            await ann.next_message()
            await ann.send_photo(photo)
            status = await ann.next_message()
            while "upload_photo" not in ann.actions:  # noqa: ASYNC110 the work has begun
                await asyncio.sleep(0.05)
        assert ann.history[status.id].photo
    await chat.close()


async def test_it_warns_where_the_disk_does_not_last(caplog: pytest.LogCaptureFixture) -> None:
    values = {"bot_token": "1:a", "telegram_api_url": "http://127.0.0.1:9", "dyno": "web.1"}
    with pytest.raises(StoreError):  # it goes no further
        await run(Settings.model_validate({**values, "data_dir": "/dev/null"}), "all")
    assert "REDIS_URL" in caplog.text


async def test_polling_removes_a_webhook_left_over_and_keeps_waiting_updates() -> None:
    chat = await start_chat()
    async with join(chat.url, "Ann", "en") as ann, api_of(chat) as api:
        await api.set_webhook(f"http://127.0.0.1:{free_port()}/gone", secret_token="left-over")
        await ann.say("/start")
        async with bot_in_chat(chat):
            assert "Hello, Ann!" in (await ann.next_message(30)).text
            assert not (await api.get_webhook_info()).url
    await chat.close()


async def test_the_webhook_is_served_checked_and_left_in_place() -> None:
    chat = await start_chat(first_webhook_pause_s=0.1)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with join(chat.url, "Ann", "en") as ann, api_of(chat) as api:
        async with bot_in_chat(chat, WEBHOOK_HOST=url, WEBAPP_HOST="127.0.0.1", PORT=str(port)):
            await ann.say("/start")
            assert "Hello, Ann!" in (await ann.next_message(30)).text
            webhook = (await api.get_webhook_info()).url
            assert webhook.startswith(url)
            assert chat.token.split(":")[1] not in webhook
            async with aiohttp.ClientSession() as stranger:
                for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "guessed"}):
                    async with stranger.post(webhook, json=UPDATE, headers=headers) as answer:
                        assert answer.status == 401
        assert (await api.get_webhook_info()).url == webhook
        await ann.say("/help")  # waits at Telegram until the next start
        async with bot_in_chat(chat, WEBHOOK_HOST=url, WEBAPP_HOST="127.0.0.1", PORT=str(port)):
            assert "How it works" in (await ann.next_message(30)).text
    await chat.close()


def test_the_webhook_s_secret_is_fit_for_telegram_and_hides_the_token() -> None:
    secret = webhook_secret("123:abc")
    assert secret == webhook_secret("123:abc") != webhook_secret("123:abd")
    assert 1 <= len(secret) <= 256
    assert secret.isalnum()
    assert "abc" not in secret


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.0, 2.0])
async def test_sigterm_ends_it_in_order_from_the_first_moment(
    tmp_path: Path, seconds: float
) -> None:
    """While it still imports, too."""
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "LOCAL_CHAT_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "bot.py", cwd=ROOT, env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    await asyncio.sleep(seconds)
    process.terminate()
    async with asyncio.timeout(30):
        assert await process.wait() == 0
