"""Nothing lost, nothing twice: real processes are killed, and single mishaps looked at closely.

With LONG_TESTS in the environment a thousand users come at once, else 150.
"""

import asyncio
import os
import random
import secrets
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from aiogram.utils.i18n import I18n
from docket import Docket
from PIL import Image
from pydantic import SecretStr

import encoding
from benchmarks.chaos import a_photo, storm
from benchmarks.load import TOKEN, Load, Telegram, Updates, bot_under_load
from benchmarks.servers import free_port
from image_processing import OnProgress
from jobs import answer, painting, worker
from jobs.job import Job, job_in, to_json
from jobs.queue import JobContext, cancel, submit
from jobs.waiting import Entry, announce, in_order, waiting_seconds
from jobs.worker import Painter, work_until
from local_chat.client import Message, Person, join
from local_chat.server import LocalChat
from settings import ROOT, Settings
from store import Accepted, open_store
from telegram_api.sending import Pace, make_bot
from telegram_api.webhook import WEBHOOK_PATH, webhook_secret
from tests import bot_api_schema
from tests.conftest import start_chat
from tests.servers import redis_server
from users import Photo
from wishes import SeasonWish

LONG = bool(os.environ.get("LONG_TESTS"))
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
    program = f"{code}\nimport sys, bot\nsys.argv[0] = 'bot.py'\nsys.exit(bot.main())"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
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


# Whole processes.


async def test_kills_at_random_moments_lose_and_double_nothing() -> None:
    life = (0.0, 2.0)
    for counted in await asyncio.gather(
        storm("polling", 10, seed=1, people=3, life=life, checks=[bot_api_schema.check]),
        storm("webhook", 10, seed=2, people=3, life=life, checks=[bot_api_schema.check]),
    ):
        assert counted.kills == 10
        assert counted.accepted == counted.answered >= 6
        assert (counted.lost, counted.doubled) == (0, 0)


# In the worker that is killed a season takes for ever, so that it dies at work.
ENDLESS = """
import time
from jobs import painting
def endless(photo, wish, settings, on_progress):
    while True:
        on_progress(0.5)
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


async def test_a_thousand_users_at_once_are_confirmed_and_each_gets_one_answer() -> None:
    """Against a lean Telegram: 30 messages a second leave, so the rest waits in the inbox."""
    telegram = Telegram()
    updates = Updates(random.Random(1))
    people = range(100, 1100 if LONG else 250)
    posts = [updates.message(person, "/help") for person in people]
    headers = {"X-Telegram-Bot-Api-Secret-Token": webhook_secret(TOKEN)}
    async with (
        bot_under_load(telegram) as url,
        aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as client,
    ):
        load = Load(url + WEBHOOK_PATH, client, telegram, updates)
        began = time.monotonic()
        await asyncio.gather(*(load.post(post) for post in [*posts, *posts[:50]]))
        assert time.monotonic() - began < len(people) / 30  # sooner than they are answered
        async with asyncio.timeout(120):
            while len(telegram.told) < len(people):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
    assert load.failed == 0
    assert telegram.told == Counter(people)


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
    async with join(chat.url, "Ann", "en") as ann, running(chat, DATA_DIR=str(tmp_path)):
        await ann.say("/start")
        await ann.next_message(60)
        other = sqlite3.connect(tmp_path / "paintbox.sqlite3", isolation_level=None)
        while other.execute("SELECT 1 FROM inbox").fetchone():  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # what is kept of /start follows its answer
        other.execute("BEGIN IMMEDIATE")
        await ann.say("/help")
        await asyncio.sleep(7)  # SQLite waits five seconds for its turn
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
        async with running(chat, DATA_DIR=str(tmp_path), **only):
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
        store = await open_store(None, tmp_path)
        assert await store.jobs() == []
        assert await store.user(anna.id) is None
        await store.close()
        await anna.send_photo(PHOTO)
        await anna.wait_for(lambda message: "Что с ним сделать?" in message.text)
    await chat.close()


# Single mishaps, looked at from within.


class Pipeline:
    """Stands in for a season's network: it takes as long, and ends, as the test wants."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.released = threading.Event()
        self.heeds_progress = True
        self.error: Exception | None = None

    def __call__(
        self, photo: bytes, wish: SeasonWish, settings: Settings, on_progress: OnProgress
    ) -> Image.Image:
        self.begun.set()
        while not self.released.wait(0.02):
            if self.heeds_progress:
                on_progress(0.5)
        if self.error:
            raise self.error
        return Image.new("RGB", (240, 160), "navy")


@dataclass
class Desk:
    """The bot's queue and its work in this process, and somebody who sends photos."""

    chat: LocalChat
    ann: Person
    context: JobContext
    painter: Painter
    stop: asyncio.Event
    working: asyncio.Task[bool]

    async def ask(self, person: Person | None = None) -> tuple[Job, Message]:
        """A photo of this person's, and the job that is accepted for it."""
        person = person or self.ann
        [photo] = await person.send_photo(PHOTO)
        assert photo.photo
        sent = Photo(photo.photo["file_id"], photo.photo["file_unique_id"], photo.id)
        job = Job(f"1-{photo.id}", person.id, person.id, "en", sent, WINTER)
        i18n = self.painter.i18n
        with i18n.context(), i18n.use_locale("en"):
            assert await submit(job, self.context) is None
        return job, photo

    async def all_struck_out(self) -> None:
        """That follows the answer."""
        async with asyncio.timeout(10):
            while await self.context.store.jobs():  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@asynccontextmanager
async def at_work(data_dir: Path, **settings: float) -> AsyncIterator[Desk]:
    chat = await start_chat()
    bot = make_bot(SecretStr(chat.token), chat.url, None)
    values = {"nst_size": 128, "cyclegan_size": 128, **settings}
    store = await open_store(None, data_dir)
    name = secrets.token_hex(4)  # docket's memory is one for the process
    async with (
        join(chat.url, "Ann", "en") as ann,
        bot.session,
        Docket(name=name, url="memory://") as docket,
    ):
        context = JobContext(store, docket, Pace(), Settings.model_validate(values))
        i18n = I18n(path=ROOT / "locales")
        painter, stop = Painter(context, bot, i18n), asyncio.Event()

        async def one() -> int:
            return 1

        announcing = asyncio.create_task(announce(context, bot, i18n, "test", one))
        working = asyncio.create_task(work_until(stop, painter))
        try:
            yield Desk(chat, ann, context, painter, stop, working)
        finally:
            stop.set()
            await working
            announcing.cancel()
            await asyncio.wait({announcing})
            await store.close()
    await chat.close()


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    stand_in = Pipeline()
    monkeypatch.setattr(painting, "_change_season", stand_in)
    yield stand_in
    stand_in.released.set()


async def begun(pipeline: Pipeline) -> None:
    assert await asyncio.to_thread(pipeline.begun.wait, 30)
    pipeline.begun.clear()


async def test_a_pipeline_that_raises_costs_its_own_job(tmp_path: Path, pipeline: Pipeline) -> None:
    async with at_work(tmp_path) as desk:
        pipeline.error = RuntimeError("on purpose")
        pipeline.released.set()
        _, photo = await desk.ask()
        assert "Something went wrong" in (await answer_to(desk.ann, photo)).text
        pipeline.error = None
        _, second = await desk.ask()
        assert is_result(await answer_to(desk.ann, second))
        await desk.all_struck_out()


async def test_cancel_stops_within_a_second_at_work_and_in_the_queue(
    tmp_path: Path, pipeline: Pipeline
) -> None:
    async with at_work(tmp_path) as desk, join(desk.chat.url, "Bob", "en") as bob:
        running, photo = await desk.ask()
        await begun(pipeline)
        waiting, _ = await desk.ask()
        following, last = await desk.ask(bob)
        at = time.monotonic()
        assert not await cancel(running.id, bob.id, desk.context)  # it is not his
        assert await cancel(waiting.id, desk.ann.id, desk.context)
        assert await cancel(running.id, desk.ann.id, desk.context)
        assert not await cancel(running.id, desk.ann.id, desk.context)
        await begun(pipeline)  # the worker is free for Bob's
        assert time.monotonic() - at < 1
        assert [job.id for job in await desk.context.store.jobs()] == [following.id]
        assert "Cancelled" in (await answer_to(desk.ann, photo)).text
        pipeline.released.set()
        assert is_result(await answer_to(bob, last))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priority")
async def test_who_paints_steps_back_behind_who_talks(tmp_path: Path) -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    async with at_work(tmp_path) as desk:
        loop = asyncio.get_running_loop()
        theirs = await loop.run_in_executor(desk.painter.threads, niceness)
        assert theirs == min(niceness() + worker.NICENESS, 19)


async def test_work_that_takes_too_long_is_stopped(tmp_path: Path, pipeline: Pipeline) -> None:
    async with at_work(tmp_path, job_timeout=1) as desk:
        _, photo = await desk.ask()
        assert "took too long" in (await answer_to(desk.ann, photo)).text
        pipeline.released.set()
        _, second = await desk.ask()
        assert is_result(await answer_to(desk.ann, second))


async def test_a_job_that_took_the_process_down_twice_is_dropped_and_told(
    tmp_path: Path, pipeline: Pipeline
) -> None:
    pipeline.released.set()
    async with at_work(tmp_path) as desk:
        desk.stop.set()
        await desk.working  # so that the job waits
        job, photo = await desk.ask()
        for _ in range(2):
            await desk.context.store.begin(job.id)
        desk.stop.clear()
        desk.painter.hands_back = False
        desk.painter.threads = type(desk.painter.threads)(1)
        desk.working = asyncio.create_task(work_until(desk.stop, desk.painter))
        assert "broke down" in (await answer_to(desk.ann, photo)).text
        assert not pipeline.begun.is_set()
        _, second = await desk.ask()
        assert is_result(await answer_to(desk.ann, second))
        desk.stop.set()
        await desk.working


async def test_a_status_that_was_deleted_or_is_old_is_sent_anew(
    tmp_path: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(tmp_path) as desk:
        _, photo = await desk.ask()
        await begun(pipeline)
        await desk.ann.wait_for(lambda message: "Painting" in message.text)
        [status] = replies_to(desk.ann, photo)
        del desk.chat.state.people[desk.ann.id].messages[status.id]
        desk.ann.history.pop(status.id)
        monkeypatch.setattr(answer, "FRESH_SECONDS", 0.0)
        _, second = await desk.ask()
        await desk.ann.wait_for(lambda message: "Place 1" in message.text)
        [waiting] = replies_to(desk.ann, second)
        pipeline.released.set()
        assert is_result(await answer_to(desk.ann, photo))
        await desk.ann.wait_until_gone(waiting)
        assert is_result(await answer_to(desk.ann, second))


@pytest.mark.parametrize("mishap", ["drop", "drop_after", 500])
async def test_a_lost_answer_makes_no_second_picture(
    tmp_path: Path, pipeline: Pipeline, mishap: str | int
) -> None:
    pipeline.released.set()
    async with at_work(tmp_path) as desk:
        desk.chat.fail_next("editMessageMedia", mishap, times=2)  # type: ignore[arg-type]
        _, photo = await desk.ask()
        assert is_result(await answer_to(desk.ann, photo))
        await asyncio.sleep(0.5)
        assert len(replies_to(desk.ann, photo)) == 1


async def test_a_photo_that_telegram_refuses_goes_as_a_document(
    tmp_path: Path, pipeline: Pipeline
) -> None:
    pipeline.released.set()
    async with at_work(tmp_path) as desk:
        desk.chat.fail_next("editMessageMedia", 400)
        _, photo = await desk.ask()
        answer = await answer_to(desk.ann, photo)
        assert answer.document
        assert answer.buttons


@pytest.mark.parametrize("size", [(330, 16), (9990, 600), (320, 240)])
async def test_a_result_beyond_the_limits_of_photos_goes_as_it_is_in_a_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    """Too elongated, too many pixels along its sides, or too many bytes."""
    noise = np.random.default_rng(1).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    monkeypatch.setattr(painting, "_change_season", lambda *_: Image.fromarray(noise))
    monkeypatch.setattr(encoding, "MOST_BYTES_OF_PHOTO", 20_000)
    async with at_work(tmp_path) as desk:
        _, photo = await desk.ask()
        answer = await answer_to(desk.ann, photo)
        assert answer.document
        with Image.open(BytesIO(await desk.ann.download(answer))) as arrived:
            assert arrived.size == size


async def test_somebody_who_blocked_the_bot_ends_their_job_quietly(
    tmp_path: Path, pipeline: Pipeline
) -> None:
    async with at_work(tmp_path) as desk, join(desk.chat.url, "Bob", "en") as bob:
        await desk.ask()
        await begun(pipeline)
        await desk.ann.block_bot()
        _, photo = await desk.ask(bob)
        pipeline.released.set()
        assert is_result(await answer_to(bob, photo))
        await desk.all_struck_out()


async def test_everybody_s_turn_comes_and_places_are_told_and_move(
    tmp_path: Path, pipeline: Pipeline
) -> None:
    async with at_work(tmp_path) as desk, join(desk.chat.url, "Bob", "en") as bob:
        await desk.context.store.note_seconds("season", 20)
        first, _ = await desk.ask()
        await begun(pipeline)
        seconds = [(await desk.ask())[1] for _ in range(2)]
        _, bobs = await desk.ask(bob)
        told = await bob.wait_for(lambda message: "Place 1" in message.text)
        assert told.text == "🕓 Place 1 in the queue, about 20 s to wait."
        await desk.ann.wait_for(lambda message: "Place 3" in message.text, 20)
        await cancel(first.id, desk.ann.id, desk.context)
        await begun(pipeline)  # now it is Ann's second, or Bob's: whoever was ready first
        await desk.ann.wait_for(lambda message: "Place 2" in message.text, 20)
        pipeline.released.set()
        for person, photo in ((desk.ann, seconds[0]), (bob, bobs), (desk.ann, seconds[1])):
            assert is_result(await answer_to(person, photo))


async def test_the_same_wish_for_the_same_photo_waits_once(
    tmp_path: Path, pipeline: Pipeline
) -> None:
    async with at_work(tmp_path, jobs_per_user=1, queue_limit=2) as desk:
        job, _ = await desk.ask()
        await begun(pipeline)
        with desk.painter.i18n.context(), desk.painter.i18n.use_locale("en"):
            again = replace(job, id="2-1")
            assert await submit(again, desk.context) is None
            assert len(await desk.context.store.jobs()) == 1
            other = replace(again, photo=replace(job.photo, message_id=-1))
            assert await submit(other, desk.context) is None
            more = replace(other, id="3-1", photo=replace(job.photo, message_id=-2))
            assert "can't take another one" in (await submit(more, desk.context) or "")
            desk.context.settings.queue_limit = 3
            assert "at most 1 of your photos" in (await submit(more, desk.context) or "")
        pipeline.released.set()


def waiting_job(job_id: str, user_id: int, ready: float, started: float | None = None) -> Accepted:
    photo = Photo("file", "unique", 1)
    job = to_json(Job(job_id, user_id, user_id, "en", photo, WINTER))
    return Accepted(job_id, user_id, job, ready, ready, None, 0, 0, started)


def test_turns_go_round() -> None:
    queue = [
        waiting_job("a1", 1, 0, started=time.time()),
        waiting_job("a2", 1, 1),
        waiting_job("a3", 1, 2),
        waiting_job("b1", 2, 3),
        waiting_job("b2", 2, 4),
        waiting_job("c1", 3, 5),
    ]
    assert [job.id for job in in_order(queue)] == ["b1", "c1", "a2", "b2", "a3"]


def test_the_estimate_is_honest() -> None:
    begun_job = waiting_job("r", 9, 0, started=time.time() - 4)
    running = [Entry(begun_job, job_in(begun_job))]
    order = [job_in(waiting_job(str(n), n, n)) for n in range(4)]
    mean = {"season": 10.0}
    assert waiting_seconds(order, running, mean, 1) == pytest.approx([6, 16, 26, 36], abs=0.5)
    assert waiting_seconds(order, running, mean, 2) == pytest.approx([0, 6, 10, 16], abs=0.5)
    assert waiting_seconds(order, running, {}, 1) == [None] * 4
    assert waiting_seconds(order, running, mean, 0) == [None] * 4
