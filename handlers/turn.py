"""The turn of an update: what its handler needs, and how it queues photos."""

import time
from dataclasses import dataclass, replace
from itertools import groupby

from aiogram import Bot

import keyboards
import texts
from jobs.job import Job
from jobs.queue import JobContext, submit
from users import Photo, User
from wishes import SeasonWish, StyleWish, Wish


@dataclass(frozen=True)
class Turn:
    """Handed to handlers as `turn`. What they change of `user` is kept when the turn is over."""

    update_id: int
    user: User
    bot: Bot
    context: JobContext


def new_job(photos: list[Photo], wish: Wish, turn: Turn) -> Job:
    """The same update delivered again makes the same job."""
    first, *others = sorted(photos, key=lambda photo: photo.message_id)
    job_id = f"{turn.update_id}-{first.message_id}"
    user = turn.user
    return Job(job_id, first.chat_id, user.id, user.speaks, first, wish, tuple(others))


async def work_on(photos: list[Photo], wish: Wish, turn: Turn) -> None:
    """Queues a photo that has just come; those of an album, which come one by one, as one job."""
    job = new_job(photos, wish, turn)
    album = job.photo.album
    if album:
        job = replace(job, gathered=time.time())
    turn.user.note_recent(photos)
    refusal = await submit(job, turn.context)
    if refusal and (album is None or album != turn.user.answered_album):
        turn.user.answered_album = album
        await refuse(job, refusal, turn.bot)


async def refuse(job: Job, words: str, bot: Bot) -> None:
    """Under the photo that it is about."""
    await bot.send_message(job.chat_id, words, reply_parameters=job.reply)


async def choose_wish(wish: StyleWish | SeasonWish, chat_id: int, turn: Turn) -> None:
    """Sets what is done with photos to come, and does it with those that wait in this chat."""
    turn.user.choose(wish)
    photos_wait = any(photo.chat_id == chat_id for photo in turn.user.pending)
    text = texts.chosen(wish, photos_wait)
    await turn.bot.send_message(chat_id, text, reply_markup=keyboards.back_to_menu())
    await submit_pending(chat_id, turn)


async def submit_pending(chat_id: int, turn: Turn, gathered: float = 0) -> None:
    """Queues the photos that wait in this chat, for what the user has chosen.

    A second picture for the style may follow the first: then the photos are held for a moment from
    `gathered` on, in seconds since 1970.
    """
    wish = turn.user.wish
    if wish is None:
        return
    photos = turn.user.take_pending(chat_id)
    turn.user.note_recent(photos)
    for _, together in groupby(photos, key=lambda photo: photo.album or photo.message_id):
        job = replace(new_job([*together], wish, turn), gathered=gathered)
        if refusal := await submit(job, turn.context):
            await refuse(job, refusal, turn.bot)
            return
