"""Redis is away, or all clocks go back by an hour, in the middle of twenty photos; five hundred
wait.

One process talks and two work, with a real redis-server. The clocks are those of the bot's
processes; they need the library of the package `faketime`. Part of `make chaos`.

    python -m benchmarks.apart --minutes 10 --only Redis clocks
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from benchmarks.chaos import (
    PATIENCE_SECONDS,
    Count,
    Processes,
    Sender,
    a_photo,
    count,
    prepare,
    row,
    send,
)
from benchmarks.outage import one_more_answered
from local_chat.client import join
from local_chat.server import start

PEOPLE, PHOTOS = 4, 5  # of each person
CROWD, THEIR_PHOTOS = 50, 10
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)

Mishap = Callable[[Processes, Path], Awaitable[None]]


async def redis_away(seconds: float, processes: Processes, _: Path) -> None:
    await processes.kill("redis")
    await asyncio.sleep(seconds)
    await processes.start("redis")


async def clock_back(processes: Processes, clock: Path) -> None:
    """By an hour, while the processes run; a worker is then killed, so that its lease must end."""
    await asyncio.to_thread(clock.write_text, "-3600\n")
    await asyncio.sleep(2)
    await processes.kill("worker 1")
    await processes.start("worker 1")


async def nothing(*_: object) -> None: ...


@asynccontextmanager
async def at_work(people: int, photos: int) -> AsyncIterator[tuple[Processes, Path, list[Sender]]]:
    """Processes at work, the file that says how far their clocks are off, and people who have had
    one photo each before.
    """
    async with AsyncExitStack() as stack:
        chat = await start(port=0)
        stack.push_async_callback(chat.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes = Processes("workers", chat, folder)
        stack.push_async_callback(processes.end)
        clock = folder / "clock"
        clock.write_text("+0\n")
        processes.variables |= {"JOBS_PER_USER": str(photos), "QUEUE_LIMIT": str(people * photos)}
        if FAKETIME:
            processes.variables |= {
                "LD_PRELOAD": str(FAKETIME),
                "FAKETIME_TIMESTAMP_FILE": str(clock),
                "FAKETIME_NO_CACHE": "1",
                "DONT_FAKE_MONOTONIC": "1",
            }
        await asyncio.gather(*(processes.start(n) for n in processes.names if n != "redis"))
        senders = [
            Sender(await stack.enter_async_context(join(chat.url, f"Ann {number}", "en")))
            for number in range(people)
        ]
        await asyncio.gather(*(prepare(s, a_photo(), "❄️ Summer to winter") for s in senders))
        yield processes, clock, senders


async def through(mishap: Mishap, people: int = PEOPLE, photos: int = PHOTOS) -> Count:
    """What became of everybody's photos, in the middle of which it happened."""
    async with at_work(people, photos) as (processes, clock, senders):
        for sender in senders * photos:
            await send(sender, a_photo())
        await one_more_answered(senders)
        await mishap(processes, clock)
        async with asyncio.timeout(2 * PATIENCE_SECONDS):
            while any(sender.unanswered() for sender in senders):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await asyncio.sleep(3)  # for what might come a second time
        return count(senders)


async def main() -> int:
    parser = argparse.ArgumentParser(description="Takes Redis and the clock away.")
    parser.add_argument("--minutes", type=float, default=10, help="without Redis, the second time")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="what has one of these words")
    arguments = parser.parse_args()
    minutes = arguments.minutes
    mishaps: dict[str, Callable[[], Awaitable[Count]]] = {
        "Redis away for 30 s": partial(through, partial(redis_away, 30)),
        f"Redis away for {minutes:g} min": partial(through, partial(redis_away, 60 * minutes)),
        f"{CROWD * THEIR_PHOTOS} wait": partial(through, nothing, CROWD, THEIR_PHOTOS),
    }
    if FAKETIME:
        mishaps["clocks an hour back"] = partial(through, clock_back)
    names = [name.replace("_", " ") for name in vars(Count())]
    sys.stdout.write(f"| what | {' | '.join(names)} |\n|---{'|---' * len(names)}|\n")
    harm = 0
    for name, happens in mishaps.items():
        if arguments.only and not set(arguments.only) & set(name.split()):
            continue
        counted = await happens()
        harm += counted.lost + counted.doubled
        sys.stdout.write(row(name, counted) + "\n")
        sys.stdout.flush()
    return int(harm > 0)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
