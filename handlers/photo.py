"""A photo arrives: it is worked on, taken as a style, or we ask what to do with it.

Also the buttons under results and under the status message.
"""

from contextlib import suppress

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, Message, Update

import keyboards
from handlers.reply import chat_of, photo_behind, reply_to_press
from jobs import Job, Queue, SeasonWish, StyleWish, Wish, cancel, submit
from keyboards import CancelJob, Repaint
from presets import PRESETS
from settings import Settings
from users import Photo, User, photo_in

router = Router(name="photo")


@router.message(F.func(photo_in).as_("photo"))
async def take_photo(
    message: Message,
    photo: Photo,
    user: User,
    bot: Bot,
    queue: Queue,
    settings: Settings,
    event_update: Update,
) -> None:
    if photo.size > settings.max_file_mb * 2**20:
        await message.reply(keyboards.file_too_big(settings.max_file_mb))
    elif user.mode is None:
        await ask_about(message, photo, user)
    elif user.mode == "style" and user.style is None:
        user.remember_style(photo)
        text = keyboards.own_style_chosen(photos_wait=bool(user.pending))
        await message.reply(text, reply_markup=keyboards.back_to_menu())
        await submit_pending(user, message.chat.id, event_update, bot, queue)
    else:
        user.remember_photo(photo)
        await submit_pending(
            user, message.chat.id, event_update, bot, queue, album=message.media_group_id
        )


async def ask_about(message: Message, photo: Photo, user: User) -> None:
    """Asks once for each album what to do with it, and remembers its photos."""
    user.remember_photo(photo)
    if message.media_group_id and message.media_group_id == user.answered_album:
        return
    user.answered_album = message.media_group_id
    await message.reply(keyboards.what_to_do_with_photo(), reply_markup=keyboards.photo_menu())


async def submit_pending(
    user: User,
    chat_id: int,
    update: Update,
    bot: Bot,
    queue: Queue,
    album: str | None = None,
) -> None:
    """Queues the photos that wait, for what the user has chosen."""
    wish: Wish
    if user.mode is not None and user.mode != "style":
        wish = SeasonWish(user.mode)
    elif user.style is not None:
        wish = StyleWish(user.style, user.own_styles.get(user.style))
    else:
        return
    for photo in user.take_pending():
        if refusal := await submit(_job(update, chat_id, user, photo, wish), queue):
            if album is None or album != user.answered_album:
                await bot.send_message(chat_id, refusal)
            user.answered_album = album
            return


def _job(update: Update, chat_id: int, user: User, photo: Photo, wish: Wish) -> Job:
    """The same update delivered again makes the same job."""
    job_id = f"{update.update_id}-{photo.message_id}"
    return Job(job_id, chat_id, user.id, user.speaks, photo, wish)


@router.callback_query(Repaint.filter())
async def repaint(
    query: CallbackQuery,
    callback_data: Repaint,
    user: User,
    bot: Bot,
    queue: Queue,
    event_update: Update,
) -> None:
    photo = photo_behind(query)
    style_file_id = user.own_styles.get(callback_data.style)
    if photo is None:
        await reply_to_press(query, bot, keyboards.photo_forgotten())
    elif callback_data.style not in PRESETS and style_file_id is None:
        await reply_to_press(query, bot, keyboards.style_forgotten(), keyboards.style_menu())
    else:
        wish = StyleWish(
            callback_data.style, style_file_id, callback_data.strength, callback_data.variation
        )
        if refusal := await submit(_job(event_update, chat_of(query), user, photo, wish), queue):
            await reply_to_press(query, bot, refusal)


@router.callback_query(CancelJob.filter())
async def cancel_job(
    query: CallbackQuery, callback_data: CancelJob, bot: Bot, queue: Queue
) -> None:
    cancelled = await cancel(callback_data.job_id, query.from_user.id, queue)
    if query.message:
        with suppress(TelegramBadRequest):  # the job was done first: its status is the picture
            await bot.edit_message_text(
                keyboards.cancelled() if cancelled else keyboards.over(),
                chat_id=query.message.chat.id,
                message_id=query.message.message_id,
                reply_markup=keyboards.back_to_menu(),
            )
