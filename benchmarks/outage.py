"""Telegram is away for half an hour in the middle of twenty photos, with two kills meanwhile.

The bot's clocks run sixty times faster, so that half a minute is as long. Part of `make chaos`.

    python -m benchmarks.outage
"""

import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.chaos import (
    PATIENCE_SECONDS,
    Count,
    Processes,
    Sender,
    Setup,
    a_photo,
    count,
    is_final,
    prepare,
    row,
    send,
)
from local_chat.client import join
from local_chat.server import LocalChat, start

PEOPLE, PHOTOS = 4, 5  # of each person
OUTAGE_SECONDS = 30.0
FASTER = """
from jobs import waiting, worker
from telegram_api import sending
worker.PATIENCE /= 60
worker.FIRST_PAUSE /= 60
worker.LONGEST_PAUSE /= 60
worker.LONGEST_WAIT /= 60
waiting.PATIENCE /= 60
waiting.REFILL_SECONDS /= 60
sending.IN_CHAT = 0.05
"""


async def outage(setup: Setup) -> Count:
    """What became of the photos, among them one that was answered before."""
    photo = a_photo()
    async with AsyncExitStack() as stack:
        chat = await start(port=0, first_webhook_pause_s=0.1)
        stack.push_async_callback(chat.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes = Processes(setup, chat, folder, code=FASTER)
        stack.push_async_callback(processes.end)
        names = [name for name in processes.names if name not in ("redis", "worker 2")]
        await asyncio.gather(*map(processes.start, names))
        senders = [
            Sender(await stack.enter_async_context(join(chat.url, f"Ann {number}", "en")))
            for number in range(PEOPLE)
        ]
        await asyncio.gather(*(prepare(s, photo, "❄️ Summer to winter") for s in senders))
        for sender in senders * PHOTOS:
            await send(sender, photo)
        await one_more_answered(senders)
        began = time.monotonic()
        chat.fail_next("*", 502, times=10**9)
        for _ in range(2):
            await at_work_in_vain(chat)
            for name in names:
                await processes.kill(name)
                await processes.start(name)
        await at_work_in_vain(chat)
        await asyncio.sleep(began + OUTAGE_SECONDS - time.monotonic())
        chat.state.failures.clear()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while any(sender.unanswered() for sender in senders):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await asyncio.sleep(3)  # for what might come a second time
        return Count(kills=2) + count(senders)


async def one_more_answered(senders: list[Sender]) -> None:
    """Each has one answer from before."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sum(map(answers, senders)) <= PEOPLE:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def answers(sender: Sender) -> int:
    return sum(any(map(is_final, replies)) for replies in sender.replies().values())


async def at_work_in_vain(chat: LocalChat) -> None:
    """A worker has tried a job's photo or picture."""
    chat.state.calls.clear()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not any(  # noqa: ASYNC110
            call["method"] in ("getFile", "editMessageMedia") for call in chat.state.calls
        ):
            await asyncio.sleep(0.05)


async def main() -> int:
    names = [name.replace("_", " ") for name in vars(Count())]
    sys.stdout.write(f"| outage | {' | '.join(names)} |\n|---{'|---' * len(names)}|\n")
    setups: tuple[Setup, ...] = ("polling", "workers")
    counts = [await outage(setup) for setup in setups]
    for setup, counted in zip(setups, counts, strict=True):
        sys.stdout.write(row(setup, counted) + "\n")
    return int(any(counted.lost or counted.doubled for counted in counts))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
