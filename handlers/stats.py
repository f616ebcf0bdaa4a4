"""/stats, for the bot's operators: what came of photos, day by day, and nothing of a person."""

from collections.abc import Mapping

from aiogram import Router
from aiogram.enums import ChatType
from aiogram.filters import Command
from aiogram.types import Message

import texts
from jobs.queue import JobContext
from settings import Settings
from store import PEOPLE, WAITED
from users import User

router = Router(name="stats")

DAYS = 7


async def is_admin(message: Message, user: User, settings: Settings) -> bool:
    return user.id in (settings.admins or ()) and message.chat.type == ChatType.PRIVATE


@router.message(Command("stats"), is_admin)
async def show_stats(message: Message, context: JobContext) -> None:
    tallies = await context.store.tallies(DAYS)
    waiting = sum(job.started is None for job in await context.store.jobs())
    await message.answer(texts.stats([_day(*tally) for tally in tallies.items()], waiting))


def _day(date: str, tally: Mapping[str, float]) -> texts.Day:
    """What is neither people nor waiting is jobs."""
    jobs = {what: round(n) for what, n in tally.items() if what not in (PEOPLE, WAITED)}
    wait = tally.get(WAITED, 0) / max(1, sum(jobs.values()))
    return texts.Day(date, round(tally.get(PEOPLE, 0)), wait, jobs)
