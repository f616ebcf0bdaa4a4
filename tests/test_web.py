"""The web server in front of the bot: who gets in, who is served, and who is dropped.

With LONG_TESTS in the environment the slow clients are many more.
"""

import asyncio
import json
import logging
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from io import BytesIO
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, TCPConnector

from store import StoreError
from telegram_api import webhook as web
from telegram_api.inbox import StoredUpdate, Take
from telegram_api.webhook import WEBHOOK_PATH, Check, listening, make_app, webhook

LONG = bool(os.environ.get("LONG_TESTS"))
SECRET = "a-secret"
HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}


def an_update(number: int, user: int = 5) -> dict[str, Any]:
    sender = {"id": user, "is_bot": False, "first_name": "Eve"}
    chat = {"id": user, "type": "private", "first_name": "Eve"}
    message = {"message_id": 1, "date": 0, "chat": chat, "from": sender, "text": "/start"}
    return {"update_id": number, "message": message}


class Taken(Counter[int]):
    """How often each update was taken."""

    async def take(self, updates: Sequence[StoredUpdate]) -> None:
        self.update(update.id for update in updates)


@asynccontextmanager
async def serving(
    take: Take,
    checks: dict[str, Check] | None = None,
    metrics: bool = False,
    shutdown_seconds: float = 0,
) -> AsyncIterator[str]:
    app = make_app(checks or {}, metrics)
    app.router.add_post(WEBHOOK_PATH, webhook(take, SECRET))
    async with listening(app, "127.0.0.1", 0, shutdown_seconds) as port:
        yield f"http://127.0.0.1:{port}"


@pytest_asyncio.fixture
async def client() -> AsyncIterator[ClientSession]:
    async with ClientSession(connector=TCPConnector(limit=100)) as session:
        yield session


async def post(client: ClientSession, url: str, body: Any, **headers: str) -> int:
    data = BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
    async with client.post(url + WEBHOOK_PATH, data=data, headers={**HEADERS, **headers}) as answer:
        return answer.status


async def raw(url: str, request: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of a client that does what it likes."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.encode())
    return reader, writer


async def seconds_until_dropped(reader: asyncio.StreamReader) -> float:
    began = time.monotonic()
    async with asyncio.timeout(15):
        with suppress(ConnectionError):
            await reader.read()
    return time.monotonic() - began


# Who gets in.


async def test_an_update_is_taken_once_and_then_answered(client: ClientSession) -> None:
    taken = Taken()
    async with serving(taken.take) as url:
        assert await post(client, url, an_update(1)) == 200
        assert taken == {1: 1}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (an_update(1), {"X-Telegram-Bot-Api-Secret-Token": ""}, 401),
        (an_update(1), {"X-Telegram-Bot-Api-Secret-Token": "a-secreT"}, 401),
        (an_update(1), {"X-Telegram-Bot-Api-Secret-Token": "секрет"}, 401),
        (an_update(1), {"Content-Type": "text/plain"}, 415),
        (an_update(1), {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (an_update(1), {"Content-Encoding": "gzip"}, 415),
        (b" " * (2**20 + 1), {}, 413),
        (b"", {}, 400),
        (b"{", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"\xff\xfe{}", {}, 400),
        ([1, 2], {}, 400),
        ({"update_id": "many"}, {}, 400),
        ({"update_id": True}, {}, 400),
        ({"update_id": 2**63}, {}, 400),
        ({"message": {}}, {}, 400),
        (b'{"update_id": ' + b"9" * 5000 + b"}", {}, 400),
    ],
)
async def test_what_is_not_telegram_s_is_refused(
    client: ClientSession, body: Any, headers: dict[str, str], status: int
) -> None:
    taken = Taken()
    async with serving(taken.take) as url:
        assert await post(client, url, body, **headers) == status
        assert await post(client, url, an_update(2)) == 200
    assert taken == {2: 1}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"])
async def test_other_methods_are_refused(client: ClientSession, method: str) -> None:
    async with serving(Taken().take) as url:
        async with client.request(method, url + WEBHOOK_PATH, headers=HEADERS) as answer:
            assert answer.status == 405
        async with client.get(url + "/elsewhere") as answer:
            assert answer.status == 404


async def test_the_body_of_somebody_without_the_secret_is_not_awaited() -> None:
    async with serving(Taken().take) as url:
        head = f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        reader, writer = await raw(url, head)
        assert b"401" in await asyncio.wait_for(reader.readline(), 1)
        dropped = asyncio.create_task(seconds_until_dropped(reader))
        with suppress(ConnectionError):
            while not dropped.done():  # goes on talking
                writer.write(b"4\r\nblah\r\n")
                await asyncio.sleep(0.01)
        assert await dropped < web.LINGER_SECONDS + 1
        writer.close()


async def test_a_body_without_a_length_is_not_read_beyond_the_limit(client: ClientSession) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 2**16

    async with (
        serving(Taken().take) as url,
        client.post(url + WEBHOOK_PATH, data=endless(), headers=HEADERS) as answer,
    ):
        assert answer.status == 413


@pytest.mark.parametrize(
    "request_line",
    ["nonsense\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "GET / HTTP/9\r\n\r\n", "\0" * 99],
)
async def test_what_is_not_http_neither_harms_nor_fills_the_logs(
    client: ClientSession, request_line: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Taken().take) as url:
        reader, writer = await raw(url, request_line)
        writer.write_eof()
        async with asyncio.timeout(5):
            await reader.read()
        writer.close()
        assert await post(client, url, an_update(1)) == 200
    assert not caplog.records


# What is answered when.


async def test_the_answer_waits_until_the_update_is_safe(client: ClientSession) -> None:
    safe = asyncio.Event()

    async def take(_: Sequence[StoredUpdate]) -> None:
        await safe.wait()

    async with serving(take) as url:
        answer = asyncio.create_task(post(client, url, an_update(1)))
        await asyncio.sleep(0.2)
        assert not answer.done()
        safe.set()
        assert await answer == 200


async def test_what_fails_is_brought_again(client: ClientSession) -> None:
    tries = 0

    async def take(_: Sequence[StoredUpdate]) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise StoreError("no space left on device")

    async with serving(take) as url:
        assert await post(client, url, an_update(1)) == 503
        assert await post(client, url, an_update(1)) == 200


async def test_an_update_in_work_at_the_end_is_still_answered(client: ClientSession) -> None:
    async def take(_: Sequence[StoredUpdate]) -> None:
        await asyncio.sleep(0.5)

    async with serving(take, shutdown_seconds=5) as url:
        answer = asyncio.create_task(post(client, url, an_update(1)))
        await asyncio.sleep(0.2)
    assert await answer == 200


async def test_a_thousand_users_at_once(client: ClientSession) -> None:
    taken = Taken()

    async def take(updates: Sequence[StoredUpdate]) -> None:
        await asyncio.sleep(0.05)
        await taken.take(updates)

    async with serving(take) as url:
        statuses = await asyncio.gather(
            *(post(client, url, an_update(number, user=number)) for number in range(1000))
        )
    assert statuses == [200] * 1000
    assert taken == dict.fromkeys(range(1000), 1)


# Slow clients.


@pytest.mark.parametrize(
    "begun", ["", "POST ", f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: x\r\nX-A: "]
)
async def test_half_a_request_does_not_hold_its_connection(
    begun: str, client: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "HEADERS_SECONDS", 2.0)
    taken = Taken()
    async with serving(taken.take) as url:
        slow = [await raw(url, begun) for _ in range(2000 if LONG else 300)]

        async def dawdle() -> None:
            """A byte now and then, as slow-loris does."""
            while begun:
                for _, writer in slow:
                    writer.write(b"a")
                await asyncio.sleep(0.3)

        dawdling = asyncio.create_task(dawdle())
        times = []
        for number in range(20):
            began = time.monotonic()
            # Kept open, the connection might be closed just when the next post uses it.
            assert await post(client, url, an_update(number), Connection="close") == 200
            times.append(time.monotonic() - began)
        dropped = await asyncio.gather(*(seconds_until_dropped(reader) for reader, _ in slow))
        dawdling.cancel()
        for _, writer in slow:
            writer.close()
        assert max(times) < 0.5
        assert max(dropped) < 4
        assert await post(client, url, an_update(20)) == 200
    assert len(taken) == 21


async def test_a_body_that_dawdles_is_dropped(
    client: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "BODY_SECONDS", 1.0)
    monkeypatch.setattr(web, "LINGER_SECONDS", 0.5)
    taken = Taken()
    async with serving(taken.take) as url:
        head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
        begun = f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: 999\r\n\r\n{{"
        slow = [await raw(url, begun) for _ in range(100)]
        began = time.monotonic()
        assert await post(client, url, an_update(1)) == 200
        assert time.monotonic() - began < 0.5
        answers = await asyncio.gather(*(reader.readline() for reader, _ in slow))
        assert all(b"408" in answer for answer in answers)
        dropped = await asyncio.gather(*(seconds_until_dropped(reader) for reader, _ in slow))
        assert max(dropped) < 2
        for _, writer in slow:
            writer.close()
    assert taken == {1: 1}


# Health and metrics.


async def test_it_is_alive_and_ready_while_every_check_holds(
    client: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "CHECK_SECONDS", 0.2)
    queue = True

    async def holds() -> bool:
        return True

    async def queue_holds() -> bool:
        return queue

    async def raises() -> bool:
        raise OSError("it is gone")

    async def hangs() -> bool:
        await asyncio.sleep(60)
        return True

    checks: dict[str, Check] = {"telegram": holds, "queue": queue_holds}

    async def ready(url: str) -> tuple[int, dict[str, bool]]:
        async with client.get(f"{url}/health/ready") as answer:
            return answer.status, await answer.json()

    async with serving(Taken().take, checks) as url:
        assert await ready(url) == (200, {"telegram": True, "queue": True})
        queue = False
        await asyncio.sleep(0.25)
        assert await ready(url) == (503, {"telegram": True, "queue": False})
        async with client.get(f"{url}/health/live") as answer:
            assert answer.status == 200
    async with serving(Taken().take, {"telegram": raises, "networks": hangs}) as url:
        assert await ready(url) == (503, {"telegram": False, "networks": False})


async def test_asking_often_costs_one_check(client: ClientSession) -> None:
    checked = 0

    async def check() -> bool:
        nonlocal checked
        checked += 1
        await asyncio.sleep(0.1)
        return True

    async def ask(url: str) -> int:
        async with client.get(f"{url}/health/ready") as answer:
            return answer.status

    async with serving(Taken().take, {"telegram": check}) as url:
        assert await asyncio.gather(*(ask(url) for _ in range(50))) == [200] * 50
    assert checked == 1


async def test_metrics_are_shown_only_where_they_are_wanted(client: ClientSession) -> None:
    async with serving(Taken().take) as url, client.get(f"{url}/metrics") as answer:
        assert answer.status == 404
    async with serving(Taken().take, metrics=True) as url:
        await post(client, url, an_update(1))
        async with client.get(f"{url}/metrics") as answer:
            assert answer.status == 200
            assert answer.content_type == "text/plain"
            text = await answer.text()
    for name in (
        "updates_total",
        "updates_waiting",
        "jobs_total",
        "stage_seconds",
        "queue_length",
        "telegram_errors_total",
    ):
        assert f"# TYPE paintbox_{name.removesuffix('_total')}" in text


def test_the_log_tells_of_our_own_faults() -> None:
    record = logging.LogRecord("aiohttp.server", 40, "", 0, "", (), (OSError, OSError("x"), None))
    assert web._is_our_fault(record)
