"""What a process of each role imports: no more than its work needs."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from local_chat.client import join
from settings import ROOT
from tests.conftest import PHOTOS, start_chat
from tests.servers import redis_server

# The bot as a process that writes what it has imported when it ends.
PROGRAM = """
import atexit, json, sys, bot
from pathlib import Path
imported = Path(sys.argv.pop(1))
atexit.register(lambda: imported.write_text(json.dumps(sorted(sys.modules))))
sys.exit(bot.main())
"""
PAINTING = {"openvino", "image_processing", "jobs.worker", "jobs.painting", "model_nst"}
PAINTING |= {"model_cyclegan", "torch"}


@asynccontextmanager
async def role(imported: Path, *arguments: str, **variables: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, str(imported), *arguments),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "CYCLEGAN_SIZE": "128", **variables},
    )
    try:
        yield
        process.terminate()
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def modules_in(imported: Path) -> set[str]:
    return set(json.loads(imported.read_text()))


async def test_who_talks_has_no_networks_and_who_works_no_server_and_no_conversation(
    tmp_path: Path,
) -> None:
    """A season is made by both, so that each has done its work before it is looked at."""
    talker, worker = tmp_path / "talker.json", tmp_path / "worker.json"
    chat = await start_chat()
    with redis_server(tmp_path) as redis:
        given = {"BOT_TOKEN": chat.token, "TELEGRAM_API_URL": chat.url, "REDIS_URL": redis.url}
        async with (
            join(chat.url, "Ann", "en") as ann,
            role(talker, **given),
            role(worker, "worker", **given),
        ):
            await ann.say("/start")
            await ann.press(await ann.next_message(60), "❄️ Summer to winter")
            await ann.next_message()
            await ann.send_photo((PHOTOS / "summer_valley.jpg").read_bytes())
            await ann.wait_for(lambda m: m.photo and "☰ Menu" in str(m.buttons), 60)
    await chat.close()
    at_talker, at_worker = modules_in(talker), modules_in(worker)
    assert "handlers" in at_talker
    assert at_talker & {*PAINTING, "local_chat", "aiohttp.web"} == set()
    assert {"jobs.worker", "openvino", "model_cyclegan"} <= at_worker
    assert at_worker & {"handlers", "local_chat", "aiohttp.web", "torch"} == set()


async def test_who_does_everything_has_no_local_chat_where_there_is_a_token(
    tmp_path: Path,
) -> None:
    imported = tmp_path / "imported.json"
    chat = await start_chat()
    given = {"BOT_TOKEN": chat.token, "TELEGRAM_API_URL": chat.url, "DATA_DIR": str(tmp_path)}
    async with join(chat.url, "Ann", "en") as ann, role(imported, **given):
        await ann.say("/start")
        await ann.next_message(60)
    await chat.close()
    modules = modules_in(imported)
    assert {"handlers", "jobs.worker"} <= modules
    assert modules & {"local_chat", "aiohttp.web", "torch"} == set()
