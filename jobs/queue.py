"""Accepting jobs, queueing them in docket, cancelling them.

A job is written down in the store, which is the truth; docket then runs it (jobs/worker.py). docket
has at most one job of each user, the first, so that everybody's turn comes, however many photos one
person sends.
"""

import asyncio
import logging
import time
from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace

from docket import Docket
from redis.exceptions import RedisError

import texts
from jobs.job import Job, job_in, to_json
from metrics import JOBS
from presets import PRESETS
from settings import Settings
from store import Accepted, Store, StoreError
from telegram_api.sending import Pace
from users import Photo, User
from wishes import SeasonWish, StyleWish, Wish

log = logging.getLogger(__name__)

MOST_LIGHT = 100  # pieces of light work that wait; who comes then has chosen before theirs is done


@dataclass(frozen=True)
class JobContext:
    """What those who talk and those who work have in common."""

    store: Store
    docket: Docket
    pace: Pace
    settings: Settings
    light: Docket | None = None  # work of a second or two beside the queue; None: there is none
    changed: asyncio.Event = field(default_factory=asyncio.Event)  # the queue has

    def __post_init__(self) -> None:
        self.docket.register(repaint)
        if self.light:
            self.light.register(show_styles)
            self.light.register(show_quick_picture)


async def repaint(job_id: str, user_id: int) -> None:
    """Stands for docket's task where jobs are only added; a worker registers its own instead."""
    raise NotImplementedError


async def show_styles(
    chat_id: int, message_id: int, file_id: str, user_id: int, language: str, asked: float
) -> None:
    """Stands for docket's task likewise (jobs/light.py)."""
    raise NotImplementedError


async def show_quick_picture(job_id: str, words: str) -> None:
    """Likewise."""
    raise NotImplementedError


async def ask_for_quick_picture(job: Job, words: str, context: JobContext) -> None:
    """Has a waiting job's status show its quick picture over these words; nothing is promised."""
    is_painting = isinstance(job.wish, StyleWish) and not job.photo.moves
    if not job.more and is_painting:
        await _ask(context, "show_quick_picture", f"quick-{job.id}", job.id, words)


async def ask_for_sheet(photo: Photo, message_id: int, user: User, context: JobContext) -> None:
    """Has a sheet of the photo in all styles put into a message of ours; nothing is promised."""
    key = f"{photo.chat_id}-{message_id}"
    wanted = photo.chat_id, message_id, photo.file_id, user.id, user.speaks, time.time()
    await _ask(context, "show_styles", key, *wanted)


async def _ask(context: JobContext, task: str, key: str, *arguments: str | int | float) -> None:
    """Adds light work, where there is any and fewer than `MOST_LIGHT` wait."""
    if context.light is None:
        return
    try:
        async with context.light.redis() as redis:
            if await redis.xlen(context.light.stream_key) < MOST_LIGHT:
                await context.light.add(task, key=key)(*arguments)
    except RedisError as error:
        log.warning("no %s for %s: docket: %s", task, key, error)


async def submit(job: Job, context: JobContext) -> str | None:
    """Writes the job down and queues it; returns a sentence that says why not, where it cannot be.

    The same wish for the same photo waits once. A photo of an album joins those that came before.
    Raises `StoreError`: then nothing is promised.
    """
    if job.photo.moves and not _suits_a_clip(job.wish):
        return texts.clip_needs_painting()
    others = [job_in(accepted) for accepted in await context.store.jobs(job.user_id)]
    others = [other for other in others if other.id != job.id]
    if any(_is_same_work(other, job) for other in others):
        return None
    if job.gathered and job.photo.album and await _joins_its_album(job, others, context):
        return None
    per_user, in_all = context.settings.jobs_per_user, context.settings.queue_limit
    verdict = await context.store.accept(job.id, job.user_id, to_json(job), per_user, in_all)
    if verdict in ("too_many", "full"):
        JOBS.labels(job.kind, "refused").inc()
        return texts.queue_full() if verdict == "full" else texts.too_many_waiting(per_user)
    if verdict == "accepted":
        log.info("job %s is accepted: %s", job.id, job.kind)
    await offer_first(job.user_id, context)
    return None


def _suits_a_clip(wish: Wish) -> bool:
    """Only the quick network paints clips, and it knows only the famous paintings."""
    if isinstance(wish, StyleWish):
        styles = (wish.style, wish.second, wish.background)
        return all(style is None or style in PRESETS for style in styles)
    return isinstance(wish, SeasonWish)


def _is_same_work(one: Job, other: Job) -> bool:
    return (one.photos, one.wish) == (other.photos, other.wish)


async def _joins_its_album(job: Job, others: list[Job], context: JobContext) -> bool:
    """Adds the job's photos to the job of its album, where that waits."""
    for other in others:
        if other.gathered and other.photo.album == job.photo.album:
            photos = sorted({*other.photos, *job.photos}, key=lambda photo: photo.message_id)
            album = replace(job, id=other.id, photo=photos[0], more=tuple(photos[1:]))
            if await context.store.extend(other.id, to_json(album), instead_of=job.id):
                return True
    return False


async def offer_first(user_id: int, context: JobContext) -> None:
    """Gives docket the first of the user's jobs, unless it has it."""
    if first := next(iter(await context.store.jobs(user_id)), None):
        await _offer(first, context)
    context.changed.set()


async def offer_next(over: Accepted, context: JobContext) -> None:
    """A job is struck out: gives docket the next one of its user's."""
    if following := next(iter(await context.store.jobs(over.user_id)), None):
        await context.store.make_ready(following.id)
        await _offer(following, context)
    context.changed.set()


async def offer_firsts(
    jobs: Iterable[Accepted], put_off: Container[str], context: JobContext
) -> None:
    """Gives docket everybody's first job: also what it had forgotten, or never was told.

    `jobs` are all there are, in the order of acceptance; those `put_off` are not to be tried now.
    """
    firsts: dict[int, Accepted] = {}
    for accepted in jobs:
        firsts.setdefault(accepted.user_id, accepted)
    for first in firsts.values():
        if first.id not in put_off:
            await _offer(first, context)


async def _offer(accepted: Accepted, context: JobContext) -> None:
    try:
        await context.docket.add("repaint", key=accepted.id)(accepted.id, accepted.user_id)
    except RedisError as error:
        raise StoreError(f"docket: {error}") from error


async def cancel(job_id: str, user_id: int, context: JobContext) -> bool:
    """Takes the user's job out of the queue, or stops it at its next step; False if it is over."""
    accepted = await context.store.job(job_id)
    if accepted is None or accepted.user_id != user_id or not await context.store.finish(job_id):
        return False
    log.info("job %s is cancelled", job_id)
    JOBS.labels(job_in(accepted).kind, "cancelled").inc()
    await drop([job_id], context)
    await offer_next(accepted, context)
    return True


async def drop(job_ids: list[str], context: JobContext) -> None:
    """Has docket forget jobs that are struck out of the store, and stop those in work."""
    try:
        for job_id in job_ids:
            await context.docket.cancel(job_id)
    except RedisError as error:
        raise StoreError(f"docket: {error}") from error
    context.changed.set()
