"""From an accepted photo to the picture that answers it: the job, its queue, and the work.

A job holds ids and choices only. docket keeps the queue and runs `repaint` for each job, which
downloads the photo, works on it in a thread, and sends the result.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from aiogram.types import BufferedInputFile, InlineKeyboardMarkup, ReplyParameters
from aiogram.utils.chat_action import ChatActionSender
from aiogram.utils.i18n import I18n
from docket import Disposition, Docket, ExecutionCancelled, Worker
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
from model_cyclegan.season import Direction
from model_nst.style_transfer import Strength
from presets import N_, PRESETS
from settings import Settings
from users import Language, Photo

log = logging.getLogger(__name__)

STATUS_SECONDS = 2.0  # between two edits of a status message; Telegram allows about one a second


@dataclass(frozen=True)
class StyleWish:
    """To be painted in a style: a preset's name, or the unique id of a picture of the user's own,
    which Telegram then has under `file_id`. Another `variation` is another painting.
    """

    style: str
    file_id: str | None
    strength: Strength = "normal"
    variation: int = 0

    @property
    def key(self) -> str:
        return f"{self.style}/{self.strength}/{self.variation}"


@dataclass(frozen=True)
class SeasonWish:
    """To be shown half a year later."""

    direction: Direction

    @property
    def key(self) -> str:
        return self.direction


@dataclass(frozen=True)
class Job:
    """What somebody wants done with a photo."""

    chat_id: int
    user_id: int
    language: Language
    photo: Photo
    wish: StyleWish | SeasonWish

    @property
    def key(self) -> str:
        """Unique within its chat: the same wish for the same photo is queued once."""
        return f"{self.photo.message_id}/{self.wish.key}"


def docket_key(chat_id: int, key: str) -> str:
    return f"{chat_id}/{key}"


async def submit(job: Job, bot: Bot, docket: Docket) -> None:
    """Queues the job and shows it in a status message under the photo."""
    status = await bot.send_message(
        job.chat_id,
        keyboards.queued(),
        reply_markup=keyboards.status_menu(job.key),
        reply_parameters=_reply_to(job.photo),
    )
    add = docket.add("repaint", key=docket_key(job.chat_id, job.key))
    execution = await add(job, status.message_id)
    if execution.disposition is not Disposition.SCHEDULED:  # it waits already
        await status.delete()


async def cancel(chat_id: int, key: str, docket: Docket) -> None:
    """Takes the job out of the queue, or stops it at its next step, and waits until it is over."""
    execution = await docket.get_execution(docket_key(chat_id, key))
    if execution is None:
        return
    await docket.cancel(docket_key(chat_id, key))
    with suppress(ExecutionCancelled):
        await execution.get_result()


@asynccontextmanager
async def run_queue(bot: Bot, settings: Settings, i18n: I18n) -> AsyncIterator[Docket]:
    """The queue and its workers; on leaving, jobs in work get `shutdown_seconds` to finish."""
    threads = ThreadPoolExecutor(settings.workers, thread_name_prefix="painter")

    async def repaint(job: Job, status_id: int) -> None:
        with i18n.context(), i18n.use_locale(job.language):
            await _answer(job, status_id, bot, settings, threads)

    async with Docket(name="paintbox", url="memory://") as docket:
        docket.register(repaint)
        async with Worker(docket, concurrency=settings.workers) as worker:
            running = asyncio.create_task(worker.run_forever())
            try:
                yield docket
            finally:
                running.cancel()  # docket takes no more jobs and waits for those in work
                await asyncio.wait({running}, timeout=settings.shutdown_seconds)
                running.cancel()  # the second time it cancels those as well
                await asyncio.wait({running})
                threads.shutdown()


async def _answer(
    job: Job, status_id: int, bot: Bot, settings: Settings, threads: ThreadPoolExecutor
) -> None:
    """Sends the result, or a sentence that says why there is none."""

    async def show(text: str, menu: InlineKeyboardMarkup) -> None:
        await bot.edit_message_text(
            text, chat_id=job.chat_id, message_id=status_id, reply_markup=menu
        )

    shown = ""

    async def show_progress(fraction: float) -> None:
        nonlocal shown
        text = keyboards.progress(fraction)
        if text == shown:  # Telegram refuses an edit that changes nothing
            return
        shown = text
        try:
            await show(text, keyboards.status_menu(job.key))
        except TelegramForbiddenError:
            raise  # nobody waits for the result any more
        except TelegramAPIError as error:  # an unseen status must not cost the result
            log.warning("job %s: its status could not be shown: %s", job.key, error)

    async def give_up(text: str) -> None:
        with suppress(TelegramAPIError):
            await show(text, keyboards.back_to_menu())

    try:
        async with ChatActionSender.upload_photo(chat_id=job.chat_id, bot=bot):
            photo = await _download(bot, job.photo.file_id)
            if isinstance(job.wish, StyleWish):
                style = await _style_picture(bot, job.wish)
                work = partial(_paint, photo, style, job.wish, settings)
            else:
                work = partial(_change_season, photo, job.wish, settings)
            result = await _in_thread(partial(_as_file, job, work), threads, show_progress)
            await _send(bot, job, result)
        await bot.delete_message(job.chat_id, status_id)
    except BadImage as error:
        await give_up(keyboards.explained(error))
    except TelegramForbiddenError:
        log.info("user %s blocked the bot, job %s dropped", job.user_id, job.key)
    except Exception:
        log.exception("job %s of user %s failed", job.key, job.user_id)
        await give_up(keyboards.failed())


async def _in_thread(
    work: Callable[[OnProgress], BufferedInputFile],
    threads: ThreadPoolExecutor,
    show_progress: Callable[[float], Awaitable[None]],
) -> BufferedInputFile:
    """Runs `work` in a thread, shows how far it is, and stops it when this task ends before."""
    stop = threading.Event()
    reached = 0.0

    def on_progress(fraction: float) -> None:
        nonlocal reached
        reached = fraction
        if stop.is_set():
            raise Cancelled

    running = asyncio.get_running_loop().run_in_executor(threads, work, on_progress)
    try:
        while not (await asyncio.wait({running}, timeout=STATUS_SECONDS))[0]:
            await show_progress(reached)
    except BaseException:  # cancelled, or nobody waits for the result
        stop.set()
        await asyncio.wait({running})
        running.exception()  # Cancelled, most likely: looked at, so that asyncio does not warn
        raise
    return await running


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


def _as_file(
    job: Job, work: Callable[[OnProgress], Image.Image], on_progress: OnProgress
) -> BufferedInputFile:
    """The finished picture as Telegram wants it: lossless where the photo came as a file."""
    picture = work(on_progress)
    if job.photo.as_file:
        data, extension = encode_file(picture)
        return BufferedInputFile(data, f"paintbox{extension}")
    return BufferedInputFile(encode_photo(picture), "paintbox.jpg")


async def _download(bot: Bot, file_id: str) -> bytes:
    file = await bot.download(file_id)
    assert file is not None  # without a destination aiogram always makes one
    return file.read()


async def _style_picture(bot: Bot, wish: StyleWish) -> bytes:
    if wish.file_id is None:
        return await asyncio.to_thread(PRESETS[wish.style].path.read_bytes)
    return await _download(bot, wish.file_id)


async def _send(bot: Bot, job: Job, result: BufferedInputFile) -> None:
    wish = job.wish
    caption = None
    if isinstance(wish, SeasonWish):
        menu = keyboards.season_result_menu()
    else:
        menu = keyboards.painting_menu(wish.style, wish.strength, wish.variation)
        if preset := PRESETS.get(wish.style):
            caption = keyboards.caption_of(preset)
    reply = _reply_to(job.photo)
    if job.photo.as_file:
        await bot.send_document(
            job.chat_id, result, caption=caption, reply_markup=menu, reply_parameters=reply
        )
    else:
        await bot.send_photo(
            job.chat_id, result, caption=caption, reply_markup=menu, reply_parameters=reply
        )


def _reply_to(photo: Photo) -> ReplyParameters:
    return ReplyParameters(message_id=photo.message_id, allow_sending_without_reply=True)
