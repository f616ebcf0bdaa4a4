"""How soon the bot works after its start: `python -m benchmarks.start --out DIR`.

Each round starts a process that only imports aiogram, then the bot, by webhook, against the local
Bot API server. Measured are

- import aiogram: the seconds of that process;
- ready: until the bot's webhook answers, and how much later than the import alone that is;
- first, next: the seconds from a photo to its result, of the first photo and of the one after it,
  for a season and for a painting of 512 px.

Into DIR goes `start.json`.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from aiohttp import ClientConnectionError, ClientSession

from benchmarks.servers import free_port
from local_chat.client import Person, join
from local_chat.server import LocalChat, start
from settings import ROOT

PHOTO = ROOT / "images" / "photos" / "summer_valley.jpg"


@dataclass(frozen=True)
class Round:
    """Seconds."""

    import_aiogram: float
    ready: float
    first_season: float
    next_season: float
    first_painting: float
    next_painting: float


async def seconds_to_import_aiogram() -> float:
    begin = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "import aiogram")
    await process.wait()
    return time.perf_counter() - begin


async def seconds_to_answer(url: str) -> float:
    """Until anything is answered there, be it that no updates are to be had."""
    begin = time.perf_counter()
    async with ClientSession() as session:
        while True:
            try:
                async with session.get(url):
                    return time.perf_counter() - begin
            except ClientConnectionError:
                await asyncio.sleep(0.01)


async def seconds_to_result(person: Person, photo: bytes | None = None) -> float:
    begin = time.perf_counter()
    await person.send_photo(photo or PHOTO.read_bytes())
    await person.wait_for(lambda m: m.photo and "☰ Menu" in str(m.buttons), 600, "the result")
    return time.perf_counter() - begin


@asynccontextmanager
async def webhook_bot(
    chat: LocalChat, command: Sequence[str] = (sys.executable, "bot.py"), **environment: str
) -> AsyncIterator[tuple[Process, str]]:
    """The bot in a process of its own, and where its webhook will answer."""
    port = free_port()
    with TemporaryDirectory() as data:
        bot = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env={
                **os.environ,
                "BOT_TOKEN": chat.token,
                "TELEGRAM_API_URL": chat.url,
                "WEBHOOK_HOST": f"http://127.0.0.1:{port}",
                "WEBAPP_HOST": "127.0.0.1",
                "PORT": str(port),
                "DATA_DIR": data,
                "LOG_LEVEL": "WARNING",
                **environment,
            },
        )
        try:
            yield bot, f"http://127.0.0.1:{port}/telegram"
        finally:
            with suppress(ProcessLookupError):
                bot.send_signal(signal.SIGTERM)
            await bot.wait()


async def choose_season(person: Person) -> None:
    await person.say("/start")
    await person.press(await person.next_message(60), "❄️ Summer to winter")
    await person.next_message()


async def choose_painting(person: Person, number: int) -> None:
    """One of the famous ones."""
    await person.say("/start")
    menu = await person.wait_for(lambda m: "🎨 Paint in a style" in str(m.buttons), 60)
    await person.press(menu, "🎨 Paint in a style")
    offer = await person.wait_for(lambda m: "🖼 Famous paintings" in str(m.buttons))
    await person.press(offer, "🖼 Famous paintings")
    presets = await person.wait_for(
        lambda m: ["The Starry Night", "The Great Wave"] in m.buttons, 30
    )
    await person.press(presets, [text for row in presets.buttons for text in row][number - 1])
    await person.wait_for(lambda m: "Now send me photos" in m.text)


async def measure(chat: LocalChat) -> Round:
    import_aiogram = await seconds_to_import_aiogram()
    async with webhook_bot(chat) as (_, url), join(chat.url, "Ann", "en") as ann:
        ready = await seconds_to_answer(url)
        await choose_season(ann)
        seasons = [await seconds_to_result(ann) for _ in range(2)]
        await choose_painting(ann, 1)
        paintings = [await seconds_to_result(ann) for _ in range(2)]
    return Round(import_aiogram, ready, *seasons, *paintings)


def table(rounds: Sequence[Round]) -> str:
    lines = [f"{'':28} {'median s':>9} {'from':>7} {'to':>7}"]
    columns = {name: [getattr(r, name) for r in rounds] for name in asdict(rounds[0])}
    columns |= {
        "ready after aiogram": [r.ready - r.import_aiogram for r in rounds],
        "first season costs more": [r.first_season - r.next_season for r in rounds],
        "first painting costs more": [r.first_painting - r.next_painting for r in rounds],
    }
    lines += [
        f"{name.replace('_', ' '):28} {median(v):9.2f} {min(v):7.2f} {max(v):7.2f}"
        for name, v in columns.items()
    ]
    return "\n".join(lines)


async def run(rounds: int) -> list[Round]:
    chat = await start(port=0, first_webhook_pause_s=0.1)
    try:
        return [await measure(chat) for _ in range(rounds)]
    finally:
        await chat.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.start",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("out/start"))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rounds = asyncio.run(run(arguments.rounds))
    arguments.out.mkdir(parents=True, exist_ok=True)
    facts = json.dumps([asdict(r) for r in rounds], indent=2)
    (arguments.out / "start.json").write_text(facts + "\n")
    sys.stdout.write(table(rounds) + "\n")


if __name__ == "__main__":
    main()
