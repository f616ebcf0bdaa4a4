"""Light work where nobody takes it out: requests for it do not gather."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from docket import Docket
from redis.asyncio import Redis

from jobs import queue
from jobs.job import Job
from jobs.queue import JobContext, ask_for_quick_picture, ask_for_sheet
from settings import Settings
from store import open_store
from telegram_api.sending import Pace
from tests.servers import redis_server
from users import Photo, User
from wishes import SeasonWish, StyleWish


@asynccontextmanager
async def talking(url: str) -> AsyncIterator[JobContext]:
    """What a process has that only talks."""
    store = await open_store(None, None)
    name = secrets.token_hex(4)
    async with Docket(name=name, url=url) as docket, Docket(name=f"{name}-light", url=url) as light:
        yield JobContext(store, docket, Pace(), Settings(), light)
    await store.close()


async def waiting(context: JobContext) -> int:
    assert context.light
    async with context.light.redis() as redis:
        return int(await redis.xlen(context.light.stream_key))


async def test_requests_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MOST_LIGHT", 20)
    async with AsyncExitStack() as stack:
        server = stack.enter_context(redis_server(tmp_path))
        context = await stack.enter_async_context(talking(server.url))
        redis = await stack.enter_async_context(Redis.from_url(server.url))
        for number in range(15):
            await ask_for_sheet(Photo(f"{number}", "unique", number), number, User(1), context)
        assert await waiting(context) == 15
        for number in range(15, 60):
            await ask_for_sheet(Photo(f"{number}", "unique", number), number, User(1), context)
        assert await waiting(context) == 20
        keys = await redis.dbsize()
        for number in range(60, 100):
            photo = Photo(f"{number}", "unique", number)
            job = Job(f"{number}", 1, 1, "en", photo, StyleWish("kiss", None))
            await ask_for_quick_picture(job, "Painting", context)
        assert await waiting(context) == 20
        assert await redis.dbsize() == keys


async def test_seasons_ask_for_none() -> None:
    async with talking("memory://") as context:
        job = Job("1", 1, 1, "en", Photo("1", "unique", 1), SeasonWish("summer2winter"))
        await ask_for_quick_picture(job, "Painting", context)
        assert await waiting(context) == 0
