"""The work on a job: its photo is downloaded, worked on in a thread, and the result is delivered.

A job's answer is its status message: the picture is put into it by an edit, which may be repeated.
So nobody gets a picture twice, whoever dies between sending it and striking the job out.
"""

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, TypeVar

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
)
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    MediaUnion,
    Message,
)
from aiogram.utils.chat_action import ChatActionSender
from aiogram.utils.i18n import I18n
from docket import ConcurrencyLimit, Worker
from PIL import Image

import keyboards
import texts
from decoding import BadImage, decode, limits_of
from encoding import MOST_SIDES_OF_PHOTO, encode_file, encode_photo
from image_processing import (
    Cancelled,
    OnProgress,
    change_season,
    load_networks,
    paint,
    room_for_painting,
    side_by_side,
)
from jobs.queue import (
    EDIT_SECONDS,
    GATHER_SECONDS,
    Job,
    JobContext,
    Picture,
    after,
    edit_words,
    job_in,
    may_edit,
    speaking_to,
    to_json,
)
from logs import about
from metrics import JOBS, STAGE_SECONDS
from model_nst.style_transfer import Style
from presets import N_, PRESETS
from settings import Settings
from store import Accepted, StoreError
from telegram_api.sending import download, only_if_free
from users import Photo
from wishes import AMOUNTS, CompareWish, SeasonWish, StyleWish, Wish

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_BEGINNINGS = 2  # a job that took the process down so often is dropped
LEASE = timedelta(seconds=10)  # a worker not heard of for so long is dead: others do its jobs
PROGRESS_SECONDS = 1.5  # between two looks at how far the work is
STOP_SECONDS = 10.0  # for a thread to come to its next step and stop
FRESH_SECONDS = 60.0  # an older status gives way to a new one, whose arrival is noticed
HAND_BACK_SECONDS = 3.0  # of those that SIGTERM leaves
MOST_ELONGATED_PHOTO = 20  # long side to short side, of what Telegram takes as a photo
NICENESS = 10  # that threads that paint have more than others, of 19 at most
RESULTS = 10  # of each user that inline mode offers


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


class Work:
    """What the thread that works and the task that tells of it have in common."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.reached = 0.0
        self.coarse: bytes | None = None  # the painting so far, until it is shown

    def on_progress(self, fraction: float) -> None:
        self.reached = fraction
        if self.stop.is_set():
            raise Cancelled

    def on_preview(self, coarse: Image.Image) -> None:
        self.coarse = encode_photo(coarse).data


class Workshop:
    """What the work needs. `stuck` is set when a thread does not stop: the process has to end."""

    def __init__(self, context: JobContext, bot: Bot, i18n: I18n) -> None:
        self.context, self.bot, self.i18n = context, bot, i18n
        self.settings = context.settings
        self.threads = ThreadPoolExecutor(
            self.settings.workers, thread_name_prefix="painter", initializer=step_back
        )
        self.stuck = asyncio.Event()
        self.loaded = asyncio.Event()  # the networks are
        self.hands_back = False
        context.docket.register(self.repaint)

    async def load(self) -> None:
        """Loads the networks; without them the process never turns ready."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self.threads, load_networks, self.settings.engine)
        except (OSError, ValueError, RuntimeError):
            log.exception("the networks cannot be loaded")
        else:
            self.loaded.set()

    async def repaint(self, job_id: str, user_id: Annotated[int, ConcurrencyLimit(1)]) -> None:
        """docket's task: does the job, unless it was struck out of the store."""
        with about(job=job_id, user=user_id):
            await self._gathered(job_id)
            accepted = await until_written(lambda: self.context.store.begin(job_id))
            if accepted is None:
                return
            job = job_in(accepted)
            answer = Answer(job, accepted, self.context, self.bot)
            with speaking_to(job, self.i18n):
                try:
                    outcome, words = await self._do(job, accepted.attempts, answer)
                    if words:
                        with suppress(TelegramAPIError):
                            await answer.end_with(words)
                except asyncio.CancelledError:
                    await self._interrupted(answer)
                    raise
            if await until_written(lambda: self.context.store.finish(job_id)):
                await self._remember(job.user_id, answer.pictures)
            JOBS.labels(job.kind, outcome).inc()
            log.info("job %s is over: %s", job_id, outcome)
            await until_written(lambda: after(accepted, self.context))

    async def _gathered(self, job_id: str) -> None:
        """Until no photo has come to the job's album for a while."""
        while accepted := await until_written(lambda: self.context.store.job(job_id)):
            left = job_in(accepted).gathered + GATHER_SECONDS - time.time()
            if left <= 0:
                return
            await asyncio.sleep(min(left, GATHER_SECONDS))

    async def _remember(self, user_id: int, pictures: list[Picture]) -> None:
        """For inline mode. That one is missing there is no reason to fail."""
        with suppress(StoreError):
            for picture in pictures:
                note = f"{'photo' if picture.as_photo else 'document'} {picture.file_id}"
                await self.context.store.note_result(user_id, note, RESULTS)

    async def _do(self, job: Job, beginnings: int, answer: "Answer") -> tuple[str, str | None]:
        """Answers the job with its picture; returns what became of it, and what is to be said."""
        began = time.monotonic()
        try:
            if beginnings > MOST_BEGINNINGS:
                return "gave_up", texts.gave_up()
            async with answer, ChatActionSender.upload_photo(chat_id=job.chat_id, bot=self.bot):
                if job.more:
                    await self._album(job, answer)
                else:
                    result = await self._picture(job, job.photo, answer)
                    with _measured("deliver"):
                        await answer.become(result)
        except BadImage as error:
            return "bad_image", texts.explained(error)
        except (NobodyThere, TelegramForbiddenError):
            return "blocked", None
        except TelegramBadRequest as error:
            if "file is too big" not in error.message:
                log.exception("job %s failed", job.id)
                return "failed", texts.failed()
            return "bad_image", texts.file_too_big(self.settings.max_file_mb)
        except TookTooLong:
            log.error("job %s was not done within %s s", job.id, self.settings.job_timeout)
            return "timeout", texts.timed_out()
        except Exception:
            log.exception("job %s failed", job.id)
            return "failed", texts.failed()
        seconds = (time.monotonic() - began) / max(1, len(job.photos) - len(job.results))
        await until_written(lambda: self.context.store.note_seconds(job.kind, seconds))
        return "done", None

    async def _album(self, job: Job, answer: "Answer") -> None:
        """Each picture is put into the status message, which tells its file id; all are then sent
        together by their ids. A photo that cannot be read is left out.
        """
        problem: BadImage | None = None
        for number, photo in enumerate(job.photos[len(job.results) :], len(job.results) + 1):
            picture = None
            answer.begin_part(number, len(job.photos))
            try:
                result = await self._picture(job, photo, answer)
                with _measured("deliver"):
                    picture = await answer.show_part(result)
            except BadImage as error:
                problem = error
            job = replace(job, results=(*job.results, picture))
            await self._note_progress(job)
        if not (pictures := [picture for picture in job.results if picture]):
            raise problem or BadImage(texts.failed())
        arrived = not job.sent
        if arrived:
            job = replace(job, sent=True)
            await self._note_progress(job)
            arrived = await answer.send_together(pictures)
        unreadable = [n for n, picture in enumerate(job.results, 1) if picture is None]
        is_file = not any(picture.as_photo for picture in pictures)
        _, menu = _under_result(job.wish, is_file, of_album=True)
        await answer.give_way(texts.album_done(len(pictures), unreadable, arrived), menu)

    async def _note_progress(self, job: Job) -> None:
        await until_written(lambda: self.context.store.note_progress(job.id, to_json(job)))

    async def _picture(self, job: Job, photo: Photo, answer: "Answer") -> Result:
        with _measured("download"):
            work = await self._work(job.wish, photo)
        with _measured("work"):
            finished = partial(_finished, job.wish, photo, work)
            return await self._in_thread(finished, answer.progress)

    async def _work(self, wish: Wish, photo: Photo) -> Callable[[Work], Image.Image]:
        """Downloads what the wish needs; returns what is to be done in a thread."""
        content = await download(self.bot, photo.file_id)
        if isinstance(wish, SeasonWish):
            return lambda work: _change_season(content, wish, self.settings, work.on_progress)
        if isinstance(wish, CompareWish):
            result = await download(self.bot, wish.result)
            return partial(_compare, content, result, self.settings)
        styles = [await self._style(wish.style, wish.file_id)]
        if wish.second:
            styles.append(await self._style(wish.second, wish.second_file_id))
        return partial(_paint, content, styles, wish, self.settings)

    async def _style(self, name: str, file_id: str | None) -> bytes:
        if file_id is None:
            return await asyncio.to_thread(PRESETS[name].path.read_bytes)
        return await download(self.bot, file_id)

    async def _in_thread(
        self, work: Callable[["Work"], T], show: Callable[["Work"], Awaitable[None]]
    ) -> T:
        """Runs `work` in a thread, shows how far it is, and stops it when this task ends before."""
        state = Work()
        running = asyncio.get_running_loop().run_in_executor(self.threads, work, state)
        deadline = time.monotonic() + self.settings.job_timeout
        try:
            while not (await asyncio.wait({running}, timeout=PROGRESS_SECONDS))[0]:
                if time.monotonic() > deadline:
                    raise TookTooLong
                await show(state)
        except BaseException:  # took too long, was cancelled, or nobody waits for the result
            state.stop.set()
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
            if await self.context.store.job(job_id):
                await self.context.store.hand_back(job_id)
                log.info("job %s is handed back", job_id)
            else:  # progress may have been on its way when the user was told
                await answer.end_with(texts.cancelled())
        except (StoreError, TelegramAPIError) as error:
            log.warning("job %s is left behind: %s", job_id, error)


def step_back() -> None:
    """This thread, and those that OpenVINO starts from it, leave the processor to the event loop
    whenever it has something to do.
    """
    if sys.platform == "linux":  # elsewhere it would be the whole process
        os.nice(NICENESS)


class Answer:
    """A job's status message, on its way to become the answer."""

    def __init__(self, job: Job, accepted: Accepted, context: JobContext, bot: Bot) -> None:
        self.job, self.context, self.bot = job, context, bot
        self.message_id, self.sent = accepted.status_id, accepted.status_sent
        self.shown = ""
        self.pictures: list[Picture] = []  # of the answer
        self.shows_picture = False
        self.part, self.parts = 1, 1
        self.began = time.monotonic()
        self.starting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        """The status is sent while the work begins."""
        self.starting = asyncio.create_task(until_written(self._start))

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self.starting
        if kind is asyncio.CancelledError:
            self.starting.cancel()
        await asyncio.wait({self.starting})
        if not self.starting.cancelled():
            self.starting.exception()  # looked at, lest asyncio warn

    async def _start(self) -> None:
        """A status sent long ago gives way to a new one, since an edit makes no sound.

        Under the user's lock: those who announce the queue may be sending the first one just now.
        """
        async with self.context.store.lock(self.job.user_id):
            if now := await self.context.store.job(self.job.id):
                self.message_id, self.sent = now.status_id, now.status_sent
            if self.message_id is None:
                await self._send()
            elif time.time() - self.sent > FRESH_SECONDS:
                with suppress(TelegramBadRequest):  # the user was quicker, or it is too old
                    await self.bot.delete_message(self.job.chat_id, self.message_id)
                await self._send()

    async def _send(self) -> None:
        self.shown, self.shows_picture = texts.progress(0), False
        message = await self.bot.send_message(
            self.job.chat_id,
            self.shown,
            reply_markup=keyboards.status_menu(self.job.id),
            reply_parameters=self.job.reply,
        )
        before, self.message_id = self.message_id, message.message_id
        new = message.message_id
        await until_written(lambda: self.context.store.set_status(self.job.id, new, before))

    async def progress(self, work: Work) -> None:
        """Shows the share done and the painting so far, unless the result is about to come."""
        fraction = work.reached
        if self.starting and not self.starting.done():
            return
        if self.starting:
            self.starting.result()
        left = (time.monotonic() - self.began) * (1 - fraction) / max(fraction, 0.01)
        text = texts.progress(fraction, self.part, self.parts)
        if left < EDIT_SECONDS or (text == self.shown and work.coarse is None):
            return
        if not await may_edit(self.job.chat_id, self.context.pace):
            return
        try:
            with only_if_free():
                menu = keyboards.status_menu(self.job.id)
                coarse, work.coarse = work.coarse, None
                if coarse:
                    photo = BufferedInputFile(coarse, "paintbox.jpg")
                    done = await self.bot.edit_message_media(
                        InputMediaPhoto(media=photo, caption=text),
                        chat_id=self.job.chat_id,
                        message_id=self.message_id,
                        reply_markup=menu,
                    )
                    self.shows_picture |= done is not True
                else:
                    done = await self._edit(text, menu)
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
        if picture := await self._show(result, partial(_under_result, self.job.wish)):
            self.pictures.append(picture)

    async def show_part(self, result: Result) -> Picture | None:
        """Puts one of an album's pictures into the status until the next one is there."""
        self.shown = texts.progress(1.0, self.part, self.parts)
        menu = keyboards.status_menu(self.job.id)
        return await self._show(result, lambda _: (self.shown, menu))

    def begin_part(self, part: int, parts: int) -> None:
        self.part, self.parts = part, parts
        self.began = time.monotonic()

    async def _show(
        self, result: Result, under: Callable[[bool], tuple[str | None, InlineKeyboardMarkup]]
    ) -> Picture | None:
        """`under` gives the caption and the buttons for a file or for a photo."""
        if self.starting:
            await self.starting
        as_photo = result.as_photo
        for attempts_left in (2, 1, 0):
            media = InputMediaPhoto if as_photo else InputMediaDocument
            file = BufferedInputFile(result.data, result.name)
            caption, menu = under(not as_photo)
            try:
                message = await self.bot.edit_message_media(
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
                self.shows_picture = True
                return picture_in(message) if isinstance(message, Message) else None
        raise AssertionError("the last attempt returns or raises")

    async def send_together(self, pictures: list[Picture]) -> bool:
        """As albums, of photos and of files; False where Telegram does not tell that they came.

        Then they are not sent again: nobody gets a picture twice.
        """
        self.pictures = pictures
        where: dict[str, Any] = {"chat_id": self.job.chat_id, "reply_parameters": self.job.reply}
        caption, _ = _under_result(self.job.wish, is_file=True)
        try:
            for as_photo in (True, False):
                media = InputMediaPhoto if as_photo else InputMediaDocument
                ids = [p.file_id for p in pictures if p.as_photo == as_photo]
                captions = [caption, *[None] * len(ids)]
                album: list[MediaUnion] = [
                    media(media=file_id, caption=text)
                    for file_id, text in zip(ids, captions, strict=False)
                ]
                if len(album) > 1:
                    await self.bot.send_media_group(media=album, **where)
                elif album and as_photo:
                    await self.bot.send_photo(photo=ids[0], caption=caption, **where)
                elif album:
                    await self.bot.send_document(document=ids[0], caption=caption, **where)
        except TelegramNetworkError as error:
            log.warning("job %s: its album may not have come: %s", self.job.id, error)
            return False
        return True

    async def give_way(self, words: str, menu: InlineKeyboardMarkup) -> None:
        """A last word under an album, which has no buttons of its own, instead of the status."""
        if self.message_id is not None:
            with suppress(TelegramBadRequest):  # the user was quicker
                await self.bot.delete_message(self.job.chat_id, self.message_id)
        await self.bot.send_message(
            self.job.chat_id,
            words,
            reply_markup=menu,
            reply_parameters=self.job.reply,
        )

    async def end_with(self, words: str) -> None:
        """The last word where there is no picture."""
        menu = keyboards.back_to_menu()
        if self.message_id is not None:
            try:
                await self._edit(words, menu)
            except TelegramBadRequest as error:
                if not is_gone(error):
                    raise
            else:
                return
        await self.bot.send_message(
            self.job.chat_id, words, reply_markup=menu, reply_parameters=self.job.reply
        )

    async def _edit(self, words: str, menu: InlineKeyboardMarkup) -> Message | bool:
        where = self.job.chat_id, self.message_id
        if self.shows_picture:
            return await self.bot.edit_message_caption(
                chat_id=where[0], message_id=where[1], caption=words, reply_markup=menu
            )
        return await edit_words(self.bot, *where, words, menu)


def picture_in(message: Message) -> Picture | None:
    if message.photo:
        return Picture(message.photo[-1].file_id, as_photo=True)
    return Picture(message.document.file_id, as_photo=False) if message.document else None


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
    photo: bytes, styles: list[bytes], wish: StyleWish, settings: Settings, work: Work
) -> Image.Image:
    limits = limits_of(settings)
    try:
        paintings = [Style(decode(style, limits), 1 / len(styles)) for style in styles]
    except BadImage as error:
        raise BadImage(N_("The style picture: {problem}"), problem=error) from error
    content = decode(photo, limits)
    return paint(
        content,
        paintings,
        wish,
        size=settings.nst_size,
        engine=settings.engine,
        megabytes=room_for_painting(settings),
        on_progress=work.on_progress,
        on_preview=work.on_preview,
    )


def _change_season(
    photo: bytes, wish: SeasonWish, settings: Settings, on_progress: OnProgress
) -> Image.Image:
    image = decode(photo, limits_of(settings))
    on_progress(0.5)  # the rest takes a fraction of a second
    return change_season(
        image,
        wish.direction,
        size=settings.cyclegan_size,
        engine=settings.engine,
        amount=AMOUNTS[wish.amount],
    )


def _compare(photo: bytes, result: bytes, settings: Settings, _: Work) -> Image.Image:
    limits = limits_of(settings)
    return side_by_side(decode(photo, limits), decode(result, limits))


def _finished(wish: Wish, photo: Photo, make: Callable[[Work], Image.Image], work: Work) -> Result:
    """The finished picture as Telegram wants it: a file where one is wished for or the photo came
    as one, without loss, or where it is too large or too elongated for a photo.
    """
    picture = make(work)
    work.on_progress(1.0)
    as_file = not isinstance(wish, CompareWish) and (wish.as_file or photo.as_file)
    too_large = sum(picture.size) > MOST_SIDES_OF_PHOTO
    too_elongated = max(picture.size) > MOST_ELONGATED_PHOTO * min(picture.size)
    if not (as_file or too_large or too_elongated):
        encoded = encode_photo(picture)
        if encoded.size == picture.size:  # else it had too many bytes, and was made smaller
            return Result(encoded.data, "paintbox.jpg", as_photo=True)
    encoded = encode_file(picture)
    return Result(encoded.data, f"paintbox{encoded.extension}", as_photo=False)


def _under_result(
    wish: Wish, is_file: bool, of_album: bool = False
) -> tuple[str | None, InlineKeyboardMarkup]:
    """Caption and buttons."""
    if isinstance(wish, SeasonWish):
        menu = keyboards.season_menu(wish, is_file=is_file, of_album=of_album)
        return texts.season_caption(wish), menu
    if isinstance(wish, CompareWish):
        return texts.compared(), keyboards.back_to_menu()
    menu = keyboards.painting_menu(wish, is_file=is_file, of_album=of_album)
    return texts.painting_caption(wish), menu


async def work_until(stop: asyncio.Event, workshop: Workshop) -> None:
    """Does docket's jobs until `stop`, or until a thread is stuck.

    Then it takes no more; those in work are finished within `SHUTDOWN_SECONDS`, or handed back.
    """
    settings = workshop.settings
    worker = Worker(
        workshop.context.docket,
        concurrency=settings.workers,
        redelivery_timeout=LEASE,
        reconnection_delay=timedelta(seconds=1),
    )
    async with worker:
        loading = asyncio.create_task(workshop.load())
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
        for waiting in (loading, stopping, stuck):
            waiting.cancel()
    workshop.threads.shutdown(wait=False)
    if not running.cancelled():
        running.result()
