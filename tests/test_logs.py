"""The logs: one line of JSON an event, its ids, and never the token."""

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from benchmarks.servers import free_port
from local_chat.client import join
from logs import OneLine, about
from tests.conftest import PHOTOS, ROOT, start_chat

SECRET = "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What has been logged, read back as JSON."""
    read: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            line = self.format(record)
            assert "\n" not in line
            assert SECRET not in line
            read.append(json.loads(line))

    handler = Keep()
    handler.setFormatter(OneLine([SECRET]))
    logging.getLogger("test").addHandler(handler)
    yield read
    logging.getLogger("test").removeHandler(handler)


async def test_an_event_has_the_ids_of_what_it_is_about(lines: list[dict[str, Any]]) -> None:
    log = logging.getLogger("test")

    async def work(job: str) -> None:
        with about(job=job):
            await asyncio.sleep(0.01)
            log.warning("painted in %.1f s", 9)

    with about(update=7, user=5):
        await asyncio.gather(work("7/a"), work("7/b"))
    log.warning("between updates")
    assert [(line.get("update"), line.get("user"), line.get("job")) for line in lines] == [
        (7, 5, "7/a"),
        (7, 5, "7/b"),
        (None, None, None),
    ]
    assert lines[0]["event"] == "painted in 9.0 s"
    assert lines[0]["level"] == "WARNING"


def test_a_traceback_is_part_of_its_line_and_tells_no_secret(lines: list[dict[str, Any]]) -> None:
    try:
        raise ValueError(f"https://api.telegram.org/file/bot1:{SECRET}/photo.jpg")
    except ValueError:
        logging.getLogger("test").exception("it failed\nwith 1:%s", SECRET)
    (line,) = lines
    assert "ValueError" in line["traceback"]
    assert line["event"] == "it failed\nwith 1:<secret>"


def test_an_uncaught_exception_is_redacted_as_well() -> None:
    code = (
        "import logs, warnings, logging\n"
        f"logs.set_up_logs('INFO', '1:{SECRET}')\n"
        f"warnings.warn('{SECRET}')\n"
        f"logging.error('%d', '{SECRET}')\n"  # an argument that does not fit
        f"raise OSError('{SECRET}')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert SECRET not in done.stderr
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["level"] for event in events] == ["WARNING", "CRITICAL"]
    assert "OSError: <secret>" in events[1]["traceback"]


async def test_a_bot_in_trouble_never_tells_its_token(tmp_path: Path) -> None:
    """A real process, at its most talkative, through every mishap that the server can make."""
    chat = await start_chat(token=f"123:{SECRET}", first_webhook_pause_s=0.1)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    told = tmp_path / "told"
    environment = {
        "PATH": os.environ["PATH"],
        "BOT_TOKEN": chat.token,
        "TELEGRAM_API_URL": chat.url,
        "WEBHOOK_HOST": url,
        "WEBAPP_HOST": "127.0.0.1",
        "PORT": str(port),
        "METRICS": "on",
        "LOG_LEVEL": "DEBUG",
        "DATA_DIR": str(tmp_path / "data"),
        "NST_SIZE": "128",
        "SHUTDOWN_SECONDS": "3",
        "PYTHONASYNCIODEBUG": "1",
    }
    with told.open("wb") as out:
        bot = await asyncio.create_subprocess_exec(
            sys.executable, "bot.py", cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    async with join(chat.url, "Ann", "en") as ann, ClientSession() as session:
        await ann.say("/start")
        await ann.press(await ann.next_message(60), "❄️ Summer to winter")
        await ann.next_message()
        for error in (500, 429, 403, 400):
            chat.fail_next("sendMessage", error, retry_after=1 if error == 429 else None)
        for method in ("sendMessage", "getFile", "download", "editMessageMedia"):
            chat.fail_next(method, "drop")
        chat.fail_next("download", 404)
        await ann.send_photo((PHOTOS / "chelsea.jpg").read_bytes())
        await ann.say("/help")
        await ann.say("/help")
        async with asyncio.timeout(60):
            while any(f.method in ("sendMessage", "download") for f in chat.state.failures):  # noqa: ASYNC110 the bot is another process
                await asyncio.sleep(0.1)
        shown = ""
        for path in ("/metrics", "/health/ready", "/health/live", "/telegram"):
            async with session.get(url + path) as answer:
                shown += await answer.text()
    assert "paintbox_telegram_errors_total{" in shown
    assert SECRET not in shown
    await chat.close()  # the last calls meet nobody
    bot.terminate()
    async with asyncio.timeout(40):
        await bot.wait()
    printed = told.read_text()
    assert SECRET not in printed
    events = [json.loads(line) for line in printed.splitlines()]
    assert any(event.get("update") and event.get("user") for event in events)
