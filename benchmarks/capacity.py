"""What 1 thousand, 100 thousand and 10 million photos a day need; docs/scaling.md has the table.

    python -m benchmarks.capacity --seconds 7.3

The seconds of a job are those that a benchmark of the painting printed. What a job costs in Redis
is measured here, with the bot's own store and queue on a redis-server of its own.
"""

import argparse
import asyncio
import math
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from docket import Docket
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from benchmarks.servers import free_port
from jobs.job import Job
from jobs.queue import JobContext, submit
from settings import Settings
from store import KEPT_SECONDS, open_store
from telegram_api.sending import Pace
from users import Photo, User, to_json
from wishes import StyleWish

DAY = 86_400
PHOTOS_A_DAY = (1_000, 100_000, 10_000_000)
PEAK = 3  # the busiest hour against the mean one
PATIENCE = 300  # seconds of the busiest hour's photos that the queue has room for
UPDATES = 2  # for each photo: it, and a button
MESSAGES = 2  # for each photo: its status message, and the edit that makes it the painting
TELEGRAM = 30  # messages a second that Telegram takes from one bot
CORES = 2  # of a worker; the seconds of a job were measured on as many
CPU_HOUR = 0.04  # US dollars, assumed: about what the large clouds ask for
SAMPLE = 1000  # jobs that the measurement makes


@dataclass(frozen=True)
class InRedis:
    """Bytes that Redis holds for each."""

    user: int
    update: int  # handled, kept for two days
    waiting: int  # job
    finished: int  # job, kept for two days


async def measure(url: str) -> InRedis:
    """Puts `SAMPLE` users, updates, waiting and finished jobs into an empty Redis, and weighs."""
    redis = Redis.from_url(url, retry=Retry(ConstantBackoff(0.1), 50))
    await redis.ping()
    store = await open_store(url, None)
    # A photo's ids are about as long at Telegram.
    photo = Photo(file_id="f" * 83, unique_id="u" * 16, message_id=123_456_789, size=200_000)
    user = to_json(User(1, mode="style", style="great_wave", own_styles={"u" * 16: "f" * 83}))
    assert user is not None
    wish = StyleWish("great_wave", None)
    settings = Settings(jobs_per_user=1, queue_limit=SAMPLE + 1)

    async def used() -> int:
        return int((await redis.info("memory"))["used_memory"])

    async def save(first_update: int) -> None:
        for number in range(SAMPLE):
            await store.save(10**9 + number, user, first_update + number)

    async with Docket(name="paintbox", url=url) as docket:
        context = JobContext(store, docket, Pace(), settings)
        empty = await used()
        await save(10**8)
        users_and_updates = await used()
        await save(2 * 10**8)
        updates = await used()
        for number in range(SAMPLE):
            user_id = 10**9 + number
            job = Job(f"{10**8 + number}-123456789", user_id, user_id, "en", photo, wish)
            assert await submit(job, context) is None
        waiting = await used()
        for number in range(SAMPLE):
            job_id = f"{5 * 10**8 + number}-123456789"
            await store.accept(job_id, number, "{}", 1, 10 * SAMPLE)
            await store.finish(job_id)
        finished = await used()
    await store.close()
    await redis.aclose()
    update = round((updates - users_and_updates) / SAMPLE)
    return InRedis(
        user=round((users_and_updates - empty) / SAMPLE) - update,
        update=update,
        waiting=round((waiting - updates) / SAMPLE),
        finished=round((finished - waiting) / SAMPLE),
    )


def table(seconds: float, each: InRedis) -> list[str]:
    """The rows, as Markdown."""
    rows = [
        "| photos a day | workers, mean | workers, busiest hour | room in the queue | Redis, MB "
        "| CPU hours a day | US dollars a day | messages a second, busiest hour | bots |",
        "|" + "---|" * 9,
    ]
    for photos in PHOTOS_A_DAY:
        mean = photos / DAY
        peak = PEAK * mean
        waiting = math.ceil(peak * PATIENCE)
        kept = photos * KEPT_SECONDS / DAY
        redis = waiting * each.waiting + kept * (each.finished + UPDATES * each.update)
        hours = photos * seconds / 3600 * CORES
        cells = (
            f"{photos:,}",
            f"{mean * seconds:,.1f}",
            f"{max(1, math.ceil(peak * seconds)):,}",
            f"{waiting:,}",
            f"{redis / 1e6:,.1f}",
            f"{hours:,.0f}",
            f"{hours * CPU_HOUR:,.2f}",
            f"{peak * MESSAGES:,.1f}",
            f"{math.ceil(peak * MESSAGES / TELEGRAM)}",
        )
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def measured(seconds: float, each: InRedis) -> str:
    return (
        f"{seconds} s a photo on {CORES} cores; in Redis {each.waiting} bytes for a waiting "
        f"job, {each.finished} for a finished one, {each.update} for an update, "
        f"{each.user} for a user"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, required=True, help="of a job, measured")
    seconds = parser.parse_args().seconds
    port, server = free_port(), shutil.which("redis-server")
    if server is None:
        parser.error("there is no redis-server to measure with")
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        redis = subprocess.Popen([server, *options], stdout=subprocess.DEVNULL)
        try:
            each = asyncio.run(measure(f"redis://127.0.0.1:{port}/0"))
        finally:
            redis.terminate()
            redis.wait()
    sys.stdout.write("\n".join([measured(seconds, each), "", *table(seconds, each), ""]))


if __name__ == "__main__":
    main()
