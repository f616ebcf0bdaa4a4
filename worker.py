"""The work on a job: its photo is downloaded, worked on in a thread, and the result is delivered.

A job's answer is its status message: the picture is put into it by an edit, which may be repeated.
So nobody gets a picture twice, whoever dies between sending it and striking the job out.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, TypeVar

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
)
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
)
from aiogram.utils.chat_action import ChatActionSender
from aiogram.utils.i18n import I18n
from docket import ConcurrencyLimit, Worker
from PIL import Image

import keyboards
from image_processing import (
    BadImage,
    Cancelled,
    OnProgress,
    change_season,
    decode,
    encode_file,
    encode_photo,
    limits_of,
    paint,
)
from jobs import EDIT_SECONDS, Job, Queue, SeasonWish, StyleWish, after, job_in, may_edit
from logs import about
from metrics import JOBS, STAGE_SECONDS
from presets import N_, PRESETS
from sending import download, only_if_free
from settings import Settings
from store import Accepted, StoreError

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_BEGINNINGS = 2  # a job that took the process down so often is dropped
LEASE = timedelta(seconds=10)  # a worker not heard of for so long is dead: others do its jobs
PROGRESS_SECONDS = 1.5  # between two looks at how far the work is
STOP_SECONDS = 10.0  # for a thread to come to its next step and stop
FRESH_SECONDS = 60.0  # an older status gives way to a new one, whose arrival is noticed
HAND_BACK_SECONDS = 3.0  # of those that SIGTERM leaves
MOST_SIDES_OF_PHOTO = 10_000  # width + height in pixels, of what Telegram takes as a photo
MOST_ELONGATED_PHOTO = 20  # long side to short side


class TookTooLong(Exception):
    """The work was not done within `JOB_TIMEOUT`."""


class NobodyThere(Exception):
    """The user blocked the bot, or the chat is gone."""


@dataclass(frozen=True)
class Result:
    """A finished picture, encoded."""

    data: bytes
    name: str
    as_photo: bool


class Workshop:
    """What the work needs. `stuck` is set when a thread does not stop: the process has to end."""

    def __init__(self, queue: Queue, bot: Bot, i18n: I18n) -> None:
        self.queue, self.bot, self.i18n = queue, bot, i18n
        self.settings = queue.settings
        self.threads = ThreadPoolExecutor(self.settings.workers, thread_name_prefix="painter")
        self.stuck = asyncio.Event()
        self.hands_back = False
        queue.docket.register(self.repaint)

    async def repaint(self, job_id: str, user_id: Annotated[int, ConcurrencyLimit(1)]) -> None:
        """docket's task: does the job, unless it was struck out of the store."""
        with about(job=job_id, user=user_id):
            accepted = await until_written(lambda: self.queue.store.begin(job_id))
            if accepted is None:
                return
            job = job_in(accepted)
            answer = Answer(job, accepted, self.queue, self.bot)
            with self.i18n.context(), self.i18n.use_locale(job.language):
                try:
                    outcome, words = await self._do(job, accepted.attempts, answer)
                    if words:
                        with suppress(TelegramAPIError):
                            await answer.end_with(words)
                except asyncio.CancelledError:
                    await self._interrupted(answer)
                    raise
            await until_written(lambda: self.queue.store.finish(job_id))
            JOBS.labels(job.kind, outcome).inc()
            log.info("job %s is over: %s", job_id, outcome)
            await until_written(lambda: after(accepted, self.queue))

    async def _do(self, job: Job, beginnings: int, answer: "Answer") -> tuple[str, str | None]:
        """Answers the job with its picture; returns what became of it, and what is to be said."""
        began = time.monotonic()
        try:
            if beginnings > MOST_BEGINNINGS:
                return "gave_up", keyboards.gave_up()
            async with answer, ChatActionSender.upload_photo(chat_id=job.chat_id, bot=self.bot):
                with _measured("download"):
                    work = await self._work(job)
                with _measured("work"):
                    result = await self._in_thread(partial(_encoded, job, work), answer.progress)
                with _measured("deliver"):
                    await answer.become(result)
        except BadImage as error:
            return "bad_image", keyboards.explained(error)
        except (NobodyThere, TelegramForbiddenError):
            return "blocked", None
        except TookTooLong:
            log.error("job %s was not done within %s s", job.id, self.settings.job_timeout)
            return "timeout", keyboards.timed_out()
        except Exception:
            log.exception("job %s failed", job.id)
            return "failed", keyboards.failed()
        seconds = time.monotonic() - began
        await until_written(lambda: self.queue.store.note_seconds(job.kind, seconds))
        return "done", None

    async def _work(self, job: Job) -> Callable[[OnProgress], Image.Image]:
        """Downloads what the job needs; returns what is to be done in a thread."""
        photo = await download(self.bot, job.photo.file_id)
        if isinstance(job.wish, SeasonWish):
            return partial(_change_season, photo, job.wish, self.settings)
        if job.wish.file_id is None:
            style = await asyncio.to_thread(PRESETS[job.wish.style].path.read_bytes)
        else:
            style = await download(self.bot, job.wish.file_id)
        return partial(_paint, photo, style, job.wish, self.settings)

    async def _in_thread(
        self,
        work: Callable[[OnProgress], T],
        show_progress: Callable[[float], Awaitable[None]],
    ) -> T:
        """Runs `work` in a thread, shows how far it is, and stops it when this task ends before."""
        stop = threading.Event()
        reached = 0.0

        def on_progress(fraction: float) -> None:
            nonlocal reached
            reached = fraction
            if stop.is_set():
                raise Cancelled

        running = asyncio.get_running_loop().run_in_executor(self.threads, work, on_progress)
        deadline = time.monotonic() + self.settings.job_timeout
        try:
            while not (await asyncio.wait({running}, timeout=PROGRESS_SECONDS))[0]:
                if time.monotonic() > deadline:
                    raise TookTooLong
                await show_progress(reached)
        except BaseException:  # took too long, was cancelled, or nobody waits for the result
            stop.set()
            patience = 0 if self.hands_back else STOP_SECONDS
            if not (await asyncio.wait({running}, timeout=patience))[0] and patience:
                log.critical("a thread does not stop: this process has to end")
                self.stuck.set()
            running.add_done_callback(asyncio.Future.exception)  # looked at, lest asyncio warn
            raise
        return await running

    async def _interrupted(self, answer: "Answer") -> None:
        """The job is cancelled: by its user, then it is struck out, or by the end of this process,
        which hands it back.
        """
        job_id = answer.job.id
        try:
            if await self.queue.store.job(job_id):
                await self.queue.store.hand_back(job_id)
                log.info("job %s is handed back", job_id)
            else:  # progress may have been on its way when the user was told
                await answer.end_with(keyboards.cancelled())
        except (StoreError, TelegramAPIError) as error:
            log.warning("job %s is left behind: %s", job_id, error)


class Answer:
    """A job's status message, on its way to become the answer."""

    def __init__(self, job: Job, accepted: Accepted, queue: Queue, bot: Bot) -> None:
        self.job, self.queue, self.bot = job, queue, bot
        self.message_id, self.sent = accepted.status_id, accepted.status_sent
        self.shown = ""
        self.began = time.monotonic()
        self.starting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        """The status is sent while the work begins."""
        self.starting = asyncio.create_task(self._start())

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self.starting
        if kind is asyncio.CancelledError:
            self.starting.cancel()
        await asyncio.wait({self.starting})
        if not self.starting.cancelled():
            self.starting.exception()  # looked at, lest asyncio warn

    async def _start(self) -> None:
        """A status sent long ago gives way to a new one, since an edit makes no sound."""
        if self.message_id is None:
            await self._send()
        elif time.time() - self.sent > FRESH_SECONDS:
            with suppress(TelegramBadRequest):  # the user was quicker, or it is too old
                await self.bot.delete_message(self.job.chat_id, self.message_id)
            await self._send()

    async def _send(self) -> None:
        self.shown = keyboards.progress(0)
        message = await self.bot.send_message(
            self.job.chat_id,
            self.shown,
            reply_markup=keyboards.status_menu(self.job.id),
            reply_parameters=self.job.reply,
        )
        before, new = self.message_id, message.message_id
        if await until_written(lambda: self.queue.store.set_status(self.job.id, new, before)):
            self.message_id = new
            return
        now = await until_written(lambda: self.queue.store.job(self.job.id))
        if now and now.status_id:  # told by those who announce the queue, at the same moment
            with suppress(TelegramBadRequest):
                await message.delete()
            self.message_id = now.status_id
        else:  # cancelled meanwhile
            self.message_id = new

    async def progress(self, fraction: float) -> None:
        """Shows the share done, 0 to 1, unless the result itself is about to come."""
        if self.starting and not self.starting.done():
            return
        if self.starting:
            self.starting.result()
        left = (time.monotonic() - self.began) * (1 - fraction) / max(fraction, 0.01)
        text = keyboards.progress(fraction)
        if left < EDIT_SECONDS or text == self.shown:
            return
        if not await may_edit(self.job.chat_id, self.queue.pace):
            return
        try:
            with only_if_free():
                done = await self.bot.edit_message_text(
                    text,
                    chat_id=self.job.chat_id,
                    message_id=self.message_id,
                    reply_markup=keyboards.status_menu(self.job.id),
                )
        except TelegramForbiddenError:
            raise NobodyThere from None
        except TelegramAPIError as error:  # an unseen status must not cost the result
            log.info("job %s: its progress could not be shown: %s", self.job.id, error)
            return
        if done is not True:  # True: Telegram was too busy for it
            self.shown = text

    async def become(self, result: Result) -> None:
        """Puts the picture into the status, or into a new one where the user deleted it; what
        Telegram does not take as a photo goes as a document.
        """
        if self.starting:
            await self.starting
        caption, menu = _under_result(self.job)
        as_photo = result.as_photo
        for attempts_left in (2, 1, 0):
            media = InputMediaPhoto if as_photo else InputMediaDocument
            file = BufferedInputFile(result.data, result.name)
            try:
                await self.bot.edit_message_media(
                    media(media=file, caption=caption),
                    chat_id=self.job.chat_id,
                    message_id=self.message_id,
                    reply_markup=menu,
                )
            except TelegramBadRequest as error:
                if "chat not found" in error.message:
                    raise NobodyThere from error
                if attempts_left and is_gone(error):
                    await self._send()
                elif attempts_left and as_photo:
                    log.info("job %s goes as a document: %s", self.job.id, error.message)
                    as_photo = False
                else:
                    raise
            else:
                return

    async def end_with(self, words: str) -> None:
        """The last word where there is no picture."""
        menu = keyboards.back_to_menu()
        if self.message_id is not None:
            try:
                await self.bot.edit_message_text(
                    words, chat_id=self.job.chat_id, message_id=self.message_id, reply_markup=menu
                )
            except TelegramBadRequest as error:
                if not is_gone(error):
                    raise
            else:
                return
        await self.bot.send_message(
            self.job.chat_id, words, reply_markup=menu, reply_parameters=self.job.reply
        )


def is_gone(error: TelegramBadRequest) -> bool:
    """Whether there is no message any more that could be edited."""
    words = ("message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID")
    return any(word in error.message for word in words)


async def until_written(write: Callable[[], Awaitable[T]]) -> T:
    """Tries until the store is there again."""
    while True:
        try:
            return await write()
        except StoreError as error:
            log.warning("the store is waited for: %s", error)
            await asyncio.sleep(1)


@contextmanager
def _measured(stage: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    STAGE_SECONDS.labels(stage).observe(time.monotonic() - began)


def _paint(
    photo: bytes, style: bytes, wish: StyleWish, settings: Settings, on_progress: OnProgress
) -> Image.Image:
    limits = limits_of(settings)
    try:
        style_image = decode(style, limits)
    except BadImage as error:
        raise BadImage(N_("The style picture: {problem}"), problem=error) from error
    return paint(
        decode(photo, limits),
        style_image,
        size=settings.nst_size,
        strength=wish.strength,
        variation=wish.variation,
        engine=settings.engine,
        on_progress=on_progress,
    )


def _change_season(
    photo: bytes, wish: SeasonWish, settings: Settings, on_progress: OnProgress
) -> Image.Image:
    image = decode(photo, limits_of(settings))
    on_progress(0.5)  # the rest takes a fraction of a second
    return change_season(image, wish.direction, size=settings.cyclegan_size, engine=settings.engine)


def _encoded(
    job: Job, work: Callable[[OnProgress], Image.Image], on_progress: OnProgress
) -> Result:
    """The finished picture as Telegram wants it: a file where the photo came as one, without loss,
    or where it is too large or too elongated for a photo.
    """
    picture = work(on_progress)
    on_progress(1.0)
    too_large = sum(picture.size) > MOST_SIDES_OF_PHOTO
    too_elongated = max(picture.size) > MOST_ELONGATED_PHOTO * min(picture.size)
    if job.photo.as_file or too_large or too_elongated:
        data, extension = encode_file(picture)
        return Result(data, f"paintbox{extension}", as_photo=False)
    return Result(encode_photo(picture), "paintbox.jpg", as_photo=True)


def _under_result(job: Job) -> tuple[str | None, InlineKeyboardMarkup]:
    """Caption and buttons."""
    wish = job.wish
    if isinstance(wish, SeasonWish):
        return None, keyboards.season_result_menu()
    preset = PRESETS.get(wish.style)
    caption = keyboards.caption_of(preset) if preset else None
    return caption, keyboards.painting_menu(wish.style, wish.strength, wish.variation)


async def work_until(stop: asyncio.Event, workshop: Workshop) -> None:
    """Does docket's jobs until `stop`, or until a thread is stuck.

    Then it takes no more; those in work are finished within `SHUTDOWN_SECONDS`, or handed back.
    """
    settings = workshop.settings
    worker = Worker(
        workshop.queue.docket,
        concurrency=settings.workers,
        redelivery_timeout=LEASE,
        reconnection_delay=timedelta(seconds=1),
    )
    async with worker:
        running = asyncio.create_task(worker.run_forever())
        stopping = asyncio.create_task(stop.wait())
        stuck = asyncio.create_task(workshop.stuck.wait())
        await asyncio.wait({running, stopping, stuck}, return_when=asyncio.FIRST_COMPLETED)
        running.cancel()  # docket takes no more jobs and waits for those in work
        grace = max(0, settings.shutdown_seconds - HAND_BACK_SECONDS)
        await asyncio.wait({running, stuck}, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        workshop.hands_back = True
        running.cancel()  # the second time it cancels those as well
        await asyncio.wait({running})
        for waiting in (stopping, stuck):
            waiting.cancel()
    workshop.threads.shutdown(wait=False)
    if not running.cancelled():
        running.result()
