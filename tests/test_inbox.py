"""The inbox: each update is handled once, whatever the store, the handler or the process does."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import Store, StoreError, open_store
from telegram_api import inbox
from telegram_api.inbox import Inbox, stored
from tests.servers import redis_server
from tests.test_store import store

__all__ = ["store"]  # a fixture

Handle = Callable[[dict[str, Any]], Awaitable[None]]


def update(number: int, user: int = 5) -> dict[str, Any]:
    return {"update_id": number, "message": {"from": {"id": user}, "text": "привет"}}


@asynccontextmanager
async def open_inbox(store: Store, handle: Handle) -> AsyncIterator[Inbox]:
    """`handle` gets the update, which is struck out after it, as users.py does."""

    async def read_and_save(body: str) -> None:
        read = json.loads(body)
        await handle(read)
        await store.save(stored(read).user_id, None, read["update_id"])

    opened = Inbox(store, read_and_save)
    await opened.take_over()
    holding = asyncio.create_task(opened.keep_hold())
    try:
        yield opened
    finally:
        holding.cancel()
        with suppress(asyncio.CancelledError):
            await holding
        await opened.close()


async def put(inbox: Inbox, *numbers: int, user: int = 5) -> None:
    await inbox.put([stored(update(number, user)) for number in numbers])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_updates_are_handled_once_in_their_user_s_order(store: Store) -> None:
    handled: list[tuple[int, int]] = []

    async def handle(read: dict[str, Any]) -> None:
        number, user = read["update_id"], read["message"]["from"]["id"]
        await asyncio.sleep(0.002 * (number % 3))
        handled.append((user, number))

    async with open_inbox(store, handle) as inbox:
        for number in range(20):
            await asyncio.gather(
                *(put(inbox, 100 * user + number, user=user) for user in (1, 2, 3)),
                put(inbox, 100, 100 + number, user=1),  # again
            )
        await until(lambda: len(handled) == 60)
        await put(inbox, *range(100, 120), user=1)  # handled already
        await asyncio.sleep(0.1)
    assert len(handled) == 60
    for user in (1, 2, 3):
        assert [n for u, n in handled if u == user] == [*range(100 * user, 100 * user + 20)]
    assert await store.take_updates(60) == []  # and nothing is left


async def test_it_is_written_down_before_it_is_handled_and_others_do_not_wait(
    store: Store,
) -> None:
    released = asyncio.Event()
    handled: list[int] = []

    async def handle(read: dict[str, Any]) -> None:
        if read["message"]["from"]["id"] == 1:
            await released.wait()
        handled.append(read["update_id"])

    async with open_inbox(store, handle) as inbox:
        await put(inbox, 1, 2, user=1)  # returns all the same
        await put(inbox, 3, user=2)
        await until(lambda: handled == [3])
        released.set()
        await until(lambda: handled == [3, 1, 2])


async def test_what_is_in_work_at_the_end_is_finished_or_begun_anew(tmp_path: Path) -> None:
    first, second = await open_store(None, tmp_path), await open_store(None, tmp_path)
    begun: list[int] = []
    handled: list[int] = []

    async def quick_or_endless(read: dict[str, Any]) -> None:
        begun.append(read["update_id"])
        await asyncio.sleep(0.1 if read["update_id"] == 1 else 1000)
        handled.append(read["update_id"])

    async def quick(read: dict[str, Any]) -> None:
        handled.append(read["update_id"])

    async with open_inbox(first, quick_or_endless) as inbox:
        await put(inbox, 1, 5, user=1)
        await put(inbox, 2, 3, user=2)
        await until(lambda: len(begun) == 2)
        with suppress(TimeoutError):
            await asyncio.wait_for(inbox.finish(), 0.5)
        assert (begun, handled) == ([1, 2], [1])
        await put(inbox, 4, user=3)  # one more while the process ends
    async with open_inbox(second, quick):
        await until(lambda: len(handled) == 5)
    assert handled[0] == 1
    assert sorted(handled) == [1, 2, 3, 4, 5]
    await first.close()
    await second.close()


async def test_another_process_takes_over_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "LEASE_SECONDS", 0.6)
    handled: list[int] = []

    async def never(_: dict[str, Any]) -> None:
        await asyncio.sleep(1000)

    async def handle(read: dict[str, Any]) -> None:
        handled.append(read["update_id"])

    with redis_server(tmp_path) as server:
        one, other = await open_store(server.url, None), await open_store(server.url, None)
        killed = Inbox(one, lambda _: asyncio.sleep(1000))  # not heard of again
        await put(killed, 1, 2)
        async with open_inbox(other, handle) as second:
            await put(second, 2, 3, user=6)
            await until(lambda: handled == [3, 1, 2])
            async with open_inbox(one, never) as alive:
                await put(alive, 4, user=6)
                await put(second, 4, 5, user=6)
                await until(lambda: handled == [3, 1, 2, 5])
                await asyncio.sleep(1)
                assert 4 not in handled  # as its process lives
            await until(lambda: 4 in handled)  # which gives it away when it ends
        for task in killed._in_work:
            task.cancel()
        await one.close()
        await other.close()


async def test_what_raises_is_struck_out_and_what_cannot_be_kept_is_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(inbox, "RETRY_SECONDS", 0.05)
    tries: list[int] = []

    async def handle(read: dict[str, Any]) -> None:
        tries.append(read["update_id"])
        if read["update_id"] == 1:
            raise ValueError("aiogram cannot read this")
        if tries.count(2) == 1:
            raise StoreError("the store is away")

    async with open_inbox(store, handle) as opened:
        await put(opened, 1, 2, 3)
        await until(lambda: tries == [1, 2, 2, 3])
    assert "update 1 failed" in caplog.text
    assert await store.put_updates({1: "{}"}, 0) == set()
    assert await store.take_updates(60) == []


async def test_what_cannot_be_written_or_is_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = asyncio.Event()
    handled: list[int] = []

    async def handle(read: dict[str, Any]) -> None:
        await released.wait()
        handled.append(read["update_id"])

    opened = await open_store(None, tmp_path)
    async with open_inbox(opened, handle) as box:
        with sqlite3.connect(tmp_path / "paintbox.sqlite3") as other:
            other.execute("ALTER TABLE inbox RENAME TO elsewhere")
        results = await asyncio.gather(*(put(box, n) for n in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [StoreError] * 3
        with sqlite3.connect(tmp_path / "paintbox.sqlite3") as other:
            other.execute("ALTER TABLE elsewhere RENAME TO inbox")
        monkeypatch.setattr(inbox, "MOST_BYTES", 1000)
        number = 0
        with pytest.raises(StoreError, match="too many"):
            for number in range(100):
                await put(box, number, user=number)
        assert 5 < number < 20
        released.set()
        await until(lambda: len(handled) == number)
        await put(box, number)
        await until(lambda: len(handled) == number + 1)
    await opened.close()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("from"), inner),
    max_leaves=10,
)


@given(json_values | st.dictionaries(st.sampled_from(["update_id", "message", "id"]), json_values))
def test_anything_else_is_no_update(value: object) -> None:
    try:
        kept = stored(value)
    except ValueError:
        assert (
            not isinstance(value, dict)
            or type(value.get("update_id")) is not int
            or not (0 <= value["update_id"] < 2**63)
        )
    else:
        assert isinstance(value, dict)
        assert kept.id == value["update_id"]
        assert repr(json.loads(kept.body)) == repr(value)
