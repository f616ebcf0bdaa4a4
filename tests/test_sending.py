"""What is said to Telegram gets there: at its pace, once, through storms and outages.

With LONG_TESTS in the environment the outage lasts its minute and the crowd has 200 people.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import BufferedInputFile, InputMediaPhoto, Message
from aiohttp import web
from PIL import Image
from prometheus_client import REGISTRY
from pydantic import SecretStr
from redis.asyncio import Redis

from local_chat.server import LocalChat
from local_chat.state import Person
from telegram_api import polling, sending
from telegram_api.sending import (
    IN_ALL,
    IN_GROUP,
    GivenUp,
    Pace,
    Sending,
    download,
    is_reachable,
    make_bot,
    only_if_free,
)
from tests.conftest import start_chat
from tests.servers import redis_server

LONG = bool(os.environ.get("LONG_TESTS"))


@dataclass
class Telegram:
    """A local chat, the bot that talks to it, and when it carried out which call."""

    chat: LocalChat
    bot: Bot
    calls: list[tuple[float, str, int]] = field(default_factory=list)

    def person(self) -> Person:
        person = self.chat.state.add_person("Ann", "en")
        person.started = True
        return person

    def times(self, method: str, chat_id: int | None = None) -> list[float]:
        return [at for at, name, to in self.calls if name == method and chat_id in (None, to)]


def a_picture(colour: str = "red") -> BufferedInputFile:
    buffer = BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "JPEG")
    return BufferedInputFile(buffer.getvalue(), "picture.jpg")


def texts(person: Person) -> list[str]:
    return [message.get("text", "picture") for message in person.messages.values()]


def set_patience(bot: Bot, seconds: float) -> None:
    (step,) = bot.session.middleware
    assert isinstance(step, Sending)
    step._patience = seconds


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[Telegram]:
    calls: list[tuple[float, str, int]] = []

    def note(method: str, fields: Mapping[str, Any], _: Sequence[str]) -> None:
        calls.append((time.monotonic(), method, int(fields.get("chat_id", 0))))

    chat = await start_chat(checks=[note])
    bot = make_bot(SecretStr(chat.token), chat.url, Pace())
    async with bot.session:
        yield Telegram(chat, bot, calls)
    await chat.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A chat's messages need not wait for each other."""
    monkeypatch.setattr(sending, "IN_CHAT", 0.0)
    yield


# The pace.


async def test_a_chat_gets_a_message_a_second_in_their_order(telegram: Telegram) -> None:
    ann, bob = telegram.person(), telegram.person()
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(telegram.bot.send_message(ann.id, f"{number}"))
        group.create_task(telegram.bot.send_message(bob.id, "not held up"))
    first, second, third = telegram.times("sendMessage", ann.id)
    assert second - first >= 0.95
    assert third - second >= 0.95
    assert texts(ann) == ["0", "1", "2"]
    assert telegram.times("sendMessage", bob.id)[0] - began < 0.9


async def test_all_chats_together_get_thirty_a_second(telegram: Telegram) -> None:
    people = [telegram.person() for _ in range(200 if LONG else 75)]
    await asyncio.gather(*(telegram.bot.send_message(person.id, "hello") for person in people))
    times = telegram.times("sendMessage")
    assert all(texts(person) == ["hello"] for person in people)
    assert times[-1] - times[0] >= 0.95 * (len(people) - 1) * IN_ALL
    assert times[-1] - times[0] < 2 * len(people) * IN_ALL
    in_any_second = max(sum(at <= t < at + 1 for t in times) for at in times)
    assert in_any_second <= 33  # what left evenly may arrive a little less so


async def test_a_group_gets_twenty_a_minute() -> None:
    pace = Pace()
    waits = [await pace.reserve("chat:-5", IN_GROUP) for _ in range(21)]
    assert waits[0] == 0
    assert waits[20] == pytest.approx(60, abs=0.1)


async def test_messages_of_a_chat_do_not_gather_while_the_bot_is_busy(telegram: Telegram) -> None:
    ann = telegram.person()
    pace = telegram.bot.session.middleware[0]._pace  # type: ignore[attr-defined]
    await pace.reserve("all", 2)  # a crowd of sixty goes first
    await asyncio.gather(*(telegram.bot.send_message(ann.id, f"{n}") for n in range(2)))
    first, second = telegram.times("sendMessage")
    assert second - first >= 0.95


async def test_progress_steps_aside(telegram: Telegram) -> None:
    ann = telegram.person()
    status = await telegram.bot.send_message(ann.id, "queued")
    with only_if_free(), pytest.raises(GivenUp):
        await telegram.bot.edit_message_text("10%", chat_id=ann.id, message_id=status.message_id)
    assert not telegram.times("editMessageText")
    await asyncio.sleep(1)
    waiting = asyncio.create_task(telegram.bot.send_message(ann.id, "an answer"))
    answer_after = asyncio.create_task(telegram.bot.send_message(ann.id, "another"))
    await waiting
    await asyncio.sleep(0.9)
    with only_if_free(), pytest.raises(GivenUp):  # somebody else's turn comes first
        await telegram.bot.edit_message_text("20%", chat_id=ann.id, message_id=status.message_id)
    await answer_after
    assert texts(ann) == ["queued", "an answer", "another"]
    await asyncio.sleep(1)
    with only_if_free():
        edited = await telegram.bot.edit_message_text(
            "30%", chat_id=ann.id, message_id=status.message_id
        )
    assert isinstance(edited, Message)
    assert texts(ann) == ["30%", "an answer", "another"]
    await asyncio.sleep(1)
    with only_if_free():
        edited = await telegram.bot.edit_message_text(
            "30%", chat_id=ann.id, message_id=status.message_id
        )
    assert edited is True  # it says so already: that is another thing than being given up
    for error in (429, 502, "drop"):
        await asyncio.sleep(1)
        telegram.chat.fail_next("editMessageText", error, retry_after=1 if error == 429 else None)
        with only_if_free(), pytest.raises(GivenUp):
            await telegram.bot.edit_message_text(
                "40%", chat_id=ann.id, message_id=status.message_id
            )


@pytest.mark.parametrize("error", [429, 502, "drop"])
async def test_progress_that_fails_is_given_up_at_once(telegram: Telegram, error: Any) -> None:
    ann = telegram.person()
    telegram.chat.fail_next("sendChatAction", error, retry_after=5 if error == 429 else None)
    began = time.monotonic()
    assert await telegram.bot.send_chat_action(ann.id, "typing")
    assert time.monotonic() - began < 1
    telegram.chat.fail_next("sendChatAction", 403)
    with pytest.raises(TelegramForbiddenError):  # nobody is there any more: worth knowing
        await telegram.bot.send_chat_action(ann.id, "typing")


async def test_answers_to_presses_downloads_and_deletions_are_not_limited() -> None:
    pace = Pace()
    await pace.reserve("all", 3600)
    chat = await start_chat()
    bot = make_bot(SecretStr(chat.token), chat.url, pace)
    async with bot.session, asyncio.timeout(2):
        await bot.get_me()
        with pytest.raises(TelegramBadRequest):
            await bot.answer_callback_query("unknown")
        with pytest.raises(TelegramBadRequest):
            await bot.delete_message(5, 5)
        with pytest.raises(TelegramBadRequest):
            await bot.get_file("unknown")
    await chat.close()


async def test_processes_share_the_pace_through_redis(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with Redis.from_url(server.url) as first, Redis.from_url(server.url) as second:
            paces = [Pace(first), Pace(second)]
            waits = [await paces[n % 2].reserve("chat:5", 1) for n in range(4)]
            assert waits == pytest.approx([0, 1, 2, 3], abs=0.2)
            assert await paces[0].reserve("chat:5", 1, patience=0) is None
            assert await paces[1].reserve("chat:6", 1, patience=0) == 0
            assert 0 < await first.pttl("paintbox:pace:chat:5") <= 4000
            server.kill()
            waits = [await paces[0].reserve("chat:5", 1) for _ in range(2)]
            assert waits == pytest.approx([0, 1], abs=0.2)


async def test_the_pace_forgets_chats_of_the_past() -> None:
    pace = Pace()
    for chat in range(10_050):
        await pace.reserve(f"chat:{chat}", 0)
    assert len(pace._next) < 100


# Storms and outages.


async def test_a_storm_of_429_delays_and_loses_nothing(telegram: Telegram, quick: None) -> None:
    people = [telegram.person() for _ in range(10)]
    telegram.chat.fail_next("sendMessage", 429, retry_after=1, times=25)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            for person in people:
                group.create_task(telegram.bot.send_message(person.id, f"{number}"))
    assert all(sorted(texts(person)) == ["0", "1", "2"] for person in people)
    assert time.monotonic() - began >= 1


async def test_a_429_keeps_everything_from_its_chat(telegram: Telegram) -> None:
    ann = telegram.person()
    telegram.chat.fail_next("sendMessage", 429, retry_after=3)
    began = time.monotonic()
    refused = asyncio.create_task(telegram.bot.send_message(ann.id, "refused at first"))
    await asyncio.sleep(0.5)
    await telegram.bot.send_message(ann.id, "must not prolong it")
    await refused
    assert min(telegram.times("sendMessage")) - began >= 2.9


async def test_a_429_longer_than_our_patience_comes_through(telegram: Telegram) -> None:
    telegram.chat.fail_next("sendMessage", 429, retry_after=4000)
    with pytest.raises(TelegramRetryAfter):
        await telegram.bot.send_message(telegram.person().id, "hello")


@pytest.mark.parametrize("error", [500, 502, "drop", "drop_after"])
async def test_faults_of_the_server_are_waited_out(
    telegram: Telegram, quick: None, error: Any
) -> None:
    ann = telegram.person()
    message = await telegram.bot.send_message(ann.id, "old")
    telegram.chat.fail_next("editMessageText", error, times=2)
    edited = await telegram.bot.edit_message_text(
        "new", chat_id=ann.id, message_id=message.message_id
    )
    assert edited
    assert texts(ann) == ["new"]
    telegram.chat.fail_next("deleteMessage", 500, times=1)
    assert await telegram.bot.delete_message(ann.id, message.message_id)


async def test_there_is_an_end_to_patience(telegram: Telegram) -> None:
    set_patience(telegram.bot, 2)
    telegram.chat.fail_next("getMe", 500, times=100)
    began = time.monotonic()
    with pytest.raises(TelegramServerError):
        await telegram.bot.get_me()
    assert time.monotonic() - began < 3


async def test_who_blocked_the_bot_is_known_at_once(telegram: Telegram) -> None:
    ann = telegram.person()
    ann.blocked = True
    before = errors_counted("sendMessage", "403")
    began = time.monotonic()
    with pytest.raises(TelegramForbiddenError):
        await telegram.bot.send_message(ann.id, "hello")
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await telegram.bot.send_message(7, "hello")
    assert time.monotonic() - began < 0.5
    assert errors_counted("sendMessage", "403") == before + 1


def errors_counted(method: str, code: str) -> float:
    labels = {"method": method, "code": code}
    return REGISTRY.get_sample_value("paintbox_telegram_errors_total", labels) or 0


@pytest.mark.parametrize(("error", "arrived"), [("drop", 0), ("drop_after", 1)])
async def test_a_picture_whose_answer_got_lost_is_not_sent_again(
    telegram: Telegram, error: Any, arrived: int
) -> None:
    ann = telegram.person()
    telegram.chat.fail_next("sendPhoto", error)
    with pytest.raises(TelegramNetworkError):
        await telegram.bot.send_photo(ann.id, a_picture())
    assert texts(ann) == ["picture"] * arrived


async def test_a_picture_that_telegram_refused_to_take_is_sent_again(telegram: Telegram) -> None:
    ann = telegram.person()
    telegram.chat.fail_next("sendPhoto", 502, times=2)
    await telegram.bot.send_photo(ann.id, a_picture())
    assert texts(ann) == ["picture"]


@pytest.mark.parametrize("error", ["drop", "drop_after", 500])
async def test_a_picture_edited_in_comes_through_everything(
    telegram: Telegram, quick: None, error: Any
) -> None:
    ann = telegram.person()
    status = await telegram.bot.send_message(ann.id, "painting")
    telegram.chat.fail_next("editMessageMedia", error, times=2)
    media = InputMediaPhoto(media=a_picture())
    await telegram.bot.edit_message_media(media, chat_id=ann.id, message_id=status.message_id)
    assert texts(ann) == ["picture"]


async def test_a_question_that_hangs_is_asked_again(telegram: Telegram) -> None:
    telegram.chat.fail_next("getMe", "hang")
    telegram.bot.session.timeout = 0.3
    assert (await telegram.bot.get_me()).is_bot


@asynccontextmanager
async def proxied(chat: LocalChat) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Another address of the chat, at which nobody listens until the event is set."""
    host, _, port = chat.url.removeprefix("http://").partition(":")
    listens = asyncio.Event()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(2**16):
            sink.write(data)
            await sink.drain()
        sink.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_chat = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pump(reader, to_chat[1]), pump(to_chat[0], writer))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    own_port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()

    async def open_later() -> None:
        await listens.wait()
        async with await asyncio.start_server(connect, "127.0.0.1", own_port) as server:
            await server.serve_forever()

    opening = asyncio.create_task(open_later())
    try:
        yield f"http://127.0.0.1:{own_port}", listens
    finally:
        opening.cancel()


async def test_a_bot_api_that_is_down_is_waited_for(telegram: Telegram) -> None:
    people = [telegram.person() for _ in range(10)]
    async with proxied(telegram.chat) as (url, listens):
        bot = make_bot(SecretStr(telegram.chat.token), url, Pace())
        async with bot.session:
            sent = [
                asyncio.create_task(send)
                for person in people
                for send in (
                    bot.send_message(person.id, "a word"),
                    bot.send_photo(person.id, a_picture()),
                )
            ]
            done, _ = await asyncio.wait(sent, timeout=60 if LONG else 3)
            assert not done
            assert not await is_reachable(bot)
            listens.set()
            async with asyncio.timeout(60):
                await asyncio.gather(*sent)
            assert await is_reachable(bot)
    assert all(Counter(texts(person)) == {"a word": 1, "picture": 1} for person in people)


async def test_a_page_of_html_is_an_answer_lost(telegram: Telegram) -> None:
    """What nginx says while the server behind it restarts."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.match_info["method"])
        if len(asked) < 3:
            return web.Response(status=502, text="<html>502 Bad Gateway</html>")
        return web.json_response({"ok": True, "result": True})

    app = web.Application()
    app.router.add_post("/bot{token}/{method}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    bot = make_bot(SecretStr("1:a"), f"http://127.0.0.1:{runner.addresses[0][1]}", None)
    async with bot.session:
        assert await bot.delete_message(5, 5)
        assert asked == ["deleteMessage"] * 3
        asked.clear()
        with pytest.raises(TelegramNetworkError):
            await bot.send_photo(5, a_picture())
        assert asked == ["sendPhoto"]
    await runner.cleanup()


NOT_OURS = [
    '{"message": "upstream unavailable"}',
    '{"ok": false}',
    '{"ok": false, "description": "Not Found"}',
    '{"ok": true}',
    '{"ok": true, "result": null}',
    '{"ok": true, "result": {"sorry": "no"}}',
    '{"ok": "maybe", "result": true}',
    '{"ok": false, "error_code": 429, "description": "slowly", "parameters": 5}',
    '{"ok": false, "error_code": 200, "description": "fine"}',
    "[]",
    "null",
    '"down"',
    "[" * 100_000,
    "<html>502 Bad Gateway</html>",
    "",
]


@pytest.mark.parametrize("status", [200, 401, 404, 502])
async def test_json_that_is_not_the_bot_api_s_is_an_answer_lost(
    telegram: Telegram, quick: None, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(random, "uniform", lambda *_: 0.01)
    monkeypatch.setattr(sending, "IN_ALL", 0)
    ann = telegram.person()
    for body in NOT_OURS:
        for method in ("getMe", "sendMessage", "editMessageMedia", "deleteMessage"):
            telegram.chat.fail_next(method, status, body=body)
        assert (await telegram.bot.get_me()).is_bot
        message = await telegram.bot.send_message(ann.id, "status")
        media, number = InputMediaPhoto(media=a_picture()), message.message_id
        await telegram.bot.edit_message_media(media, chat_id=ann.id, message_id=number)
        assert texts(ann) == ["picture"]
        assert await telegram.bot.delete_message(ann.id, number)
    assert not telegram.chat.state.failures


async def test_polling_outlives_answers_that_are_not_the_bot_api_s(
    telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(polling, "LONGEST_PAUSE", 0.01)
    for body in (*NOT_OURS, '{"ok": true, "result": [{"message": {}}]}'):
        for status in (200, 401, 404, 502):
            telegram.chat.fail_next("getUpdates", status, body=body)
    ann = telegram.person()
    telegram.chat.state.updates.add("message", {"from": {"id": ann.id}}, ann.id)
    stop = asyncio.Event()
    taken: list[object] = []

    async def take(updates: Sequence[object]) -> None:
        taken.extend(updates)
        stop.set()

    async with asyncio.timeout(10):
        await polling.poll(telegram.bot, take, ["message"], stop)
    assert len(taken) == 1


# Files.


async def test_a_download_is_repeated_and_its_failure_hides_the_token(telegram: Telegram) -> None:
    ann = telegram.person()
    message = await telegram.bot.send_photo(ann.id, a_picture())
    assert message.photo
    file_id = message.photo[-1].file_id
    telegram.chat.fail_next("download", 502, times=1)
    telegram.chat.fail_next("download", "drop", times=1)
    data = await download(telegram.bot, file_id)
    assert Image.open(BytesIO(data)).size == (64, 64)
    telegram.chat.fail_next("download", 502, times=100)
    with pytest.raises(TelegramAPIError) as failed:
        await download(telegram.bot, file_id, patience=1)
    assert telegram.chat.token.partition(":")[2] not in f"{failed.getrepr(style='long')}"
    telegram.chat.state.failures.clear()
    telegram.chat.fail_next("download", 404)
    with pytest.raises(TelegramAPIError, match="404"):
        await download(telegram.bot, file_id)
