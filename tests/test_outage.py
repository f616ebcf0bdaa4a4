"""Telegram is away, or says for how long to be silent: what is accepted waits, and is answered."""

import asyncio
from pathlib import Path
from typing import Any, Literal

import pytest

from benchmarks.chaos import Setup
from benchmarks.outage import PEOPLE, PHOTOS, outage
from jobs import waiting, worker
from jobs.answer import delete_statuses
from jobs.status import BEING_SENT
from local_chat.client import join
from store import StoreError
from store.sqlite import SqliteStore
from tests.test_jobs import Pipeline, at_work, begun, pipeline
from tests.test_reliability import answer_to, is_result, replies_to

__all__ = ["pipeline"]  # a fixture


@pytest.mark.parametrize("setup", ["polling", "workers"])
async def test_an_outage_with_two_kills_in_it_loses_and_doubles_nothing(setup: Setup) -> None:
    """None of twenty is answered by an excuse, and no status stays."""
    try:
        counted = await outage(setup)
    except FileNotFoundError as error:
        pytest.skip(str(error))  # no redis-server
    assert counted.accepted == counted.answered == PEOPLE * (PHOTOS + 1)
    assert (counted.told, counted.lost, counted.doubled, counted.left_behind) == (0, 0, 0, 0)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PATIENCE", 0.3)
    monkeypatch.setattr(worker, "FIRST_PAUSE", 0.3)
    monkeypatch.setattr(waiting, "PATIENCE", 0.3)
    monkeypatch.setattr(waiting, "REFILL_SECONDS", 0.2)
    monkeypatch.setattr(waiting, "ROUND_SECONDS", 0.2)


async def test_a_flood_wait_stops_one_chat_and_nobody_s_painting(
    tmp_path: Path, pipeline: Pipeline, short: None
) -> None:
    pipeline.released.set()
    async with at_work(tmp_path) as desk, join(desk.chat.url, "Bob", "en") as bob:
        desk.chat.fail_next("editMessageMedia", 429, retry_after=20, chat_id=desk.ann.id)
        _, photo = await desk.ask()
        _, other = await desk.ask(bob)
        assert is_result(await answer_to(bob, other, 15))
        async with asyncio.timeout(10):
            jobs = await desk.context.store.jobs()
            while len(jobs) > 1 or jobs[0].started:  # Bob's is struck out, Ann's is put off
                await asyncio.sleep(0.02)
                jobs = await desk.context.store.jobs()
        [accepted] = jobs
        assert (accepted.user_id, accepted.attempts) == (desk.ann.id, 0)
        assert is_result(await answer_to(desk.ann, photo))
        await desk.all_struck_out()


async def test_who_cannot_be_told_of_a_failure_is_told_later(
    tmp_path: Path, pipeline: Pipeline, short: None
) -> None:
    pipeline.error = RuntimeError("the network fails")
    async with at_work(tmp_path) as desk:
        _, photo = await desk.ask()
        await desk.ann.wait_for(lambda message: "Painting" in message.text)
        desk.chat.fail_next("editMessageText", 502, times=10**6)
        pipeline.released.set()
        await asyncio.sleep(2)
        assert await desk.context.store.jobs()
        desk.chat.state.failures.clear()
        assert "went wrong" in (await answer_to(desk.ann, photo)).text
        await desk.all_struck_out()


async def test_after_a_day_a_job_is_given_up(
    tmp_path: Path, pipeline: Pipeline, short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.released.set()
    monkeypatch.setattr(worker, "LONGEST_WAIT", 2.0)
    async with at_work(tmp_path) as desk:
        desk.chat.fail_next("editMessageMedia", 502, times=10**6)
        await desk.ask()
        await asyncio.sleep(1)
        assert await desk.context.store.jobs()
        await desk.all_struck_out()


async def test_a_full_disk_sends_nothing_again_and_again(
    tmp_path: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was accepted is answered when there is room again, its status sent once."""
    is_full = True
    set_status = SqliteStore.set_status

    async def unless_full(*arguments: Any) -> bool:
        if is_full:
            raise StoreError("database or disk is full")
        return await set_status(*arguments)

    monkeypatch.setattr(SqliteStore, "set_status", unless_full)
    monkeypatch.setattr(waiting, "ROUND_SECONDS", 0.1)
    async with at_work(tmp_path) as desk:
        _, photo = await desk.ask()
        await begun(pipeline)
        _, second = await desk.ask()
        await asyncio.sleep(2)
        assert sum(call["method"] == "sendMessage" for call in desk.chat.state.calls) == 0
        is_full = False
        pipeline.released.set()
        assert is_result(await answer_to(desk.ann, photo))
        assert is_result(await answer_to(desk.ann, second))


@pytest.mark.parametrize("mishap", ["drop", "drop_after"])
async def test_a_place_whose_answer_was_lost_is_not_said_again(
    tmp_path: Path,
    pipeline: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    mishap: Literal["drop", "drop_after"],
) -> None:
    """Of one that may be there nothing is known: it stands alone until the work begins. Then it is
    found and deleted, and nothing else is.
    """
    monkeypatch.setattr(waiting, "ROUND_SECONDS", 0.1)
    async with at_work(tmp_path) as desk:
        _, first = await desk.ask()
        await begun(pipeline)
        await desk.ann.wait_for(lambda message: bool(replies_to(desk.ann, first)))
        desk.chat.fail_next("sendMessage", mishap)
        job, photo = await desk.ask()
        said = await desk.ann.say("a word between them")
        await asyncio.sleep(2)
        waits = await desk.context.store.job(job.id)
        assert waits is not None
        assert waits.status_id == BEING_SENT
        assert len(replies_to(desk.ann, photo)) == (mishap == "drop_after")
        pipeline.released.set()
        await desk.all_struck_out()
        [answer] = replies_to(desk.ann, photo)
        assert is_result(answer)
        assert is_result(await answer_to(desk.ann, first))
        assert said.id in desk.chat.state.people[desk.ann.id].messages


async def test_a_status_in_doubt_goes_with_its_job(
    tmp_path: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "ROUND_SECONDS", 0.1)
    async with at_work(tmp_path) as desk:
        _, first = await desk.ask()
        await begun(pipeline)
        await desk.ann.wait_for(lambda message: bool(replies_to(desk.ann, first)))
        desk.chat.fail_next("sendMessage", "drop_after")
        job, photo = await desk.ask()
        await asyncio.sleep(2)
        waits = await desk.context.store.job(job.id)
        assert waits is not None
        assert (waits.status_id, len(replies_to(desk.ann, photo))) == (BEING_SENT, 1)
        await desk.context.store.finish(job.id)
        await delete_statuses([waits], desk.painter.bot)
        assert not replies_to(desk.ann, photo)
        pipeline.released.set()
        await desk.all_struck_out()


async def test_a_status_in_doubt_gives_way_to_a_last_word(
    tmp_path: Path, pipeline: Pipeline
) -> None:
    pipeline.error = RuntimeError("the network fails")
    async with at_work(tmp_path) as desk:
        desk.chat.fail_next("sendMessage", "drop_after")
        _, photo = await desk.ask()
        await begun(pipeline)
        await asyncio.sleep(1)
        pipeline.released.set()
        assert "went wrong" in (await answer_to(desk.ann, photo)).text
        await desk.all_struck_out()
        assert len(replies_to(desk.ann, photo)) == 1
