"""A job is what somebody wants done with a photo: accepting, queueing, cancelling, announcing it.

A job holds ids and choices only. It is written down in the store, which is the truth; docket then
runs it (jobs/worker.py). docket has at most one job of each user, the first: so everybody's turn comes,
however many photos one person sends.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramForbiddenError
from aiogram.types import InlineKeyboardMarkup, Message, ReplyParameters
from aiogram.utils.i18n import I18n
from docket import Docket
from pydantic import TypeAdapter, ValidationError
from redis.exceptions import RedisError

import keyboards
import texts
from metrics import JOBS, QUEUE_LENGTH
from settings import Settings
from store import Accepted, Store, StoreError
from telegram_api.sending import Pace, only_if_free
from users import Language, Photo
from wishes import SeasonWish, StyleWish, Wish

log = logging.getLogger(__name__)

EDIT_SECONDS = 1.5  # between two edits of status messages in one chat
EDIT_SECONDS_IN_GROUP = 4.0
GATHER_SECONDS = 1.0  # an album whose last photo came so long ago is complete
ROUND_SECONDS = 2.0  # between two looks at the queue
SETTLE_SECONDS = 0.3  # a job that begins so soon needs no word about waiting
REFILL_SECONDS = 15.0  # between two looks for jobs that docket has forgotten


@dataclass(frozen=True)
class Picture:
    """A result that Telegram has."""

    file_id: str
    as_photo: bool


@dataclass(frozen=True)
class Job:
    """`id` is made of what asked for it: the same update delivered again makes the same job."""

    id: str
    chat_id: int
    user_id: int
    language: Language
    photo: Photo
    wish: Wish
    more: tuple[Photo, ...] = ()  # the others of its album, in their order
    gathered: float = 0  # when the last photo of an album came, seconds since 1970
    results: tuple[Picture | None, ...] = ()  # of the first photos of an album; None: unreadable
    sent: bool = False  # the album of results may have been sent

    @property
    def photos(self) -> tuple[Photo, ...]:
        return self.photo, *self.more

    @property
    def kind(self) -> str:
        if isinstance(self.wish, StyleWish):
            return "style"
        return "season" if isinstance(self.wish, SeasonWish) else "compare"

    @property
    def reply(self) -> ReplyParameters:
        """Its messages stand under its photo."""
        return ReplyParameters(message_id=self.photo.message_id, allow_sending_without_reply=True)


_JOB = TypeAdapter(Job)


def job_in(accepted: Accepted) -> Job:
    return _JOB.validate_json(accepted.job)


def to_json(job: Job) -> str:
    return _JOB.dump_json(job, exclude_defaults=True).decode()


@dataclass(frozen=True)
class JobContext:
    """What those who talk and those who work have in common."""

    store: Store
    docket: Docket
    pace: Pace
    settings: Settings
    changed: asyncio.Event = field(default_factory=asyncio.Event)


async def submit(job: Job, context: JobContext) -> str | None:
    """Writes the job down and queues it; returns a sentence that says why not, where it cannot be.

    The same wish for the same photo waits once. A photo of an album joins those that came before.
    Raises `StoreError`: then nothing is promised.
    """
    waiting = [job_in(accepted) for accepted in await context.store.jobs(job.user_id)]
    if any(same_work(other, job) and other.id != job.id for other in waiting):
        return None
    for other in waiting if job.gathered and job.photo.album else []:
        if other.gathered and other.photo.album == job.photo.album and other.id != job.id:
            photos = sorted({*other.photos, *job.photos}, key=lambda photo: photo.message_id)
            album = replace(job, id=other.id, photo=photos[0], more=tuple(photos[1:]))
            if await context.store.extend(other.id, to_json(album), instead_of=job.id):
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


def same_work(one: Job, other: Job) -> bool:
    return (one.photos, one.wish) == (other.photos, other.wish)


async def offer_first(user_id: int, context: JobContext) -> None:
    """Gives docket the first of the user's jobs, unless it has it."""
    if first := next(iter(await context.store.jobs(user_id)), None):
        await _offer(first, context)
    context.changed.set()


async def _offer(job: Accepted, context: JobContext) -> None:
    try:
        await context.docket.add("repaint", key=job.id)(job.id, job.user_id)
    except RedisError as error:
        raise StoreError(f"docket: {error}") from error


async def after(job: Accepted, context: JobContext) -> None:
    """The job is struck out: the next one of its user may come to docket."""
    if following := next(iter(await context.store.jobs(job.user_id)), None):
        await context.store.make_ready(following.id)
        await _offer(following, context)
    context.changed.set()


async def cancel(job_id: str, user_id: int, context: JobContext) -> bool:
    """Takes the user's job out of the queue, or stops it at its next step; False if it is over."""
    job = await context.store.job(job_id)
    if job is None or job.user_id != user_id or not await context.store.finish(job_id):
        return False
    log.info("job %s is cancelled", job_id)
    JOBS.labels(job_in(job).kind, "cancelled").inc()
    await drop([job_id], context)
    await after(job, context)
    return True


async def drop(job_ids: list[str], context: JobContext) -> None:
    """Has docket forget jobs that are struck out of the store, and stop those in work."""
    try:
        for job_id in job_ids:
            await context.docket.cancel(job_id)
    except RedisError as error:
        raise StoreError(f"docket: {error}") from error
    context.changed.set()


def in_order(jobs: list[Accepted]) -> list[Accepted]:
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


def seconds_until(
    place: int, order: list[Accepted], running: list[Accepted], mean: dict[str, float], slots: int
) -> float | None:
    """How long the job at `place` (from 0) of the order waits, by the mean seconds of its kinds.

    None where nothing was measured yet, or nobody works.
    """
    if not mean or not slots:
        return None
    usual = max(mean.values())
    now = time.time()

    def takes(accepted: Accepted) -> float:
        job = job_in(accepted)
        return mean.get(job.kind, usual) * (len(job.photos) - len(job.results))

    left = [max(0, takes(job) - (now - (job.started or now))) for job in running]
    ahead = [takes(job) for job in order[:place]]
    free_at = sorted([*left, *[0.0] * slots][: max(slots, len(left))])
    for seconds in ahead:
        free_at = sorted([free_at[0] + seconds, *free_at[1:]])
    return free_at[0]


async def announce(
    context: JobContext,
    bot: Bot,
    i18n: I18n,
    process: str,
    count_slots: Callable[[], Awaitable[int]],
) -> None:
    """Tells everybody who waits their place, as long as it runs, and refills docket from the store.

    Of several processes one does it at a time.
    """
    statuses = Statuses(context, bot, i18n)
    refill_at = 0.0
    while True:
        try:
            if await context.store.leads(process, 5 * ROUND_SECONDS):
                if time.monotonic() >= refill_at:
                    refill_at = time.monotonic() + REFILL_SECONDS
                    await _refill(context)
                jobs = await context.store.jobs()
                QUEUE_LENGTH.set(sum(job.started is None for job in jobs))
                await statuses.show(jobs, await count_slots())
        except (StoreError, RedisError) as error:
            log.warning("the queue cannot be looked at: %s", error)
        except Exception:
            log.exception("the queue was not announced")
        with suppress(TimeoutError):
            await asyncio.wait_for(context.changed.wait(), ROUND_SECONDS)
            context.changed.clear()
            await asyncio.sleep(SETTLE_SECONDS)


async def _refill(context: JobContext) -> None:
    """docket has everybody's first job: also what it had forgotten, or never was told."""
    firsts: dict[int, Accepted] = {}
    for job in await context.store.jobs():
        try:
            job_in(job)
        except ValidationError as error:
            log.error("job %s, of another version, is dropped: %s", job.id, error)
            await context.store.finish(job.id)
        else:
            firsts.setdefault(job.user_id, job)
    for job in firsts.values():
        await _offer(job, context)


class Statuses:
    """The status messages of the jobs that wait."""

    def __init__(self, context: JobContext, bot: Bot, i18n: I18n) -> None:
        self.context, self.bot, self.i18n = context, bot, i18n
        self.shown: dict[str, tuple[float, str]] = {}  # by job: when, and what
        self.first_words: dict[str, asyncio.Task[None]] = {}  # that are being sent, by job

    async def show(self, jobs: list[Accepted], slots: int) -> None:
        """Sends each job its first status, then moves what has changed, the oldest first."""
        order, running = in_order(jobs), [job for job in jobs if job.started is not None]
        mean = await self.context.store.mean_seconds()
        self.shown = {job.id: self.shown[job.id] for job in order if job.id in self.shown}
        moved: list[tuple[float, Accepted, str]] = []
        for place, accepted in enumerate(order):
            seconds = seconds_until(place, order, running, mean, slots)
            with speaking_to(job_in(accepted), self.i18n):
                text = texts.queued(place + 1, seconds)
            at, before = self.shown.get(accepted.id, (0.0, ""))
            if job_in(accepted).gathered + GATHER_SECONDS > time.time():
                continue  # more photos of its album may come
            if accepted.status_id is None:
                if accepted.id not in self.first_words:
                    sending = asyncio.create_task(self._send(accepted, text))
                    self.first_words[accepted.id] = sending
                    sending.add_done_callback(partial(self._sent, accepted.id))
            elif text != before:
                moved.append((at, accepted, text))
        until = time.monotonic() + ROUND_SECONDS
        for _, accepted, text in sorted(moved, key=lambda entry: entry[0]):
            if time.monotonic() < until:
                await self._move(accepted, text)

    async def _send(self, accepted: Accepted, text: str) -> None:
        """Under the user's lock: a worker who begins meanwhile does not send one as well."""
        job = job_in(accepted)
        with speaking_to(job, self.i18n):
            menu = keyboards.status_menu(job.id)
        try:
            async with self.context.store.lock(job.user_id):
                now = await self.context.store.job(job.id)
                if now is None or now.started is not None or now.status_id is not None:
                    return
                message = await self.bot.send_message(
                    job.chat_id, text, reply_markup=menu, reply_parameters=job.reply
                )
                if not await self.context.store.set_status(job.id, message.message_id, None):
                    await message.delete()  # it is over
            self.shown[job.id] = (time.monotonic(), text)
        except TelegramForbiddenError:
            if await self.context.store.finish(job.id):
                log.info("job %s is dropped: its user blocked the bot", job.id)
                await drop([job.id], self.context)
                await after(accepted, self.context)
        except (TelegramAPIError, StoreError) as error:
            log.warning("job %s: its status could not be sent: %s", job.id, error)

    def _sent(self, job_id: str, _: asyncio.Task[None]) -> None:
        del self.first_words[job_id]

    async def _move(self, accepted: Accepted, text: str) -> None:
        """Under the user's lock: else it could overwrite the last word of a job just cancelled."""
        job = job_in(accepted)
        with speaking_to(job, self.i18n):
            menu = keyboards.status_menu(job.id)
        async with self.context.store.lock(job.user_id):
            now = await self.context.store.job(job.id)
            if now is None or now.started is not None:
                return
            if not await may_edit(job.chat_id, self.context.pace):
                return
            try:
                with only_if_free():
                    done = await edit_words(self.bot, job.chat_id, now.status_id, text, menu)
            except TelegramAPIError as error:
                log.info("job %s: its place could not be shown: %s", job.id, error)
                done = False
            if done is not True:  # True: Telegram was too busy for it
                self.shown[job.id] = (time.monotonic(), text)


@contextmanager
def speaking_to(job: Job, i18n: I18n) -> Iterator[None]:
    """In the language of the job's user, with buttons that in a group are theirs."""
    owner = job.user_id if job.chat_id < 0 else None
    with i18n.context(), i18n.use_locale(job.language), keyboards.owned_by(owner):
        yield


async def may_edit(chat_id: int, pace: Pace) -> bool:
    seconds = EDIT_SECONDS_IN_GROUP if chat_id < 0 else EDIT_SECONDS
    return await pace.reserve(f"edit:{chat_id}", seconds, patience=0) is not None


async def edit_words(
    bot: Bot, chat_id: int, message_id: int | None, words: str, menu: InlineKeyboardMarkup
) -> Message | bool:
    """Gives a status message other words: where it shows a picture already, under that."""
    where: dict[str, Any] = {"chat_id": chat_id, "message_id": message_id, "reply_markup": menu}
    try:
        return await bot.edit_message_text(words, **where)
    except TelegramBadRequest as error:
        if "there is no text in the message" not in error.message:
            raise
        return await bot.edit_message_caption(caption=words, **where)
