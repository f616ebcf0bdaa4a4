"""What many updates leave behind in the store and in the process: `python -m benchmarks.lasting`.

20,000 updates of 2,000 people come by webhook as quickly as they are confirmed: messages, stickers,
presses of buttons, and photos, nearly all of which a full queue refuses. After each tenth, when all
are handled, a line tells what is there. Ids of updates, which are kept for two days, are kept for
`KEPT_SECONDS` here, and nobody waits for Telegram's pace.
"""

import argparse
import asyncio
import random
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from aiohttp import ClientSession, TCPConnector
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from benchmarks.load import TALKERS, TOKEN, Json, Load, Telegram, Updates, bot_under_load
from benchmarks.servers import RedisServer
from telegram_api.webhook import WEBHOOK_PATH, webhook_secret

Kind = Literal["sqlite", "redis"]

UPDATES, STEPS = 20_000, 10
AT_ONCE = 100  # posts
STICKERS = 0.1  # share of updates
KEPT_SECONDS = 5
IN_THE_BOT = f"""
import asyncio
from prometheus_client import Gauge
import store.redis, store.sqlite
from telegram_api import sending, webhook
tasks, show = Gauge("tasks", "of asyncio"), webhook._metrics
async def count_and_show(request):
    tasks.set(len(asyncio.all_tasks()))
    return await show(request)
webhook._metrics = count_and_show
store.sqlite.KEPT_SECONDS = store.redis.KEPT_SECONDS = {KEPT_SECONDS}
sending.IN_ALL = sending.IN_CHAT = 0
"""


def sticker(updates: Updates) -> Json:
    update = updates.message(updates.chance.choice(TALKERS), "")
    number = f"sticker{update['update_id']}"
    shown = {"type": "regular", "width": 512, "height": 512}
    moves = {"is_animated": False, "is_video": False}
    del update["message"]["text"]
    update["message"]["sticker"] = {"file_id": number, "file_unique_id": number, **shown, **moves}
    return update


async def gauges(client: ClientSession, url: str) -> dict[str, float]:
    """The bot's metrics that have no labels."""
    async with client.get(f"{url}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
        return {s.name: s.value for family in families for s in family.samples if not s.labels}


async def handled(client: ClientSession, url: str) -> dict[str, float]:
    """Waits until no update waits, and until the ids are old."""
    async with asyncio.timeout(900):
        while (await gauges(client, url))["paintbox_updates_waiting"]:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
    await asyncio.sleep(KEPT_SECONDS)
    return await gauges(client, url)


def size_of_files(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("paintbox.sqlite3*"))


async def stored(folder: Path, redis: Redis | None) -> str:
    if redis is None:
        return f"{await asyncio.to_thread(size_of_files, folder) / 1000:,.0f} kB"
    used = (await redis.info("memory"))["used_memory"]
    return f"{await redis.dbsize():,} keys, {used / 1000:,.0f} kB"


async def measure(kind: Kind, updates_in_all: int) -> None:
    telegram, updates = Telegram(), Updates(random.Random(1))
    headers = {"X-Telegram-Bot-Api-Secret-Token": webhook_secret(TOKEN)}
    variables = {"NST_SIZE": "128", "CYCLEGAN_SIZE": "128", "METRICS": "true"}
    redis = None
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        variables["DATA_DIR"] = str(folder)
        if kind == "redis":
            server = RedisServer(folder)
            stack.callback(server.kill)
            variables["REDIS_URL"] = server.url
            redis = Redis.from_url(server.url)
            stack.push_async_callback(redis.aclose)
        url = await stack.enter_async_context(
            bot_under_load(telegram, code=IN_THE_BOT, **variables)
        )
        client = await stack.enter_async_context(
            ClientSession(headers=headers, connector=TCPConnector(limit=AT_ONCE))
        )
        load = Load(url + WEBHOOK_PATH, client, telegram, updates)
        await load.prepare()
        painting = asyncio.create_task(load.keep_painting())
        stack.callback(painting.cancel)
        for step in range(STEPS):
            few = [
                sticker(updates) if updates.chance.random() < STICKERS else updates.any()
                for _ in range(updates_in_all // STEPS)
            ]
            await asyncio.gather(*map(load.post, few))
            now = await handled(client, url)
            tell(
                f"{updates_in_all // STEPS * (step + 1):,}",
                await stored(folder, redis),
                f"{now['process_resident_memory_bytes'] / 1e6:.0f} MB",
                f"{now['tasks']:.0f}",
            )


def tell(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--stores", nargs="+", choices=("sqlite", "redis"), default=None)
    arguments = parser.parse_args()
    for kind in arguments.stores or ("sqlite", "redis"):
        tell("updates", kind, "memory", "tasks")
        sys.stdout.write("|---|---|---|---|\n")
        asyncio.run(measure(kind, arguments.updates))


if __name__ == "__main__":
    main()
