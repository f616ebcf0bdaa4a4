"""Nothing lost, nothing twice: processes are killed at random, and a crowd comes at once.

With LONG_TESTS in the environment a thousand users come at once, else 150.
"""

import asyncio
import os
import random
import time
from collections import Counter

import aiohttp

from benchmarks.chaos import storm
from benchmarks.load import TOKEN, Load, Telegram, Updates, bot_under_load
from telegram_api.webhook import WEBHOOK_PATH, webhook_secret
from tests import bot_api_schema

LONG = bool(os.environ.get("LONG_TESTS"))
KILLS = 20 if LONG else 6  # of each bot


async def test_kills_at_random_moments_lose_and_double_nothing() -> None:
    life = (0.0, 2.0)
    for counted in await asyncio.gather(
        storm("polling", KILLS, seed=1, people=3, life=life, checks=[bot_api_schema.check]),
        storm("webhook", KILLS, seed=2, people=3, life=life, checks=[bot_api_schema.check]),
    ):
        assert counted.kills == KILLS
        assert counted.accepted == counted.answered >= KILLS // 2
        assert (counted.lost, counted.doubled) == (0, 0)


async def test_a_thousand_users_at_once_are_confirmed_and_each_gets_one_answer() -> None:
    """Against a lean Telegram: 30 messages a second leave, so the rest waits in the inbox."""
    telegram = Telegram()
    updates = Updates(random.Random(1))
    people = range(100, 1100 if LONG else 250)
    posts = [updates.message(person, "/help") for person in people]
    headers = {"X-Telegram-Bot-Api-Secret-Token": webhook_secret(TOKEN)}
    async with (
        bot_under_load(telegram) as url,
        aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as client,
    ):
        load = Load(url + WEBHOOK_PATH, client, telegram, updates)
        began = time.monotonic()
        await asyncio.gather(*(load.post(post) for post in [*posts, *posts[:50]]))
        assert time.monotonic() - began < len(people) / 30  # sooner than they are answered
        async with asyncio.timeout(120):
            while len(telegram.told) < len(people):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
    assert load.failed == 0
    assert telegram.told == Counter(people)
