"""A job's status message, on its way to become the answer.

The picture is put into it by an edit, which may be repeated: so nobody gets a picture twice,
whoever dies between sending it and striking the job out.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

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
    InputMediaAnimation,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaUnion,
    InputMediaVideo,
    MediaUnion,
    Message,
)
from aiogram.utils.i18n import I18n
from pydantic import ValidationError

import keyboards
import texts
from encoding import Encoded
from jobs.job import Job, Picture, job_in
from jobs.queue import JobContext
from jobs.status import BEING_SENT, delete_lost, send_status
from store import Accepted, Store, until_written
from telegram_api.sending import (
    IN_CHAT,
    IN_GROUP,
    GivenUp,
    Pace,
    is_away,
    may_have_arrived,
    only_if_free,
)
from wishes import CompareWish, SeasonWish, StyleWish, Wish

log = logging.getLogger(__name__)

EDIT_SECONDS = 1.5  # between two edits of status messages in one chat
EDIT_SECONDS_IN_GROUP = 4.0
TELLING = 0.1  # share done, from which on what is left can be told
# For so long the status waits for the quick picture, to begin with it: an edit would come a second
# later.
QUICK_SECONDS = 0.9
FRESH_SECONDS = 60.0  # an older status gives way to a new one, whose arrival is noticed


class NobodyThere(Exception):
    """The user blocked the bot, or the chat is gone."""


@dataclass(frozen=True)
class Film:
    """What Telegram wants to know of a clip."""

    size: tuple[int, int]  # width and height in pixels
    seconds: float
    has_sound: bool


@dataclass(frozen=True)
class Result:
    """A finished picture or clip, encoded: what Telegram is to have."""

    data: bytes
    name: str
    as_photo: bool
    people: bool = False  # there are some in the painting
    kept: bool = False  # more of the photo than usual
    film: Film | None = None
    lossless: Encoded | None = None  # a painting that was made a photo


@contextmanager
def speaking_to(job: Job, i18n: I18n) -> Iterator[None]:
    """In the language of the job's user, with buttons that in a group are theirs."""
    owner = job.user_id if job.chat_id < 0 else None
    with i18n.context(), i18n.use_locale(job.language), keyboards.owned_by(owner):
        yield


async def may_edit(chat_id: int, pace: Pace) -> bool:
    """Takes the chat's next moment for an edit, if it is now."""
    seconds = EDIT_SECONDS_IN_GROUP if chat_id < 0 else EDIT_SECONDS
    return await pace.reserve(f"edit:{chat_id}", seconds, patience=0) is not None


async def edit_status(
    bot: Bot, chat_id: int, message_id: int | None, words: str, menu: InlineKeyboardMarkup
) -> Message | bool:
    """Gives a status message other words: where it shows a picture already, under that.

    Returns the message, or True where it said so already.
    """
    where: dict[str, Any] = {"chat_id": chat_id, "message_id": message_id, "reply_markup": menu}
    try:
        return await bot.edit_message_text(words, **where)
    except TelegramBadRequest as error:
        if "there is no text in the message" not in error.message:
            raise
        return await bot.edit_message_caption(caption=words, **where)


async def menu_while_waiting(job: Job, store: Store) -> InlineKeyboardMarkup:
    """A waiting job's buttons; where its user has more than one job, all can be cancelled."""
    return keyboards.status_menu(job.id, with_all=len(await store.jobs(job.user_id)) > 1)


async def delete_statuses(jobs: Iterable[Accepted], bot: Bot) -> None:
    """Those of jobs that are struck out."""
    for accepted in jobs:
        with suppress(ValidationError, TelegramAPIError):  # of another version; deleted already
            if accepted.status_id == BEING_SENT:
                await delete_lost(job_in(accepted), bot)
            elif accepted.status_id:
                await bot.delete_message(job_in(accepted).chat_id, accepted.status_id)


class Answer:
    """Used with `async with` around the work; `pictures` are what Telegram has of the answer.

    `quick`: a quick picture will soon be there to be shown.
    """

    def __init__(
        self, job: Job, accepted: Accepted, context: JobContext, bot: Bot, *, quick: bool = False
    ) -> None:
        self.job, self.context, self.bot = job, context, bot
        self.message_id, self.sent_at = accepted.status_id, accepted.status_sent_at
        self.shown = ""
        self.pictures: list[Picture] = []
        self.shows_picture = False
        self.part, self.parts = 1, 1
        self.began = time.monotonic()
        self.starting: asyncio.Task[None] | None = None
        self.first: asyncio.Future[bytes] | None = None  # the quick picture, while it is waited for
        self.quick = quick

    async def __aenter__(self) -> None:
        """The status is sent while the work begins."""
        if self.quick and self.message_id is None:
            self.first = asyncio.get_running_loop().create_future()
        self.starting = asyncio.create_task(until_written(self._start))

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self.starting
        if kind is asyncio.CancelledError:
            self.starting.cancel()
        self._wait_no_longer()
        await asyncio.wait({self.starting})
        if not self.starting.cancelled():
            self.starting.exception()  # looked at, lest asyncio warn

    def _wait_no_longer(self) -> None:
        """For the quick picture: something else is there to be shown."""
        if self.first and not self.first.done():
            self.first.cancel()

    async def _start(self) -> None:
        """A status sent long ago gives way to a new one, since an edit makes no sound.

        Under the user's lock: those who announce the queue may be sending the first one just now.
        """
        preview = None
        if self.first:
            await asyncio.wait({self.first}, timeout=QUICK_SECONDS)
            was_shown = self.first.done() and not self.first.cancelled()
            preview = self.first.result() if was_shown else None
            self.first = None
        async with self.context.store.lock(self.job.user_id):
            if now := await self.context.store.job(self.job.id):
                self.message_id, self.sent_at = now.status_id, now.status_sent_at
            if not self.message_id:
                await self._send(preview)
            elif time.time() - self.sent_at > FRESH_SECONDS:
                with suppress(TelegramBadRequest):  # the user was quicker, or it is too old
                    await self.bot.delete_message(self.job.chat_id, self.message_id)
                await self._send()

    async def _send(self, preview: bytes | None = None) -> None:
        self.shown, self.shows_picture = texts.progress(0), preview is not None
        chat_id, menu = self.job.chat_id, keyboards.status_menu(self.job.id)
        under: dict[str, Any] = {"reply_markup": menu, "reply_parameters": self.job.reply}
        if preview is None:
            send = partial(self.bot.send_message, chat_id, self.shown, **under)
        else:
            photo = BufferedInputFile(preview, "paintbox.jpg")
            send = partial(self.bot.send_photo, chat_id, photo, caption=self.shown, **under)
        before, self.message_id = self.message_id, BEING_SENT
        try:
            message = await send_status(send, self.job, self.context.store, before)
        except TelegramNetworkError as error:
            if not may_have_arrived(error):
                raise
            message = await send_status(send, self.job, self.context.store, BEING_SENT)
        if message is None:
            raise NobodyThere  # who waits for it: the job is struck out
        self.message_id, self.sent_at = message.message_id, time.time()

    async def show_progress(self, fraction: float, preview: bytes | None) -> bool:
        """Shows the share done, 0 to 1, and a JPEG of the painting so far, if there is one.

        Not where the result is about to come, nor where the chat has to wait; False then. Raises
        `NobodyThere`.
        """
        if self.first and preview:
            if not self.first.done():
                self.first.set_result(preview)
            return True
        if self.starting and not self.starting.done():
            return False
        if self.starting and (error := self.starting.exception()):
            if isinstance(error, TelegramAPIError) and is_away(error):
                return False  # it is sent when the work is done
            raise error
        left = (time.monotonic() - self.began) * (1 - fraction) / max(fraction, 0.01)
        told = left if fraction >= TELLING else None
        text = texts.progress(fraction, self.part, self.parts, told)
        if left < EDIT_SECONDS or (text == self.shown and preview is None):
            return False
        if time.time() - self.sent_at < (IN_GROUP if self.job.chat_id < 0 else IN_CHAT):
            return False  # it would be given up, and no other edit could be made for a while
        if not await may_edit(self.job.chat_id, self.context.pace):
            return False
        try:
            with only_if_free():
                await self._edit_progress(text, preview)
        except GivenUp:
            return False
        except TelegramForbiddenError:
            raise NobodyThere from None
        except TelegramAPIError as error:  # an unseen status must not cost the result
            log.info("job %s: its progress could not be shown: %s", self.job.id, error)
        else:
            self.shown = text
        return True

    async def _edit_progress(self, text: str, preview: bytes | None) -> None:
        menu = keyboards.status_menu(self.job.id)
        if preview is None:
            await self._edit(text, menu)
            return
        photo = BufferedInputFile(preview, "paintbox.jpg")
        await self.bot.edit_message_media(
            InputMediaPhoto(media=photo, caption=text),
            chat_id=self.job.chat_id,
            message_id=self.message_id,
            reply_markup=menu,
        )
        self.shows_picture = True

    async def become(self, result: Result) -> None:
        """Puts the picture into the status, or into a new one where the user deleted it; what
        Telegram does not take as a photo goes as a document.
        """
        under = partial(
            under_result,
            self.job.wish,
            people=result.people,
            moves=result.film is not None,
            kept=result.kept,
        )
        picture = await self._show(result, under)
        if picture and not picture.moves:  # inline mode offers pictures
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
        self._wait_no_longer()
        if self.starting:
            await asyncio.wait({self.starting})
        if not self.message_id:
            await until_written(self._start)
        as_file = not result.as_photo and result.film is None
        for attempts_left in (2, 1, 0):
            caption, menu = under(as_file)
            try:
                message = await self.bot.edit_message_media(
                    _media(result, as_file, caption),
                    chat_id=self.job.chat_id,
                    message_id=self.message_id,
                    reply_markup=menu,
                )
            except TelegramBadRequest as error:
                if "chat not found" in error.message:
                    raise NobodyThere from error
                if attempts_left and is_gone(error):
                    await self._send()
                elif attempts_left and not as_file:
                    log.info("job %s goes as a document: %s", self.job.id, error.message)
                    as_file = True
                else:
                    raise
            else:
                self.shows_picture = True
                picture = picture_in(message) if isinstance(message, Message) else None
                return replace(picture, people=result.people) if picture else None
        raise AssertionError("the last attempt returns or raises")

    async def send_together(self, pictures: list[Picture]) -> bool:
        """As albums, of photos and of files; False where Telegram does not tell that they came.

        Then they are not sent again: nobody gets a picture twice.
        """
        self.pictures = pictures
        where: dict[str, Any] = {"chat_id": self.job.chat_id, "reply_parameters": self.job.reply}
        people = any(picture.people for picture in pictures)
        caption, _ = under_result(self.job.wish, is_file=True, people=people)
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
        if self.message_id:
            with suppress(TelegramBadRequest):  # the user was quicker
                await self.bot.delete_message(self.job.chat_id, self.message_id)
        await self.bot.send_message(
            self.job.chat_id,
            words,
            reply_markup=menu,
            reply_parameters=self.job.reply,
        )

    async def end_with(self, words: str, anew: bool = True) -> None:
        """The last word where there is no picture; `anew`, where the status is gone."""
        menu = keyboards.back_to_menu()
        if self.message_id:
            try:
                await self._edit(words, menu)
            except TelegramBadRequest as error:
                if not is_gone(error):
                    raise
            else:
                return
        if not anew:
            return
        said = await self.bot.send_message(
            self.job.chat_id, words, reply_markup=menu, reply_parameters=self.job.reply
        )
        if self.message_id == BEING_SENT:
            await delete_lost(self.job, self.bot, said.message_id)

    async def _edit(self, words: str, menu: InlineKeyboardMarkup) -> Message | bool:
        where = self.job.chat_id, self.message_id
        if self.shows_picture:
            return await self.bot.edit_message_caption(
                chat_id=where[0], message_id=where[1], caption=words, reply_markup=menu
            )
        return await edit_status(self.bot, *where, words, menu)


def _media(result: Result, as_file: bool, caption: str | None) -> InputMediaUnion:
    """Telegram tells clips with sound from those without, which play by themselves."""
    file, film = BufferedInputFile(result.data, result.name), result.film
    if as_file:
        return InputMediaDocument(media=file, caption=caption)
    if film is None:
        return InputMediaPhoto(media=file, caption=caption)
    width, height = film.size
    shown: dict[str, Any] = {"width": width, "height": height, "duration": math.ceil(film.seconds)}
    kind = InputMediaVideo if film.has_sound else InputMediaAnimation
    return kind(media=file, caption=caption, **shown)


def picture_in(message: Message) -> Picture | None:
    if message.photo:
        return Picture(message.photo[-1].file_id, as_photo=True)
    if clip := message.animation or message.video:
        return Picture(clip.file_id, as_photo=False, moves=True)
    return Picture(message.document.file_id, as_photo=False) if message.document else None


def is_gone(error: TelegramBadRequest) -> bool:
    """Whether there is no message any more that could be edited."""
    words = ("message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID")
    return any(word in error.message for word in words)


def under_album(job: Job, arrived: bool) -> tuple[str, InlineKeyboardMarkup]:
    """The last word and its buttons; `arrived` is False where Telegram did not tell."""
    pictures = [picture for picture in job.results if picture]
    is_file = not any(picture.as_photo for picture in pictures)
    people = any(picture.people for picture in pictures)
    _, menu = under_result(job.wish, is_file, people, of_album=True)
    numbered = list(enumerate(job.results, 1))
    unreadable = [number for number, picture in numbered if picture is None]
    whole = [number for number, picture in numbered if picture and not picture.people]
    if not (people and isinstance(job.wish, StyleWish) and job.wish.is_parted):
        whole = []
    return texts.album_done(len(pictures), unreadable, whole, arrived), menu


def under_result(
    wish: Wish,
    is_file: bool,
    people: bool,
    of_album: bool = False,
    moves: bool = False,
    kept: bool = False,
) -> tuple[str | None, InlineKeyboardMarkup]:
    """Caption and buttons; `people` where there are some in the painting, `moves` for a clip,
    `kept` where more of the photo was kept than usual, or all of it.
    """
    if isinstance(wish, SeasonWish):
        if kept:
            return texts.season_already(wish), keyboards.season_already_menu(wish)
        menu = keyboards.season_menu(wish, is_file=is_file, of_album=of_album, moves=moves)
        return texts.season_caption(wish), menu
    if isinstance(wish, CompareWish):
        return texts.compared(), keyboards.back_to_menu()
    menu = keyboards.painting_menu(
        wish, is_file=is_file, people=people, of_album=of_album, moves=moves
    )
    return texts.painting_caption(wish, people, kept), menu
