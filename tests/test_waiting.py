"""Those who wait: what a look at the queue reads, and what it sends."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from aiogram.utils.i18n import I18n
from docket import Docket
from pydantic import SecretStr

import jobs.job
from jobs import waiting
from jobs.job import Job, to_json
from jobs.queue import JobContext
from jobs.waiting import CLIP_TAKES, UNKNOWN_SECONDS, Statuses, read_queue, waiting_seconds
from local_chat.server import LocalChat
from settings import ROOT, Settings
from store import Accepted, open_store
from telegram_api.sending import Pace, make_bot
from tests.conftest import start_chat
from users import Photo
from wishes import SeasonWish, StyleWish


@dataclass
class Queue:
    """A store with jobs that wait, and the chat in which people are told of them."""

    chat: LocalChat
    context: JobContext
    statuses: Statuses

    async def put(self, number: int, user_id: int) -> Job:
        photo = Photo("file", f"unique {number}", number)
        job = Job(f"{number}", user_id, user_id, "en", photo, SeasonWish("summer2winter"))
        await self.context.store.accept(job.id, user_id, to_json(job), 10_000, 10_000)
        return job

    def edits(self) -> int:
        return sum(call["method"] == "editMessageText" for call in self.chat.state.calls)

    def restart(self) -> None:
        self.statuses = Statuses(self.context, self.statuses.bot, self.statuses.i18n)

    async def look(self) -> None:
        await self.statuses.show(await read_queue(self.context, ()), slots=1)


@asynccontextmanager
async def open_queue() -> AsyncIterator[Queue]:
    chat = await start_chat()
    bot = make_bot(SecretStr(chat.token), chat.url, None)
    store = await open_store(None, None)
    async with bot.session, Docket(name=secrets.token_hex(4), url="memory://") as docket:
        context = JobContext(store, docket, Pace(), Settings())
        yield Queue(chat, context, Statuses(context, bot, I18n(path=ROOT / "locales")))
    await store.close()
    await chat.close()


async def test_a_look_reads_each_job_once_and_only_what_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []

    def job_in(accepted: Accepted) -> Job:
        read.append(accepted.id)
        return jobs.job.job_in(accepted)

    monkeypatch.setattr(waiting, "job_in", job_in)
    async with open_queue() as queue:
        for number in range(100):
            await queue.put(number, user_id=number)
            await queue.context.store.set_status(f"{number}", 1, None)
        monkeypatch.setattr(waiting, "ROUND_SECONDS", 0)  # nothing is sent
        entries = await read_queue(queue.context, ())
        await queue.statuses.show(entries, slots=2)
        assert sorted(read) == sorted(f"{number}" for number in range(100))
        await queue.put(100, user_id=100)
        await read_queue(queue.context, entries)
        assert read[100:] == ["100"]


async def test_a_job_of_another_version_is_dropped_and_the_others_are_told() -> None:
    async with open_queue() as queue:
        ann = queue.chat.state.add_person("Ann", "en")
        ann.started = True
        await queue.context.store.accept("0", 5, '{"id": "0"}', 9, 9)
        await queue.put(1, ann.id)
        await queue.look()
        await asyncio.wait(queue.statuses.first_words.values())
        assert [message["text"] for message in ann.messages.values()] == [
            "🕓 Place 1 in the queue."
        ]
        assert await queue.context.store.job("0") is None


async def test_after_a_restart_what_waits_is_edited_once_and_not_in_each_round() -> None:
    """Telegram says that the message is not modified: then it is as it should be."""
    async with open_queue() as queue:
        ann = queue.chat.state.add_person("Ann", "en")
        ann.started = True
        await queue.put(1, ann.id)
        await queue.look()
        await asyncio.wait(queue.statuses.first_words.values())
        assert queue.edits() == 0
        queue.restart()
        for _ in range(3):
            await asyncio.sleep(1.6)  # the chat may be edited again
            await queue.look()
        assert queue.edits() == 1


def test_clips_are_expected_to_take_longer() -> None:
    photo = Photo("file", "unique", 1)
    jobs = [
        Job(f"{place}", 1, 1, "en", each, StyleWish("kiss", None))
        for place, each in enumerate((replace(photo, moves=True), photo, photo))
    ]
    clip_first, photos_first = jobs, jobs[::-1]
    assert waiting_seconds(clip_first, (), {"style": 10}, 1)[1] == 10 * CLIP_TAKES
    measured = {"style": 10.0, "clip_style": 30.0}
    assert waiting_seconds(clip_first, (), measured, 1) == [0, 30, 40]
    assert waiting_seconds(photos_first, (), {"clip_style": 30}, 1)[1] == UNKNOWN_SECONDS


def accepted(job: str) -> Accepted:
    return Accepted("1", 1, job, 0, 0, None, 0, 0, None)


def test_jobs_of_older_versions_are_photos() -> None:
    photo = Photo("file", "unique", 1)
    written = to_json(Job("1", 1, 1, "en", photo, StyleWish("kiss", None)))
    assert "moves" not in written
    old = jobs.job.job_in(accepted(written))
    assert not old.photo.moves
    assert old.kind == "style"
    clip = replace(old, photo=replace(photo, moves=True, seconds=3))
    assert jobs.job.job_in(accepted(to_json(clip))) == clip
