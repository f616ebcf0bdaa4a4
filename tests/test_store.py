"""The store: SQLite and a real redis-server keep the same promises."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio.lock import Lock

from jobs.job import Picture, job_in, to_json
from store import Store, StoreError, last_days, open_store
from store.redis import RedisStore
from store.sqlite import MIGRATIONS, SqliteStore
from tests.servers import redis_server
from users import from_json
from wishes import StyleWish


@pytest_asyncio.fixture(params=["sqlite", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "sqlite":
        opened = await open_store(None, tmp_path)
        yield opened
        await opened.close()
    else:
        with redis_server(tmp_path) as server:
            opened = await open_store(server.url, None)
            yield opened
            await opened.close()


async def accept(store: Store, job_id: str, user_id: int = 1, most: int = 9) -> str:
    return await store.accept(job_id, user_id, f'{{"of": "{job_id}"}}', most, 9)


async def test_a_user_and_the_handled_update_are_kept_together(store: Store) -> None:
    assert await store.user(1) is None
    assert not await store.is_handled(10)
    await store.save(1, "first", 10)
    await store.save(1, "second", 11)
    await store.save(1, "second", 11)
    assert await store.user(1) == "second"
    assert await store.user(2) is None
    assert await store.is_handled(10)
    assert await store.is_handled(11)
    assert not await store.is_handled(12)
    await store.save(1, None, 12)
    assert await store.user(1) is None


async def test_an_update_is_in_the_inbox_once_and_until_it_is_handled(store: Store) -> None:
    assert await store.put_updates({10: '"a"', 9: '"b"', 2**62: '"c"'}, 60) == {9, 10, 2**62}
    assert await store.put_updates({10: '"again"', 11: '"d"'}, 60) == {11}
    await store.save(1, "user", 10)
    await store.strike_out_update(11)
    assert await store.put_updates({10: '"again"', 11: '"again"', 9: '"again"'}, 60) == set()
    await store.hold_updates([9, 10, 2**62], 0)
    assert await store.take_updates(60) == ['"b"', '"c"']
    assert await store.take_updates(60) == []


async def test_a_job_is_accepted_once_and_known_after_its_end(store: Store) -> None:
    assert await accept(store, "a") == "accepted"
    assert await accept(store, "a") == "known"
    job = await store.job("a")
    assert job is not None
    assert (job.user_id, job.job, job.attempts, job.started) == (1, '{"of": "a"}', 0, None)
    assert await store.finish("a")
    assert not await store.finish("a")
    assert await accept(store, "a") == "finished"
    assert await store.job("a") is None
    assert await store.jobs() == []


async def test_the_same_job_accepted_at_once_is_written_once(store: Store) -> None:
    verdicts = await asyncio.gather(*(accept(store, "a") for _ in range(20)))
    assert sorted(verdicts) == ["accepted"] + ["known"] * 19
    assert len(await store.jobs()) == 1


async def test_jobs_come_in_the_order_of_acceptance(store: Store) -> None:
    for number, job_id in enumerate("hdbca"):
        await accept(store, job_id, user_id=number % 2)
    assert [job.id for job in await store.jobs()] == list("hdbca")
    assert [job.id for job in await store.jobs(1)] == list("dc")
    await store.finish("d")
    await store.begin("b")
    assert [job.id for job in await store.jobs()] == list("hbca")


async def test_the_queue_is_bounded_for_each_user_and_in_all(store: Store) -> None:
    assert [await accept(store, f"a{n}", 1, most=2) for n in range(3)] == [
        "accepted",
        "accepted",
        "too_many",
    ]
    await store.begin("a0")  # what runs does not wait
    assert await accept(store, "a3", 1, most=2) == "accepted"
    for user_id in range(2, 8):
        assert await accept(store, f"b{user_id}", user_id) == "accepted"
    assert await accept(store, "c", 9) == "full"
    assert await accept(store, "a0") == "known"
    await store.finish("a0")
    assert await accept(store, "c", 9) == "accepted"


async def test_attempts_are_counted_and_taken_back(store: Store) -> None:
    await accept(store, "a")
    begun = await store.begin("a")
    assert begun is not None
    assert begun.attempts == 1
    assert begun.started is not None
    await store.hand_back("a")
    waiting = await store.job("a")
    assert waiting is not None
    assert (waiting.attempts, waiting.started) == (0, None)
    await store.hand_back("a")
    for attempt in (1, 2, 3):
        begun = await store.begin("a")
        assert begun is not None
        assert begun.attempts == attempt


async def test_what_is_struck_out_stays_so(store: Store) -> None:
    await accept(store, "a")
    assert await store.set_status("a", 76, None)
    assert not await store.set_status("a", 99, None)  # it has one
    assert await store.set_status("a", 77, 76)
    job = await store.job("a")
    assert job is not None
    assert job.status_id == 77
    assert job.status_sent_at >= job.accepted
    await store.make_ready("a")
    later = await store.job("a")
    assert later is not None
    assert later.ready >= job.ready
    await store.finish("a")
    assert not await store.set_status("a", 78, 77)
    assert await store.begin("a") is None
    await store.hand_back("a")
    await store.make_ready("a")
    assert await store.job("a") is None


async def test_forget_erases_the_user_and_their_jobs_only(store: Store) -> None:
    await store.save(1, "one", 10)
    await store.save(2, "two", 11)
    await accept(store, "a", 1)
    await accept(store, "b", 2)
    await accept(store, "c", 1)
    assert sorted(await store.forget(1)) == ["a", "c"]
    assert await store.user(1) is None
    assert await store.user(2) == "two"
    assert [job.id for job in await store.jobs()] == ["b"]
    assert await accept(store, "a", 1) == "finished"
    assert await store.forget(3) == []


async def test_a_job_that_waits_takes_over_another_one(store: Store) -> None:
    await accept(store, "a")
    assert await store.extend("a", "of a and b", instead_of="b")
    assert [job.job for job in await store.jobs()] == ["of a and b"]
    assert await accept(store, "b") == "finished"  # delivered again
    await store.begin("a")
    assert not await store.extend("a", "of three", instead_of="c")
    assert await accept(store, "c") == "accepted"
    await store.note_progress("a", "half of it")
    assert [job.job for job in await store.jobs()] == ["half of it", '{"of": "c"}']
    await store.finish("a")
    await store.note_progress("a", "all of it")
    assert not await store.extend("a", "of three", instead_of="d")
    assert [job.id for job in await store.jobs()] == ["c"]


async def test_the_last_results_are_kept_until_they_are_forgotten(store: Store) -> None:
    for number in range(5):
        await store.note_result(1, f"photo {number}", kept=3)
    await store.note_result(2, "document 9", kept=3)
    assert await store.results(1) == ["photo 4", "photo 3", "photo 2"]
    await store.forget(1)
    assert await store.results(1) == []
    assert await store.results(2) == ["document 9"]


async def test_the_mean_seconds_follow_what_was_measured(store: Store) -> None:
    assert await store.mean_seconds() == {}
    await store.note_seconds("style", 10)
    await store.note_seconds("season", 1.5)
    assert await store.mean_seconds() == {"style": 10, "season": 1.5}
    await store.note_seconds("style", 20)
    assert await store.mean_seconds() == {"style": pytest.approx(12), "season": 1.5}


async def test_tallies_add_up_by_days(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await store.tallies(7) == {}
    await store.count("style done")
    await store.count("style done")
    await store.count("waited", 2.5)
    today, yesterday = last_days(2)
    assert yesterday < today
    assert await store.tallies(7) == {today: {"style done": 2, "waited": 2.5}}
    for module in ("sqlite", "redis"):
        monkeypatch.setattr(f"store.{module}.last_days", lambda n: ["2999-01-02", "2999-01-01"][:n])
    await store.count("style done")
    assert await store.tallies(2) == {"2999-01-02": {"style done": 1}}


async def test_a_lock_is_had_by_turns(store: Store) -> None:
    order: list[str] = []

    async def visit(name: str, user_id: int) -> None:
        async with store.lock(user_id):
            order.append(f"{name} in")
            await asyncio.sleep(0.05)
            order.append(f"{name} out")

    await asyncio.gather(*(visit(name, 1) for name in "abc"))
    assert order == ["a in", "a out", "b in", "b out", "c in", "c out"]
    order.clear()
    await asyncio.gather(visit("a", 1), visit("b", 2))
    assert order[:2] == ["a in", "b in"]


async def test_sqlite_keeps_everything_for_the_next_process(tmp_path: Path) -> None:
    first = await open_store(None, tmp_path / "made")
    await first.save(1, "one", 10)
    await accept(first, "a")
    await first.begin("a")
    await first.put_updates({11: '"b"'}, 60)
    second = await open_store(None, tmp_path / "made")  # the first one was killed
    assert await second.user(1) == "one"
    assert await second.is_handled(10)
    assert await second.take_updates(60) == ['"b"']
    assert [(job.id, job.attempts) for job in await second.jobs()] == [("a", 1)]
    await first.close()
    await second.close()


# What a file of November 2026 holds, before files had a version: one row of each table at least.
FILE_OF_VERSION_0 = """
CREATE TABLE users (id INTEGER PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL,
    job TEXT NOT NULL,
    accepted REAL NOT NULL,
    ready REAL NOT NULL,
    status_id INTEGER,
    status_sent REAL NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    started REAL
);
CREATE INDEX jobs_of_users ON jobs (user_id);
CREATE TABLE finished (id TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE INDEX finished_at ON finished (at);
CREATE TABLE inbox (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE updates (id INTEGER PRIMARY KEY, at REAL NOT NULL);
CREATE INDEX updates_at ON updates (at);
CREATE TABLE results (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    result TEXT NOT NULL
);
CREATE INDEX results_of_users ON results (user_id);
CREATE TABLE pace (kind TEXT PRIMARY KEY, seconds REAL NOT NULL);
INSERT INTO users VALUES (5, '{"id":5,"language":"ru","mode":"style","style":"kiss"}');
INSERT INTO jobs VALUES (7, '70-8', 5, '{"id":"70-8","chat_id":5,"user_id":5,"language":"ru",
    "photo":{"file_id":"f","unique_id":"u","message_id":8,"chat_id":5,"album":"a"},
    "wish":{"style":"kiss","file_id":null,"strength":"strong","variation":2},
    "more":[{"file_id":"g","unique_id":"v","message_id":9,"chat_id":5,"album":"a"}],
    "gathered":1763900000.5,"results":[{"file_id":"r","as_photo":true},null],"sent":true}',
    1763900000.0, 1763900001.0, 10, 1763900002.0, 1, 1763900003.0);
INSERT INTO finished VALUES ('60-1', 4000000000.0);
INSERT INTO inbox VALUES (80, '{"update_id":80}');
INSERT INTO updates VALUES (70, 4000000000.0);
INSERT INTO results (user_id, result) VALUES (5, 'photo r');
INSERT INTO pace VALUES ('style', 11.5);
"""


def write_file(path: Path, script: str) -> None:
    database = sqlite3.connect(path)
    database.executescript(script)
    database.close()


def version_of(path: Path) -> int:
    database = sqlite3.connect(path)
    (version,) = database.execute("PRAGMA user_version").fetchone()
    database.close()
    return int(version)


async def test_a_file_without_a_version_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "paintbox.sqlite3"
    write_file(path, FILE_OF_VERSION_0)
    for _ in range(2):  # and opened again
        store = await open_store(None, tmp_path)
        assert version_of(path) == len(MIGRATIONS) == 2
        user = from_json(5, await store.user(5))
        assert (user.language, user.style) == ("ru", "kiss")
        [accepted] = await store.jobs()
        assert (accepted.status_id, accepted.status_sent_at) == (10, 1763900002)
        assert (accepted.attempts, accepted.started) == (1, 1763900003)
        job = job_in(accepted)
        assert job.wish == StyleWish("kiss", None, strength="strong", variation=2)
        assert [photo.message_id for photo in job.photos] == [8, 9]
        assert job.results == (Picture("r", as_photo=True), None)
        assert job.album_may_be_there
        assert job_in(replace(accepted, job=to_json(job))) == job
        assert await accept(store, "60-1") == "finished"
        assert await store.take_updates(60) == ['{"update_id":80}']
        assert await store.is_handled(70)
        assert await store.results(5) == ["photo r"]
        assert await store.mean_seconds() == {"style": 11.5}
        await store.close()


async def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    write_file(tmp_path / "paintbox.sqlite3", "PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="version 99"):
        await open_store(None, tmp_path)
    assert version_of(tmp_path / "paintbox.sqlite3") == 99


async def test_two_processes_share_what_is_in_redis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis_server(tmp_path) as server:
        one, other = await open_store(server.url, None), await open_store(server.url, None)
        await accept(one, "a")
        assert [job.id for job in await other.jobs()] == ["a"]
        assert await one.leads("one", 0.2)
        assert await one.leads("one", 0.2)
        assert not await other.leads("other", 0.2)
        await asyncio.sleep(0.3)
        assert await other.leads("other", 0.2)
        order: list[str] = []

        async def visit(store: Store, name: str) -> None:
            async with store.lock(1):
                order.append(name)
                await asyncio.sleep(0.4)
                order.append(name)

        await asyncio.gather(visit(one, "one"), visit(other, "other"))
        assert order[0] == order[1]
        assert order[2] == order[3]
        monkeypatch.setattr("store.redis.LOCK_SECONDS", 0.2)
        order.clear()
        await asyncio.gather(visit(one, "one"), visit(other, "other"))  # longer than the lock lasts
        assert order[0] == order[1]
        assert order[2] == order[3]
        assert await one.put_updates({1: '"of one"', 2: '"lost"'}, 0.3) == {1, 2}
        assert await other.put_updates({1: '"again"', 3: '"of other"'}, 60) == {3}
        await one.hold_updates([1], 60)
        assert await other.take_updates(60) == []
        await asyncio.sleep(0.4)
        assert await other.take_updates(60) == ['"lost"']
        await one.save(1, None, 1)
        await one.hold_updates([1], 0)  # too late: it is struck out
        assert await other.take_updates(60) == []
        server.kill()
        server.start()
        assert [job.id for job in await one.jobs()] == ["a"]  # and every write was on the disk
        await one.close()
        await other.close()


async def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    store = await SqliteStore.connect(tmp_path / "paintbox.sqlite3")
    with sqlite3.connect(tmp_path / "paintbox.sqlite3") as other:
        other.execute("DROP TABLE updates")
    with pytest.raises(StoreError):
        await store.save(1, "one", 10)
    assert await store.user(1) is None  # neither the one nor the other
    await store.close()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        await SqliteStore.connect(tmp_path / "file" / "paintbox.sqlite3")
    with redis_server(tmp_path) as server:
        shared = await RedisStore.connect(server.url)
        server.kill()
        with pytest.raises(StoreError):
            await accept(shared, "a")
        with pytest.raises(StoreError):
            await shared.user(1)
        await shared.close()
    with pytest.raises(StoreError):
        await open_store(server.url, None)


async def test_many_at_once_wait_for_a_connection(tmp_path: Path) -> None:
    """As after an outage, when Telegram sends hundreds of updates in a second."""
    with redis_server(tmp_path) as server:
        shared = await RedisStore.connect(server.url)
        await shared.save(1, "one", 10)
        assert await asyncio.gather(*(shared.user(1) for _ in range(400))) == ["one"] * 400
        await shared.close()


async def test_a_lock_ends_in_the_middle_of_being_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the renewing command takes a cancellation for a failure of its own."""
    renewed = asyncio.Event()

    async def stubborn(self: Lock) -> bool:
        renewed.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.2)
        return True

    monkeypatch.setattr(Lock, "reacquire", stubborn)
    monkeypatch.setattr("store.redis.LOCK_SECONDS", 0.4)
    with redis_server(tmp_path) as server:
        opened = await open_store(server.url, None)
        async with asyncio.timeout(5):
            async with opened.lock(1):
                await renewed.wait()
            async with opened.lock(1):
                pass
        await opened.close()
