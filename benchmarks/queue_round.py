"""What a look at the queue costs those who talk: `python -m benchmarks.queue_round`.

Every two seconds, and whenever the queue changes, the jobs are read, put in order, and each one's
place and seconds to wait are found and put into words (jobs/waiting.py). Here so many people's jobs
wait in an SQLite store in memory, and two slots work on nothing. Printed is the processor time that
a round takes of the event loop's thread, in milliseconds, the median of some; sending is left out,
and SQLite has a thread of its own. The first round also reads the jobs' JSON.
"""

import argparse
import asyncio
import sys
import time
from statistics import median
from typing import cast

from aiogram import Bot
from aiogram.utils.i18n import I18n
from docket import Docket

from jobs.job import Job, to_json
from jobs.queue import JobContext
from jobs.waiting import Entry, Statuses, read_queue
from languages import Language
from settings import ROOT, Settings
from store import open_store
from telegram_api.sending import Pace
from users import Photo
from wishes import StyleWish

SLOTS = 2
LANGUAGES: tuple[Language, Language] = ("en", "ru")


class Silent(Statuses):
    async def _move(self, entry: Entry, text: str) -> None:
        """Sends nothing."""


async def measure(waiting: int, rounds: int) -> list[float]:
    """Milliseconds of each round."""
    store = await open_store(None, None)
    photo = Photo(file_id="f" * 83, unique_id="u" * 16, message_id=123_456_789, size=200_000)
    wish = StyleWish("great_wave", None)
    for number in range(waiting):
        job_id, user_id = f"{10**8 + number}-123456789", 10**9 + number
        job = Job(job_id, user_id, user_id, LANGUAGES[number % 2], photo, wish)
        await store.accept(job_id, user_id, to_json(job), 1, waiting)
        await store.set_status(job_id, 1, None)
    await store.note_seconds("style", 10)
    async with Docket(name="round", url="memory://") as docket:
        context = JobContext(store, docket, Pace(), Settings())
        statuses = Silent(context, cast(Bot, None), I18n(path=ROOT / "locales"))
        entries: list[Entry] = []
        took: list[float] = []
        for _ in range(rounds):
            began = time.thread_time()
            entries = await read_queue(context, entries)
            await statuses.show(entries, SLOTS)
            took.append((time.thread_time() - began) * 1000)
    await store.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.queue_round",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    for waiting in (500, 5000):
        first, *later = asyncio.run(measure(waiting, rounds))
        sys.stdout.write(
            f"{waiting} waiting: {first:.1f} ms the first round, {median(later):.1f} ms the later\n"
        )


if __name__ == "__main__":
    main()
