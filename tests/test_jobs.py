"""Single mishaps of jobs, looked at from within: the queue and its work in this process."""

import asyncio
import os
import re
import secrets
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from aiogram.utils.i18n import I18n
from docket import Docket
from PIL import Image
from pydantic import SecretStr

import encoding
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
from tests.conftest import start_chat
from tests.test_reliability import PHOTO, WINTER, answer_to, is_result, replies_to
from users import Photo
from wishes import SeasonWish


class Pipeline:
    """Stands in for a season's network: it takes as long, and ends, as the test wants."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.released = threading.Event()
        self.heeds_progress = True
        self.error: Exception | None = None

    def __call__(
        self, photo: bytes, wish: SeasonWish, settings: Settings, progress: painting.Progress
    ) -> Image.Image:
        self.begun.set()
        while not self.released.wait(0.02):
            if self.heeds_progress:
                progress.on_progress(0.5)
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


async def test_who_waits_is_told_how_long_the_painting_takes(
    tmp_path: Path, pipeline: Pipeline
) -> None:
    """The stand-in is half done all the time: what is left is what it has taken so far."""
    async with at_work(tmp_path) as desk:
        _, photo = await desk.ask()
        status = await desk.ann.wait_for(lambda message: "50%" in message.text, 30)
        assert replies_to(desk.ann, photo) == [status]
        assert re.fullmatch(r"🎨 Painting… ▓{5}░{5} 50%, about \d+ s left", status.text)
        pipeline.released.set()
        assert is_result(await answer_to(desk.ann, photo))


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
