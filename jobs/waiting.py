"""Those who wait: in which order, how long, and their status messages that say so."""

import asyncio
import heapq
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from aiogram.utils.i18n import I18n
from pydantic import ValidationError
from redis.exceptions import RedisError

import texts
from jobs.answer import edit_status, may_edit, menu_while_waiting, speaking_to
from jobs.job import CLIP_SEASON, CLIP_STYLE, Job, job_in
from jobs.queue import JobContext, ask_for_quick_picture, drop, offer_firsts, offer_next
from jobs.status import send_status
from metrics import QUEUE_LENGTH
from store import Accepted, StoreError
from telegram_api.sending import GivenUp, only_if_free, patience

log = logging.getLogger(__name__)

GATHER_SECONDS = 1.0  # an album whose last photo came so long ago is complete
ROUND_SECONDS = 2.0  # between two looks at the queue
SETTLE_SECONDS = 0.3  # a job that begins so soon needs no word about waiting
CLIPS = (CLIP_STYLE, CLIP_SEASON)
CLIP_TAKES = 5.0  # times a photo's seconds, until it is measured
UNKNOWN_SECONDS = 10.0  # of a photo, where only clips were measured
PATIENCE = 10.0  # seconds with a status, whose user is locked meanwhile
REFILL_SECONDS = 15.0  # between two looks for jobs that docket has forgotten


class Entry(NamedTuple):
    """A job in the queue: as the store has it, and what its JSON says."""

    accepted: Accepted
    job: Job


def in_order(jobs: Iterable[Accepted]) -> list[Accepted]:
    """The jobs that wait, first those whose turn comes first; `jobs` as they were accepted.

    Everybody's first job comes before anybody's second.
    """
    ranks: dict[int, int] = {}
    order: list[tuple[int, float, Accepted]] = []
    for job in jobs:
        rank = ranks[job.user_id] = ranks.get(job.user_id, -1) + 1
        if job.started is None:
            order.append((rank, job.ready, job))
    return [job for *_, job in sorted(order, key=lambda entry: entry[:2])]


def waiting_seconds(
    order: Iterable[Job], running: Iterable[Entry], mean: Mapping[str, float], slots: int
) -> list[float | None]:
    """How many seconds each job of the order waits, by the mean seconds of their kinds.

    `slots` jobs are worked on at the same time. None where nothing was measured yet, or nobody
    works. Takes O(n log slots) for n jobs.
    """
    if not mean or not slots:
        return [None for _ in order]
    usual = max((s for kind, s in mean.items() if kind not in CLIPS), default=UNKNOWN_SECONDS)
    now = time.time()

    def takes(job: Job) -> float:
        unknown = CLIP_TAKES * usual if job.kind in CLIPS else usual
        return mean.get(job.kind, unknown) * (len(job.photos) - len(job.results))

    left = [max(0.0, takes(job) - (now - (a.started or now))) for a, job in running]
    free_in = [*left, *[0.0] * (slots - len(left))]  # seconds, of each slot
    heapq.heapify(free_in)
    # A job begins as soon as a slot is free, and keeps it.
    return [heapq.heapreplace(free_in, free_in[0] + takes(job)) for job in order]


async def announce(
    context: JobContext,
    bot: Bot,
    i18n: I18n,
    process: str,
    count_slots: Callable[[], Awaitable[int]],
) -> None:
    """Tells everybody who waits their place, as long as it runs, and refills docket from the store.

    Of several processes, each with another name, one does it at a time.
    """
    statuses = Statuses(context, bot, i18n)
    entries: list[Entry] = []
    refill_at = 0.0
    while True:
        try:
            if await context.store.leads(process, 5 * ROUND_SECONDS):
                entries = await read_queue(context, entries)
                if time.monotonic() >= refill_at:
                    refill_at = time.monotonic() + REFILL_SECONDS
                    now = time.time()
                    put_off = {entry.job.id for entry in entries if entry.job.again_at > now}
                    await offer_firsts((e.accepted for e in entries), put_off, context)
                QUEUE_LENGTH.set(sum(entry.accepted.started is None for entry in entries))
                await statuses.show(entries, await count_slots())
        except (StoreError, RedisError) as error:
            log.warning("the queue cannot be looked at: %s", error)
        except Exception:
            log.exception("the queue was not announced")
        with suppress(TimeoutError):
            await asyncio.wait_for(context.changed.wait(), ROUND_SECONDS)
            context.changed.clear()
            await asyncio.sleep(SETTLE_SECONDS)


async def read_queue(context: JobContext, before: Iterable[Entry]) -> list[Entry]:
    """All jobs in the order of acceptance; those that cannot be read are dropped.

    JSON that was the same `before` is not read again.
    """
    known = {entry.accepted.job: entry.job for entry in before}
    entries: list[Entry] = []
    for accepted in await context.store.jobs():
        try:
            entries.append(Entry(accepted, known.get(accepted.job) or job_in(accepted)))
        except ValidationError:
            log.error("job %s, of another version, is dropped", accepted.id)
            await context.store.finish(accepted.id)
    return entries


class Statuses:
    """The status messages of the jobs that wait."""

    def __init__(self, context: JobContext, bot: Bot, i18n: I18n) -> None:
        self.context, self.bot, self.i18n = context, bot, i18n
        self.shown: dict[str, tuple[float, str]] = {}  # by job: when, and what
        self.first_words: dict[str, asyncio.Task[None]] = {}  # that are being sent, by job

    async def show(self, entries: list[Entry], slots: int) -> None:
        """Sends each job its first status, then moves what has changed, the oldest first."""
        changed: list[tuple[float, Entry, str]] = []
        for entry, text in await self._places(entries, slots):
            job_id = entry.job.id
            at, before = self.shown.get(job_id, (0.0, ""))
            if entry.accepted.status_id:
                if text != before:
                    changed.append((at, entry, text))
            elif (
                entry.accepted.status_id is None  # not one that may be there
                and entry.job.again_at <= time.time()
                and job_id not in self.first_words
            ):
                sending = asyncio.create_task(self._send(entry, text))
                self.first_words[job_id] = sending
                sending.add_done_callback(partial(self._forget_first_words, job_id))
        until = time.monotonic() + ROUND_SECONDS
        for _, entry, text in sorted(changed, key=lambda change: change[0]):
            if time.monotonic() < until:
                await self._move(entry, text)

    async def _places(self, entries: list[Entry], slots: int) -> list[tuple[Entry, str]]:
        """What each job that waits is to be told; an album to which photos may come, nothing."""
        by_id = {entry.accepted.id: entry for entry in entries}
        order = [by_id[job.id] for job in in_order(entry.accepted for entry in entries)]
        running = [entry for entry in entries if entry.accepted.started is not None]
        mean = await self.context.store.mean_seconds()
        seconds = waiting_seconds((entry.job for entry in order), running, mean, slots)
        waiting = {entry.accepted.id for entry in order}
        self.shown = {job_id: told for job_id, told in self.shown.items() if job_id in waiting}
        gathered = time.time() - GATHER_SECONDS
        places: list[tuple[int, Entry, str]] = []
        with self.i18n.context():
            for language in {entry.job.language for entry in order}:  # changing it takes longest
                with self.i18n.use_locale(language):
                    places += [
                        (place, entry, texts.queued(place, left))
                        for place, (entry, left) in enumerate(zip(order, seconds, strict=True), 1)
                        if entry.job.language == language and entry.job.gathered <= gathered
                    ]
        return [(entry, text) for _, entry, text in sorted(places, key=lambda told: told[0])]

    async def _send(self, entry: Entry, text: str) -> None:
        """Under the user's lock: a worker who begins meanwhile does not send one as well."""
        accepted, job = entry
        try:
            async with self.context.store.lock(job.user_id):
                now = await self.context.store.job(job.id)
                if now is None or now.started is not None or now.status_id is not None:
                    return
                with speaking_to(job, self.i18n):
                    menu = await menu_while_waiting(job, self.context.store)
                send = partial(
                    self.bot.send_message,
                    job.chat_id,
                    text,
                    reply_markup=menu,
                    reply_parameters=job.reply,
                )
                with patience(PATIENCE):
                    if await send_status(send, job, self.context.store, before=None) is None:
                        return
            self.shown[job.id] = (time.monotonic(), text)
            await ask_for_quick_picture(job, text, self.context)
        except TelegramForbiddenError:
            if await self.context.store.finish(job.id):
                log.info("job %s is dropped: its user blocked the bot", job.id)
                await drop([job.id], self.context)
                await offer_next(accepted, self.context)
        except (TelegramAPIError, StoreError) as error:
            log.warning("job %s: its status could not be sent: %s", job.id, error)

    def _forget_first_words(self, job_id: str, _: asyncio.Task[None]) -> None:
        del self.first_words[job_id]

    async def _move(self, entry: Entry, text: str) -> None:
        """Under the user's lock: else it could overwrite the last word of a job just cancelled."""
        job = entry.job
        async with self.context.store.lock(job.user_id):
            now = await self.context.store.job(job.id)
            if now is None or now.started is not None or not now.status_id:
                return
            if not await may_edit(job.chat_id, self.context.pace):
                return
            with speaking_to(job, self.i18n):
                menu = await menu_while_waiting(job, self.context.store)
            try:
                with only_if_free():
                    await edit_status(self.bot, job.chat_id, now.status_id, text, menu)
            except GivenUp:  # the next round tries again
                return
            except TelegramAPIError as error:  # the same words would fail again
                log.info("job %s: its place could not be shown: %s", job.id, error)
            self.shown[job.id] = (time.monotonic(), text)
