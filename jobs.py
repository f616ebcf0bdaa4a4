"""From an accepted photo to its painting: the job, the queue it waits in, and the work itself.

A job holds ids and choices only. docket keeps the queue and runs `paint_photo` for each job, which
downloads the photo, has it painted in a thread, and sends the result.
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

import keyboards
from image_processing import (
    BadImage,
    Cancelled,
    OnProgress,
    decode,
    encode_file,
    encode_photo,
    limits_of,
    paint,
)
from model_nst.style_transfer import Strength
from presets import N_, PRESETS
from settings import Settings
from users import Language, Photo

log = logging.getLogger(__name__)

STATUS_SECONDS = 2.0  # between two edits of a status message; Telegram allows about one a second


@dataclass(frozen=True)
class Job:
    """A wish for one painting.

    `style` is a preset's name, or the unique id of a style picture of the user's own, which
    Telegram then has under `style_file_id`. Another `variation` gives another painting.
    """

    chat_id: int
    user_id: int
    language: Language
    photo: Photo
    style: str
    style_file_id: str | None
    strength: Strength = "normal"
    variation: int = 0

    @property
    def key(self) -> str:
        """Unique for a wish within its chat: the same wish twice is queued once."""
        return f"{self.photo.message_id}/{self.style}/{self.strength}/{self.variation}"


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
    add = docket.add("paint_photo", key=docket_key(job.chat_id, job.key))
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

    async def paint_photo(job: Job, status_id: int) -> None:
        with i18n.context(), i18n.use_locale(job.language):
            await _answer(job, status_id, bot, settings, threads)

    async with Docket(name="paintbox", url="memory://") as docket:
        docket.register(paint_photo)
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
    """Sends the painting, or a sentence that says why there is none."""

    async def show(text: str, menu: InlineKeyboardMarkup) -> None:
        with suppress(TelegramAPIError):  # an unseen status must not cost the painting
            await bot.edit_message_text(
                text, chat_id=job.chat_id, message_id=status_id, reply_markup=menu
            )

    async def show_progress(fraction: float) -> None:
        await show(keyboards.painting(fraction), keyboards.status_menu(job.key))

    try:
        async with ChatActionSender.upload_photo(chat_id=job.chat_id, bot=bot):
            content = await _download(bot, job.photo.file_id)
            style = await _style_picture(bot, job)
            work = partial(_paint, job, content, style, settings)
            result = await _in_thread(work, threads, show_progress)
            await _send(bot, job, result)
        await bot.delete_message(job.chat_id, status_id)
    except BadImage as error:
        await show(keyboards.explained(error), keyboards.back_to_menu())
    except TelegramForbiddenError:
        log.info("user %s blocked the bot, job %s dropped", job.user_id, job.key)
    except Exception:
        log.exception("job %s of user %s failed", job.key, job.user_id)
        await show(keyboards.failed(), keyboards.back_to_menu())


async def _in_thread(
    work: Callable[[OnProgress], BufferedInputFile],
    threads: ThreadPoolExecutor,
    show_progress: Callable[[float], Awaitable[None]],
) -> BufferedInputFile:
    """Runs `work` in a thread, shows how far it is, and stops it when this task is cancelled."""
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
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait({running})
        running.exception()  # Cancelled, most likely: looked at, so that asyncio does not warn
        raise
    return await running


def _paint(
    job: Job, content: bytes, style: bytes, settings: Settings, on_progress: OnProgress
) -> BufferedInputFile:
    limits = limits_of(settings)
    try:
        style_image = decode(style, limits)
    except BadImage as error:
        raise BadImage(N_("The style picture: {problem}"), problem=error) from error
    painting = paint(
        decode(content, limits),
        style_image,
        size=settings.nst_size,
        strength=job.strength,
        variation=job.variation,
        engine=settings.engine,
        on_progress=on_progress,
    )
    if job.photo.as_file:
        data, extension = encode_file(painting)
        return BufferedInputFile(data, f"painting{extension}")
    return BufferedInputFile(encode_photo(painting), "painting.jpg")


async def _download(bot: Bot, file_id: str) -> bytes:
    file = await bot.download(file_id)
    assert file is not None  # without a destination aiogram always makes one
    return file.read()


async def _style_picture(bot: Bot, job: Job) -> bytes:
    if job.style_file_id is None:
        return await asyncio.to_thread(PRESETS[job.style].path.read_bytes)
    return await _download(bot, job.style_file_id)


async def _send(bot: Bot, job: Job, result: BufferedInputFile) -> None:
    preset = PRESETS.get(job.style)
    caption = keyboards.caption_of(preset) if preset else None
    menu = keyboards.result_menu(job.style, job.strength, job.variation)
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
