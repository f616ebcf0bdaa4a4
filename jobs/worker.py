"""The work on a job: its photo is downloaded, repainted in a thread, and the result delivered."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Annotated

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.utils.chat_action import ChatActionSender
from aiogram.utils.i18n import I18n
from docket import ConcurrencyLimit, Docket, Worker

import texts
from decoding import BadImage
from image_processing import load_networks
from jobs.answer import Answer, NobodyThere, Result, speaking_to, under_album
from jobs.job import Job, Picture, job_in, to_json
from jobs.kept import SECONDS, drop_old, folder_of, keep, kept, name_of
from jobs.light import offer_light_work
from jobs.moving import make_clip_result
from jobs.painting import Progress, has_preview, make_result
from jobs.queue import JobContext, offer_next
from jobs.waiting import GATHER_SECONDS
from logs import about
from memory import ROOMY, free_mb
from metrics import JOBS, STAGE_SECONDS
from presets import PRESETS
from store import WAITED, Accepted, StoreError, until_written
from telegram_api.sending import download, is_away, patience
from users import Photo
from wishes import CompareWish, StyleWish, Wish

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 2  # a job that took the process down so often is dropped
LEASE = timedelta(seconds=10)  # a worker not heard of for so long is dead: others do its jobs
LOOK_SECONDS = 0.1  # between two looks whether there is something to show
PROGRESS_SECONDS = 1.5  # between two words of how far the work is
STOP_SECONDS = 10.0  # for a thread to come to its next step and stop
HAND_BACK_SECONDS = 3.0  # of those that SIGTERM leaves
NICENESS = 10  # that threads that paint have more than others, of 19 at most
PATIENCE = 20.0  # seconds with Telegram before a job is put off, lest others wait for the worker
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 600.0  # seconds, before it is tried again
LONGEST_WAIT = 24 * 3600.0  # seconds after which a job that cannot be answered is given up
RESULTS = 10  # of each user that inline mode offers


class TookTooLong(Exception):
    """The work was not done within `JOB_TIMEOUT`."""


class Painter:
    """Does jobs in threads of its own.

    `stuck` is set when a thread does not stop: the process has to end.
    """

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
        drop_old(folder_of(self.settings))
        if context.light:
            self.light_thread = ThreadPoolExecutor(1, "light", initializer=step_back)
            offer_light_work(context, bot, i18n, self._threads_of_light_work)

    def _threads_of_light_work(self) -> ThreadPoolExecutor:
        """One of their own; where the memory is little, it waits for the painting in work."""
        return self.light_thread if free_mb(self.settings) >= ROOMY else self.threads

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
        """Does the job, unless it was struck out of the store: docket's task."""
        with about(job=job_id, user=user_id), patience(PATIENCE):
            if not await self._is_due(job_id):
                return
            accepted = await until_written(lambda: self.context.store.begin(job_id))
            if accepted is None:
                return
            job = job_in(accepted)
            quick = not job.more and not job.photo.moves and has_preview(job.wish, self.settings)
            answer = Answer(job, accepted, self.context, self.bot, quick=quick)
            with speaking_to(job, self.i18n):
                try:
                    outcome = await self._answered(job, accepted, answer)
                except asyncio.CancelledError:
                    await self._interrupted(answer)
                    raise
            if outcome is None:
                return
            if await until_written(lambda: self.context.store.finish(job_id)):
                await self._remember(job.user_id, answer.pictures)
            JOBS.labels(job.kind, outcome).inc()
            await self._count(job.kind, outcome, accepted)
            log.info("job %s is over: %s", job_id, outcome)
            await until_written(lambda: offer_next(accepted, self.context))

    async def _is_due(self, job_id: str) -> bool:
        """Waits until no photo has come to the job's album for `GATHER_SECONDS`.

        False where it is not to be tried yet: then it is offered again later.
        """
        while accepted := await until_written(lambda: self.context.store.job(job_id)):
            job, now = job_in(accepted), time.time()
            if job.again_at > now:
                return False
            left = job.gathered + GATHER_SECONDS - now
            if left <= 0:
                break
            await asyncio.sleep(min(left, GATHER_SECONDS))
        return True

    async def _answered(self, job: Job, accepted: Accepted, answer: Answer) -> str | None:
        """What became of the job; None where it was put off, since its user could not be told."""
        try:
            outcome, words = await self._do(job, accepted.attempts, answer)
            if words:
                await answer.end_with(words)
        except TelegramAPIError as error:
            if not is_away(error):
                log.info("job %s: nobody can be told: %s", job.id, error)
                return "blocked"
            if time.time() - accepted.accepted > LONGEST_WAIT:
                log.error("job %s is given up, after a day: %s", job.id, error)
                return "undelivered"
            await until_written(partial(self._put_off, job.id, error))
            return None
        return outcome

    async def _put_off(self, job_id: str, error: TelegramAPIError) -> None:
        """Writes down when to try again. The picture is not kept: it is painted again then."""
        store = self.context.store
        if accepted := await store.job(job_id):
            job = job_in(accepted)
            pause = min(FIRST_PAUSE * 2**job.put_off, LONGEST_PAUSE)
            if isinstance(error, TelegramRetryAfter):
                pause = min(error.retry_after, LONGEST_WAIT)
            job = replace(job, put_off=min(job.put_off + 1, 20), again_at=time.time() + pause)
            await store.note_progress(job_id, to_json(job))
            await store.hand_back(job_id)
            log.warning("job %s is put off for %d s: %s", job_id, pause, error)

    async def _count(self, kind: str, outcome: str, accepted: Accepted) -> None:
        """For /stats, which does without where the store is away."""
        with suppress(StoreError):
            await self.context.store.count(f"{kind} {outcome}")
            if accepted.started:
                await self.context.store.count(WAITED, accepted.started - accepted.accepted)

    async def _remember(self, user_id: int, pictures: list[Picture]) -> None:
        """Notes the pictures for inline mode, which lacks them where the store is away."""
        with suppress(StoreError):
            for picture in pictures:
                note = f"{'photo' if picture.as_photo else 'document'} {picture.file_id}"
                await self.context.store.note_result(user_id, note, RESULTS)

    async def _do(self, job: Job, attempts: int, answer: Answer) -> tuple[str, str | None]:
        """Answers the job with its picture; returns what became of it, and what is to be said."""
        began = time.monotonic()
        try:
            if attempts > MOST_ATTEMPTS:
                return "gave_up", texts.gave_up()
            action = "upload_video" if job.photo.moves else "upload_photo"
            acting = ChatActionSender(bot=self.bot, chat_id=job.chat_id, action=action)
            async with self._counted(job, -1), answer, acting:
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
            return "bad_image", texts.file_too_big(self.settings.max_file_mb, job.photo.moves)
        except TookTooLong:
            log.error("job %s was not done within %s s", job.id, self.settings.job_timeout)
            return "timeout", texts.timed_out()
        except Exception as error:
            if isinstance(error, TelegramAPIError) and is_away(error):
                raise
            log.exception("job %s failed", job.id)
            return "failed", texts.failed()
        seconds = (time.monotonic() - began) / max(1, len(job.photos) - len(job.results))
        await until_written(lambda: self.context.store.note_seconds(job.kind, seconds))
        return "done", None

    async def _album(self, job: Job, answer: Answer) -> None:
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
        arrived = not job.album_may_be_there
        if arrived:
            job = replace(job, album_may_be_there=True)
            await self._note_progress(job)
            try:
                arrived = await answer.send_together(pictures)
            except (TelegramRetryAfter, TelegramServerError):  # for certain it was not sent
                if len({picture.as_photo for picture in pictures}) == 1:
                    await self._note_progress(replace(job, album_may_be_there=False))
                raise
        await answer.give_way(*under_album(job, arrived))

    @asynccontextmanager
    async def _counted(self, job: Job, by: int) -> AsyncIterator[None]:
        """Adds to the job's attempts meanwhile. Only the making of a picture counts as one: a
        process that dies while it asks Telegram in vain does not die of the job.
        """
        store = self.context.store
        await until_written(lambda: store.count_attempt(job.id, by))
        try:
            yield
        finally:
            await until_written(lambda: store.count_attempt(job.id, -by))

    async def _note_progress(self, job: Job) -> None:
        await until_written(lambda: self.context.store.note_progress(job.id, to_json(job)))

    async def _picture(self, job: Job, photo: Photo, answer: Answer) -> Result:
        """Downloads what the wish needs, and has the result made in a thread, if it is not kept."""
        folder = folder_of(self.settings)
        name = name_of(job.user_id, photo, job.wish, self.settings)
        wants_file = isinstance(job.wish, StyleWish) and job.wish.as_file
        if name and wants_file and (result := await asyncio.to_thread(kept, folder, name)):
            return result
        with _measured("download"):
            content = await download(self.bot, photo.file_id)
            others = await self._other_pictures(job.wish)
        with _measured("work"):
            make: Callable[[Progress], Result]
            if photo.moves:
                make = partial(make_clip_result, job.wish, content, others, self.settings)
            else:
                make = partial(make_result, job.wish, photo.as_file, content, others, self.settings)
            async with self._counted(job, 1):
                result = await self._in_thread(make, answer)
        if name and result.lossless:
            await asyncio.to_thread(keep, folder, name, result.lossless, result.people)
            asyncio.get_running_loop().call_later(SECONDS + 1, drop_old, folder)
        return result

    async def _other_pictures(self, wish: Wish) -> list[bytes]:
        """The files of a wish's styles, or of the picture that the photo is compared with."""
        if isinstance(wish, CompareWish):
            return [await download(self.bot, wish.result)]
        if not isinstance(wish, StyleWish):
            return []
        styles = [await self._style(wish.style, wish.file_id)]
        if wish.second:
            styles.append(await self._style(wish.second, wish.second_file_id))
        if wish.background:
            styles.append(await self._style(wish.background, wish.background_file_id))
        return styles

    async def _style(self, name: str, file_id: str | None) -> bytes:
        if file_id is None:
            return await asyncio.to_thread(PRESETS[name].path.read_bytes)
        return await download(self.bot, file_id)

    async def _in_thread(self, make: Callable[[Progress], Result], answer: Answer) -> Result:
        """Runs `make` in a thread, shows how far it is, and stops it when this task ends before.

        Raises what `make` raises, and `TookTooLong`.
        """
        progress = Progress()
        running = asyncio.get_running_loop().run_in_executor(self.threads, make, progress)
        deadline = time.monotonic() + self.settings.job_timeout
        try:
            looked = time.monotonic()
            while not (await asyncio.wait({running}, timeout=LOOK_SECONDS))[0]:
                now = time.monotonic()
                if now > deadline:
                    raise TookTooLong
                preview = progress.preview
                if preview is None and now - looked < PROGRESS_SECONDS:
                    continue
                looked = now
                shown = await answer.show_progress(progress.fraction, preview)
                if shown and progress.preview is preview:
                    progress.preview = None
        except BaseException:  # took too long, was cancelled, or nobody waits for the result
            progress.stop.set()
            patience = 0 if self.hands_back else STOP_SECONDS
            if not (await asyncio.wait({running}, timeout=patience))[0] and patience:
                log.critical("a thread does not stop: this process has to end")
                self.stuck.set()
            running.add_done_callback(asyncio.Future.exception)  # looked at, lest asyncio warn
            raise
        return await running

    async def _interrupted(self, answer: Answer) -> None:
        """The job is cancelled: by its user, then it is struck out, or by the end of this process,
        which hands it back.
        """
        job_id = answer.job.id
        try:
            if await self.context.store.job(job_id):
                await self.context.store.hand_back(job_id)
                log.info("job %s is handed back", job_id)
            else:  # progress may have been on its way when the user was told
                await answer.end_with(texts.cancelled(), anew=False)
        except (StoreError, TelegramAPIError) as error:
            log.warning("job %s is left behind: %s", job_id, error)


def step_back() -> None:
    """This thread, and those that OpenVINO starts from it, leave the processor to the event loop
    whenever it has something to do.
    """
    if sys.platform == "linux":  # elsewhere it would be the whole process
        os.nice(NICENESS)


@contextmanager
def _measured(stage: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    STAGE_SECONDS.labels(stage).observe(time.monotonic() - began)


@asynccontextmanager
async def _doing_light_work(light: Docket | None) -> AsyncIterator[None]:
    """What is not done at the end is left."""
    if light is None:
        yield
        return
    async with Worker(light, concurrency=1, redelivery_timeout=LEASE) as worker:
        working = asyncio.create_task(worker.run_forever())
        yield
        for _ in range(2):  # the first has docket take no more, the second ends what is in work
            working.cancel()
            await asyncio.wait({working}, timeout=0.1)
        await asyncio.wait({working})


async def work_until(stop: asyncio.Event, painter: Painter) -> bool:
    """Does docket's jobs until `stop`, or until a thread is stuck; returns False for the latter.

    Then it takes no more; those in work are finished within `SHUTDOWN_SECONDS`, or handed back.
    """
    settings = painter.settings
    worker = Worker(
        painter.context.docket,
        concurrency=settings.workers,
        redelivery_timeout=LEASE,
        reconnection_delay=timedelta(seconds=1),
    )
    async with worker, _doing_light_work(painter.context.light):
        loading = asyncio.create_task(painter.load())
        running = asyncio.create_task(worker.run_forever())
        stopping = asyncio.create_task(stop.wait())
        stuck = asyncio.create_task(painter.stuck.wait())
        await asyncio.wait({running, stopping, stuck}, return_when=asyncio.FIRST_COMPLETED)
        running.cancel()  # docket takes no more jobs and waits for those in work
        # Never 0: docket must have heard the first cancel before the second comes.
        grace = max(0.1, settings.shutdown_seconds - HAND_BACK_SECONDS)
        await asyncio.wait({running, stuck}, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        painter.hands_back = True
        running.cancel()  # the second time it cancels those as well
        await asyncio.wait({running})
        for task in (loading, stopping, stuck):
            task.cancel()
    painter.threads.shutdown(wait=False)
    if not running.cancelled():
        running.result()
    return not painter.stuck.is_set()
