"""Nothing lost, nothing twice: real processes are killed, hang, or meet a locked store."""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from benchmarks.chaos import a_photo
from benchmarks.servers import bot_program, free_port
from local_chat.client import Message, Person, join
from local_chat.server import LocalChat
from settings import ROOT
from store import open_store
from telegram_api.webhook import WEBHOOK_PATH, webhook_secret
from tests.conftest import UNHURRIED, start_chat
from tests.servers import redis_server
from wishes import SeasonWish

PHOTO = a_photo()
WINTER = SeasonWish("summer2winter")


def is_result(message: Message) -> bool:
    return bool(message.photo) and ["✖️ Cancel"] not in message.buttons


def replies_to(person: Person, photo: Message) -> list[Message]:
    return [
        message
        for message in person.history.values()
        if message.by_bot and message.raw.get("reply_to_message", {}).get("message_id") == photo.id
    ]


async def answer_to(person: Person, photo: Message, seconds: float = 60) -> Message:
    """The bot's last word under a photo, when there is nothing to cancel any more."""

    def is_last(message: Message) -> bool:
        return message in replies_to(person, photo) and ["✖️ Cancel"] not in message.buttons

    async with asyncio.timeout(seconds):
        while not (found := [m for m in replies_to(person, photo) if is_last(m)]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert len(replies_to(person, photo)) == 1
    return found[0]


async def choose_winter(person: Person) -> None:
    await person.say("/start")
    await person.press(await person.next_message(60), "❄️ Summer to winter", timeout_s=60)
    await person.next_message(60)


@asynccontextmanager
async def running(
    chat: LocalChat, *arguments: str, code: str = "", **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of the bot that is killed in the end; `code` runs in it before anything else."""
    process = await asyncio.create_subprocess_exec(
        *bot_program(code),
        *arguments,
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "BOT_TOKEN": chat.token,
            "TELEGRAM_API_URL": chat.url,
            "CYCLEGAN_SIZE": "128",
            "NST_SIZE": "128",
            **variables,
        },
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


# In the worker that is killed a season takes for ever, so that it dies at work.
ENDLESS = """
import time
from jobs import painting
def endless(photo, wish, settings, progress):
    while True:
        progress.on_progress(0.5)
        time.sleep(0.1)
painting._change_season = endless
"""


async def test_a_killed_worker_s_job_moves_on_and_redis_may_restart(tmp_path: Path) -> None:
    chat = await start_chat()
    with redis_server(tmp_path) as redis:
        url = redis.url
        async with join(chat.url, "Ann", "en") as ann, running(chat, REDIS_URL=url):
            async with running(chat, "worker", code=ENDLESS, REDIS_URL=url):
                await choose_winter(ann)
                [photo] = await ann.send_photo(PHOTO)
                await ann.wait_for(lambda m: "50%" in m.text, 60)
            [second] = await ann.send_photo(PHOTO)
            redis.kill()
            await asyncio.to_thread(redis.start)
            async with running(chat, "worker", REDIS_URL=url):
                assert is_result(await answer_to(ann, photo))
                assert is_result(await answer_to(ann, second))
    await chat.close()


async def test_a_process_that_hangs_ends_and_the_next_one_goes_on(tmp_path: Path) -> None:
    hangs = """
import time
from jobs import painting, worker
painting._change_season = lambda *_: time.sleep(1000)
worker.STOP_SECONDS = 0.5
"""
    data = {"DATA_DIR": str(tmp_path)}
    chat = await start_chat()
    async with join(chat.url, "Ann", "en") as ann, join(chat.url, "Bob", "en") as bob:
        async with running(chat, code=hangs, JOB_TIMEOUT="1", **data) as process:
            await asyncio.gather(choose_winter(ann), choose_winter(bob))
            [hanging] = await ann.send_photo(PHOTO)
            [waiting] = await bob.send_photo(PHOTO)
            async with asyncio.timeout(60):
                assert await process.wait() == 1
        assert "took too long" in (await answer_to(ann, hanging)).text
        async with running(chat, **data):
            assert is_result(await answer_to(bob, waiting))
    await chat.close()


async def test_what_sigterm_does_not_let_finish_is_handed_back(tmp_path: Path) -> None:
    data = {"DATA_DIR": str(tmp_path)}
    chat = await start_chat()
    async with join(chat.url, "Ann", "en") as ann:
        async with running(chat, code=ENDLESS, SHUTDOWN_SECONDS="4", **data) as process:
            await choose_winter(ann)
            [photo] = await ann.send_photo(PHOTO)
            await ann.wait_for(lambda m: "50%" in m.text, 60)
            process.terminate()
            begun = time.monotonic()
            assert await process.wait() == 0
            assert time.monotonic() - begun < 15  # on a busy machine; it would paint for ever
        store = await open_store(None, tmp_path)
        [job] = await store.jobs()
        assert (job.attempts, job.started) == (0, None)
        await store.close()
        async with running(chat, **data):
            assert is_result(await answer_to(ann, photo))
    await chat.close()


async def test_sigterm_ends_it_also_while_telegram_is_away(tmp_path: Path) -> None:
    chat = await start_chat()
    chat.fail_next("*", 502, times=10**6)
    async with running(chat, SHUTDOWN_SECONDS="1", DATA_DIR=str(tmp_path)) as process:
        while not chat.state.calls:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        process.terminate()
        begun = time.monotonic()
        assert await process.wait() == 0
        assert time.monotonic() - begun < 15  # on a busy machine; it would try for 300 s
    await chat.close()


def update(number: int, person: Person, message: dict[str, object]) -> dict[str, object]:
    sender = {"id": person.id, "is_bot": False, "first_name": "Ann", "language_code": "en"}
    chat = {"id": person.id, "type": "private", "first_name": "Ann"}
    return {"update_id": number, "message": {"date": 0, "chat": chat, "from": sender, **message}}


async def test_an_update_that_comes_again_or_too_early_makes_no_second_job(tmp_path: Path) -> None:
    """Delivered several times at once, in the wrong order, and again after a restart."""
    chat = await start_chat(first_webhook_pause_s=0.1)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    served = {"WEBHOOK_HOST": url, "WEBAPP_HOST": "127.0.0.1", "PORT": str(port)}
    secret = {"X-Telegram-Bot-Api-Secret-Token": webhook_secret(chat.token)}
    async with (
        join(chat.url, "Ann", "en") as ann,
        aiohttp.ClientSession(headers=secret) as telegram,
    ):

        async def deliver(body: dict[str, object]) -> int:
            try:
                async with telegram.post(url + WEBHOOK_PATH, json=body) as answer:
                    return answer.status
            except aiohttp.ClientConnectionError:
                return 0

        photos: list[Message] = []
        for _ in range(2):
            async with running(chat, DATA_DIR=str(tmp_path), **served):
                hello = update(5, ann, {"text": "hello", "message_id": 1})
                while await deliver(hello) != 200:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)  # the server is not there yet
                if not photos:
                    await choose_winter(ann)
                    chat.state.updates.allowed = ["nothing"]  # from now on only the test delivers
                    photos = [(await ann.send_photo(PHOTO))[0] for _ in range(2)]
                late, early = (
                    update(9 - number, ann, {"photo": p.raw["photo"], "message_id": p.id})
                    for number, p in enumerate(photos)
                )
                bodies = [late, early, late, early, late, early]
                assert await asyncio.gather(*map(deliver, bodies)) == [200] * 6
                for photo in photos:
                    assert is_result(await answer_to(ann, photo))
    await chat.close()


async def test_what_cannot_be_kept_is_not_confirmed(tmp_path: Path) -> None:
    """While the store is locked, updates are neither answered nor lost."""
    chat = await start_chat()
    impatient = """
import functools, sqlite3
sqlite3.connect = functools.partial(sqlite3.connect, timeout=0.3)
"""
    async with (
        join(chat.url, "Ann", "en") as ann,
        running(chat, code=impatient, DATA_DIR=str(tmp_path)),
    ):
        await ann.say("/start")
        await ann.next_message(60)
        other = sqlite3.connect(tmp_path / "paintbox.sqlite3", isolation_level=None)
        while other.execute("SELECT 1 FROM inbox").fetchone():  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # what is kept of /start follows its answer
        other.execute("BEGIN IMMEDIATE")
        await ann.say("/help")
        await asyncio.sleep(2)  # SQLite waits 0.3 s for its turn, five where nobody is impatient
        assert [update.update for update in chat.state.updates.pending]
        other.execute("ROLLBACK")
        other.close()
        assert "How it works" in (await ann.next_message(60)).text
        await asyncio.sleep(1)
        assert sum("How it works" in message.text for message in ann.history.values()) == 1
    await chat.close()


async def test_who_may_use_it_and_how_fast(tmp_path: Path) -> None:
    chat = await start_chat()
    async with join(chat.url, "Анна", "ru") as anna, join(chat.url, "Eve", "en") as eve:
        only = {"ALLOWED_USERS": f"1,{anna.id}", "UPDATES_PER_MINUTE": "4"}
        async with running(chat, code=UNHURRIED, DATA_DIR=str(tmp_path), **only):
            await eve.send_photo(PHOTO)
            assert "private bot" in (await eve.next_message(60)).text
            for _ in range(5):
                await anna.say("/language")
            for _ in range(3):  # two more than one minute's share of them in thirty seconds
                assert "На каком языке" in (await anna.next_message()).text
            assert "Дайте мне минуту" in (await anna.next_message()).text
            await asyncio.sleep(2)
            assert sum(message.by_bot for message in anna.history.values()) == 4
            assert sum(message.by_bot for message in eve.history.values()) == 1
            for person in (anna, eve):  # one has asked too often, the other is a stranger
                with pytest.raises(TimeoutError):
                    await person.ask_inline(timeout_s=1)
    await chat.close()


async def test_forget_erases_choices_and_waiting_photos(tmp_path: Path) -> None:
    chat = await start_chat()
    async with (
        join(chat.url, "Анна", "ru") as anna,
        running(chat, code=ENDLESS, DATA_DIR=str(tmp_path)),
    ):
        await anna.say("/start")
        await anna.press(await anna.next_message(60), "❄️ Из лета в зиму")
        await anna.next_message()
        await anna.send_photo(PHOTO)
        await anna.send_photo(PHOTO)
        await anna.wait_for(lambda message: "Место в очереди: 1" in message.text, 30)
        await anna.say("/forget")
        await anna.wait_for(lambda message: "стёрты" in message.text)
        await asyncio.sleep(2)  # for what the one at work might still say
        assert not [m for m in anna.history.values() if m.raw.get("reply_to_message")]
        store = await open_store(None, tmp_path)
        assert await store.jobs() == []
        assert await store.user(anna.id) is None
        await store.close()
        await anna.send_photo(PHOTO)
        await anna.wait_for(lambda message: "Что с ним сделать?" in message.text)
    await chat.close()
