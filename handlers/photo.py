"""A photo or a clip arrives: it is worked on, taken as a style, or we ask what to do with it."""

import time
from contextlib import suppress
from dataclasses import replace

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Command
from aiogram.types import Message
from aiogram.utils.i18n import I18n

import keyboards
import texts
from handlers.captions import Understood, named_by, names_a_wish
from handlers.reply import photo_meant
from handlers.turn import Turn, submit_pending, work_on
from jobs.job import job_in, to_json
from jobs.queue import ask_for_sheet, cancel
from settings import Settings
from users import Photo, User, is_same_message, photo_in
from wishes import MOST_CLIP_SECONDS, StyleWish, Wish

router = Router(name="photo")


@router.message(F.func(photo_in).as_("photo"))
async def take_photo(message: Message, photo: Photo, turn: Turn, i18n: I18n) -> None:
    user, most_mb = turn.user, turn.context.settings.max_file_mb
    understood = named_by(message, user, i18n)
    named = understood.wish
    wish = named or await album_wish(photo, turn) or user.wish
    if photo.size > most_mb * 2**20:
        await message.reply(texts.file_too_big(most_mb, photo.moves))
    elif photo.seconds > MOST_CLIP_SECONDS:
        await message.reply(texts.clip_too_long(photo.seconds))
    elif photo.album and photo.album == user.style_album and named is None:
        await take_second_style(photo, turn)
    elif understood.near:
        await ask_what_was_meant(message, photo, understood.near, turn)
    elif wish is not None:
        if named and understood.unknown:
            await message.reply(texts.understood_in_part(understood.unknown))
        before = [p for p in user.pending if photo.album and p.album == photo.album]
        user.pending = [p for p in user.pending if p not in before]
        await work_on([*before, photo], wish, turn)
    elif not user.awaits_style:
        await ask_about(message, photo, turn)
    elif photo.moves:
        await message.reply(texts.clip_is_no_style())
    else:
        await take_style(message, photo, turn)


@router.message(F.text, F.reply_to_message, F.func(photo_meant).as_("photo"), names_a_wish)
async def take_words(message: Message, photo: Photo, understood: Understood, turn: Turn) -> None:
    """The name of a painting or of a season answers a photo; other words are not about it."""
    if understood.wish is None:
        assert understood.near
        await ask_what_was_meant(message, photo, understood.near, turn)
        return
    if understood.unknown:
        await message.reply(texts.understood_in_part(understood.unknown))
    await work_on([photo], understood.wish, turn)


@router.edited_message(F.func(photo_in).as_("photo"))
async def take_edited_photo(message: Message, photo: Photo, turn: Turn, i18n: I18n) -> None:
    """Another photo in place of one we know, or a caption that names something now."""
    user = turn.user
    others = [waiting for waiting in user.pending if not is_same_message(waiting, photo)]
    waits = len(others) < len(user.pending)
    user.pending = others
    named = named_by(message, user, i18n).wish
    if waits and named is None:
        user.remember_photo(photo)
        return
    known = next((old for old in user.recent if is_same_message(old, photo)), None)
    is_new = known is not None and known.unique_id != photo.unique_id
    if named is None and not is_new:
        return
    await cancel_work_on(photo, turn)
    photo = replace(photo, album=None)  # the others have not changed
    await take_photo(message, photo, turn, i18n)


async def cancel_work_on(photo: Photo, turn: Turn) -> None:
    """Cancels what is done with this photo alone, and deletes its status message."""
    for accepted in await turn.context.store.jobs(turn.user.id):
        job = job_in(accepted)
        if is_same_message(job.photo, photo) and not job.more:
            await cancel(job.id, turn.user.id, turn.context)
            if accepted.status_id:
                with suppress(TelegramBadRequest):
                    await turn.bot.delete_message(job.chat_id, accepted.status_id)


@router.message(Command("me"))
async def take_profile_photo(message: Message, user: User, bot: Bot, settings: Settings) -> None:
    """It is sent, so that there is a message to answer."""
    photos = (await bot.get_user_profile_photos(user.id, limit=1)).photos
    if not photos:
        menu = keyboards.main_menu(settings)
        await message.reply(texts.no_profile_photo(), reply_markup=menu)
        return
    sent = await message.answer_photo(
        photos[0][-1].file_id,
        caption=texts.what_to_do_with_you(),
        reply_markup=keyboards.photo_menu(),
    )
    if photo := photo_in(sent):
        user.remember_photo(photo)


async def album_wish(photo: Photo, turn: Turn) -> Wish | None:
    """What the other photos of its album are waiting for."""
    if photo.album:
        for accepted in await turn.context.store.jobs(turn.user.id):
            job = job_in(accepted)
            if job.photo.album == photo.album and job.gathered:
                return job.wish
    return None


async def ask_about(message: Message, photo: Photo, turn: Turn) -> None:
    """Asks once for each album what to do with it, and remembers its photos. The question about a
    single photo soon shows it in all styles; not one that came as a file, which may be large.
    """
    user = turn.user
    user.remember_photo(photo)
    if photo.album and photo.album == user.answered_album:
        return
    user.answered_album = photo.album
    words = texts.what_to_do_with_clip() if photo.moves else texts.what_to_do_with_photo()
    menu = keyboards.photo_menu(moves=photo.moves)
    question = await message.reply(words, reply_markup=menu)
    if photo.album is None and not photo.as_file and not photo.moves:
        await ask_for_sheet(photo, question.message_id, user, turn.context)


async def ask_what_was_meant(message: Message, photo: Photo, near: str, turn: Turn) -> None:
    """The photo waits; `near` is the preset whose name was almost said."""
    turn.user.remember_photo(photo)
    menu = keyboards.did_you_mean(near, with_photo=True)
    await message.reply(texts.did_you_mean(near), reply_markup=menu)


async def take_style(message: Message, photo: Photo, turn: Turn) -> None:
    """Of an album, the second picture may follow: then the photos that wait are held for it."""
    user = turn.user
    wish = StyleWish(photo.unique_id, photo.file_id)
    user.keep_style(photo)
    user.choose(wish)
    text = texts.chosen(wish, photos_wait=bool(user.pending))
    answer = await message.reply(text, reply_markup=keyboards.back_to_menu())
    user.style_album, user.style_answer = photo.album, answer.message_id
    gathered = time.time() if photo.album else 0
    await submit_pending(message.chat.id, turn, gathered)


async def take_second_style(photo: Photo, turn: Turn) -> None:
    """Mixed with the first one, which came just before. Of more pictures none is taken."""
    user, store = turn.user, turn.context.store
    first = user.wish
    if not isinstance(first, StyleWish) or first.second:
        return
    user.keep_style(photo)
    mix = replace(first, second=photo.unique_id, second_file_id=photo.file_id)
    user.choose(mix)
    photos_wait = False
    for accepted in await store.jobs(user.id):
        job = job_in(accepted)
        if job.wish == first and job.gathered:
            changed = to_json(replace(job, wish=mix))
            photos_wait |= await store.extend(job.id, changed, instead_of=job.id)
    with suppress(TelegramBadRequest):
        await turn.bot.edit_message_text(
            texts.chosen(mix, photos_wait),
            chat_id=photo.chat_id,
            message_id=user.style_answer,
            reply_markup=keyboards.back_to_menu(),
        )
