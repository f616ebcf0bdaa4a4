"""A photo arrives: it is worked on, taken as a style, or we ask what to do with it.

Also the buttons under results and under the status message.
"""

import time
from contextlib import suppress
from dataclasses import replace
from itertools import groupby

from aiogram import Bot, F, Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message, Update
from aiogram.utils.i18n import I18n

import keyboards
import texts
from handlers.captions import wish_in
from handlers.reply import (
    photo_behind,
    photo_meant,
    photos_behind,
    reply_to_press,
    result_in,
)
from jobs.answer import edit_status
from jobs.job import Job, job_in, to_json
from jobs.queue import JobContext, cancel, submit
from keyboards import CancelJob, ChangeSeason, Menu, MenuChoice, Repaint
from settings import Settings
from users import Photo, User, is_same_message, photo_in
from wishes import CompareWish, SeasonWish, StyleWish, Wish

router = Router(name="photo")


@router.message(F.func(photo_in).as_("photo"))
async def take_photo(
    message: Message,
    photo: Photo,
    user: User,
    bot: Bot,
    context: JobContext,
    settings: Settings,
    i18n: I18n,
    event_update: Update,
) -> None:
    named = named_by(message, i18n)
    wish = named or await album_wish(photo, user, context) or user.wish
    if photo.size > settings.max_file_mb * 2**20:
        await message.reply(texts.file_too_big(settings.max_file_mb))
    elif photo.album and photo.album == user.style_album and named is None:
        await take_second_style(photo, user, bot, context)
    elif wish is not None:
        before = [p for p in user.pending if photo.album and p.album == photo.album]
        user.pending = [p for p in user.pending if p not in before]
        await work_on([*before, photo], wish, user, bot, context, event_update)
    elif user.mode is None:
        await ask_about(message, photo, user)
    else:
        await take_style(message, photo, user, bot, context, event_update)


@router.message(F.text, F.reply_to_message)
async def take_words(
    message: Message,
    user: User,
    bot: Bot,
    context: JobContext,
    i18n: I18n,
    event_update: Update,
) -> None:
    """The name of a painting or of a season answers a photo; other words are not about it."""
    photo, wish = photo_meant(message), named_by(message, i18n)
    if photo is None or wish is None:
        raise SkipHandler
    await work_on([photo], wish, user, bot, context, event_update)


@router.edited_message(F.func(photo_in).as_("photo"))
async def take_edited_photo(
    message: Message,
    photo: Photo,
    user: User,
    bot: Bot,
    context: JobContext,
    settings: Settings,
    i18n: I18n,
    event_update: Update,
) -> None:
    """Another photo in place of one we know, or a caption that names something now."""
    others = [waiting for waiting in user.pending if not is_same_message(waiting, photo)]
    waits = len(others) < len(user.pending)
    user.pending = others
    if waits and named_by(message, i18n) is None:
        user.remember_photo(photo)
        return
    known = next((old for old in user.recent if is_same_message(old, photo)), None)
    is_new = known is not None and known.unique_id != photo.unique_id
    if named_by(message, i18n) is None and not is_new:
        return
    for accepted in await context.store.jobs(user.id):
        job = job_in(accepted)
        if is_same_message(job.photo, photo) and not job.more:
            await cancel(job.id, user.id, context)
            if accepted.status_id:
                with suppress(TelegramBadRequest):
                    await bot.delete_message(job.chat_id, accepted.status_id)
    photo = replace(photo, album=None)  # the others have not changed
    await take_photo(message, photo, user, bot, context, settings, i18n, event_update)


@router.message(Command("me"))
async def take_profile_photo(message: Message, user: User, bot: Bot) -> None:
    """It is sent, so that there is a message to answer."""
    photos = (await bot.get_user_profile_photos(user.id, limit=1)).photos
    if not photos:
        await message.reply(texts.no_profile_photo())
        return
    sent = await message.answer_photo(
        photos[0][-1].file_id,
        caption=texts.what_to_do_with_you(),
        reply_markup=keyboards.photo_menu(),
    )
    if photo := photo_in(sent):
        user.remember_photo(photo)


def named_by(message: Message, i18n: I18n) -> Wish | None:
    """What the caption or the text asks for by name; a forwarded one was written for others."""
    text = message.caption or message.text
    return wish_in(text, i18n) if text and message.forward_origin is None else None


async def album_wish(photo: Photo, user: User, context: JobContext) -> Wish | None:
    """What the other photos of its album are waiting for."""
    if photo.album:
        for accepted in await context.store.jobs(user.id):
            job = job_in(accepted)
            if job.photo.album == photo.album and job.gathered:
                return job.wish
    return None


async def work_on(
    photos: list[Photo], wish: Wish, user: User, bot: Bot, context: JobContext, update: Update
) -> None:
    """Queues a photo that has just come; those of an album, which come one by one, as one job."""
    job = _job(update, user, photos, wish)
    album = job.photo.album
    if album:
        job = replace(job, gathered=time.time())
    user.note_recent(photos)
    refusal = await submit(job, context)
    if refusal and (album is None or album != user.answered_album):
        user.answered_album = album
        await bot.send_message(job.chat_id, refusal)


async def ask_about(message: Message, photo: Photo, user: User) -> None:
    """Asks once for each album what to do with it, and remembers its photos."""
    user.remember_photo(photo)
    if photo.album and photo.album == user.answered_album:
        return
    user.answered_album = photo.album
    await message.reply(texts.what_to_do_with_photo(), reply_markup=keyboards.photo_menu())


async def take_style(
    message: Message, photo: Photo, user: User, bot: Bot, context: JobContext, update: Update
) -> None:
    """Of an album, the second picture may follow: then the photos that wait are held for it."""
    wish = StyleWish(photo.unique_id, photo.file_id)
    user.keep_style(photo)
    user.choose(wish)
    text = texts.style_chosen(wish, photos_wait=bool(user.pending))
    answer = await message.reply(text, reply_markup=keyboards.back_to_menu())
    user.style_album, user.style_answer = photo.album, answer.message_id
    gathered = time.time() if photo.album else 0
    await submit_pending(user, message.chat.id, update, bot, context, gathered)


async def take_second_style(photo: Photo, user: User, bot: Bot, context: JobContext) -> None:
    """Mixed with the first one, which came just before. Of more pictures none is taken."""
    first = user.wish
    if not isinstance(first, StyleWish) or first.second:
        return
    user.keep_style(photo)
    mix = replace(first, second=photo.unique_id, second_file_id=photo.file_id)
    user.choose(mix)
    photos_wait = False
    for accepted in await context.store.jobs(user.id):
        job = job_in(accepted)
        if job.wish == first and job.gathered:
            changed = to_json(replace(job, wish=mix))
            photos_wait |= await context.store.extend(job.id, changed, instead_of=job.id)
    with suppress(TelegramBadRequest):
        await bot.edit_message_text(
            texts.style_chosen(mix, photos_wait),
            chat_id=photo.chat_id,
            message_id=user.style_answer,
            reply_markup=keyboards.back_to_menu(),
        )


async def submit_pending(
    user: User, chat_id: int, update: Update, bot: Bot, context: JobContext, gathered: float = 0
) -> None:
    """Queues the photos that wait in this chat, for what the user has chosen."""
    if user.wish is None:
        return
    photos = user.take_pending(chat_id)
    user.note_recent(photos)
    for _, together in groupby(photos, key=lambda photo: photo.album or photo.message_id):
        job = replace(_job(update, user, [*together], user.wish), gathered=gathered)
        if refusal := await submit(job, context):
            await bot.send_message(chat_id, refusal)
            return


def _job(update: Update, user: User, photos: list[Photo], wish: Wish) -> Job:
    """The same update delivered again makes the same job."""
    first, *others = sorted(photos, key=lambda photo: photo.message_id)
    job_id = f"{update.update_id}-{first.message_id}"
    return Job(job_id, first.chat_id, user.id, user.speaks, first, wish, tuple(others))


@router.callback_query(Repaint.filter())
async def repaint(
    query: CallbackQuery,
    callback_data: Repaint,
    user: User,
    bot: Bot,
    context: JobContext,
    event_update: Update,
) -> None:
    if wish := callback_data.wish(user.own_styles):
        await submit_again(query, wish, user, bot, context, event_update)
    else:
        await reply_to_press(
            query, bot, texts.style_forgotten(), keyboards.style_menu(user.own_styles)
        )


@router.callback_query(ChangeSeason.filter())
async def change_season(
    query: CallbackQuery,
    callback_data: ChangeSeason,
    user: User,
    bot: Bot,
    context: JobContext,
    event_update: Update,
) -> None:
    wish = SeasonWish(callback_data.direction, callback_data.amount, callback_data.as_file)
    await submit_again(query, wish, user, bot, context, event_update)


@router.callback_query(MenuChoice.filter(F.item == Menu.COMPARE))
async def compare(
    query: CallbackQuery, user: User, bot: Bot, context: JobContext, event_update: Update
) -> None:
    if result := result_in(query):
        await submit_again(query, CompareWish(result.file_id), user, bot, context, event_update)
    else:
        await reply_to_press(query, bot, texts.photo_forgotten())


async def submit_again(
    query: CallbackQuery, wish: Wish, user: User, bot: Bot, context: JobContext, update: Update
) -> None:
    """Queues the photo, or the album, that the button's message answers."""
    photos = photos_behind(query, user)
    if not photos:
        album = photo_behind(query)
        words = texts.album_forgotten() if album else texts.photo_forgotten()
        await reply_to_press(query, bot, words)
    elif refusal := await submit(_job(update, user, photos, wish), context):
        await reply_to_press(query, bot, refusal)


@router.callback_query(CancelJob.filter(), flags={"answers": True})
async def cancel_job(
    query: CallbackQuery, callback_data: CancelJob, bot: Bot, context: JobContext
) -> None:
    """Says so in a popup at once: the edit of the status may have to wait for the chat's pace."""
    cancelled = await cancel(callback_data.job_id, query.from_user.id, context)
    words = texts.cancelled() if cancelled else texts.over()
    with suppress(TelegramBadRequest):  # pressed long ago
        await query.answer(words)
    if query.message:
        with suppress(TelegramBadRequest):  # the job was done first: its status is the picture
            where = query.message.chat.id, query.message.message_id
            await edit_status(bot, *where, words, keyboards.back_to_menu())
