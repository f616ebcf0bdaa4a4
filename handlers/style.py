"""Choosing a style: a famous painting, or a picture of the user's own."""

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery, Update

import keyboards
from handlers.album import send_album
from handlers.photo import submit_pending
from handlers.reply import chat_of, photo_behind, reply_to_press, result_in
from jobs import Queue
from keyboards import Menu, MenuChoice, StyleChoice
from presets import PRESETS
from users import User

router = Router(name="style")


@router.callback_query(MenuChoice.filter(F.item.in_({Menu.STYLE, Menu.PAINT_RESULT})))
async def ask_style(query: CallbackQuery, callback_data: MenuChoice, user: User, bot: Bot) -> None:
    result = callback_data.item == Menu.PAINT_RESULT
    if photo := result_in(query) if result else photo_behind(query):
        user.remember_photo(photo)
    user.mode, user.style = "style", None
    await reply_to_press(query, bot, keyboards.choose_style(), keyboards.style_menu())


@router.callback_query(MenuChoice.filter(F.item == Menu.PRESETS))
async def show_presets(query: CallbackQuery, bot: Bot) -> None:
    pictures = [(preset.path, keyboards.caption_of(preset)) for preset in PRESETS.values()]
    await send_album(chat_of(query), pictures, bot)
    await reply_to_press(query, bot, keyboards.choose_preset(), keyboards.preset_menu())


@router.callback_query(StyleChoice.filter(F.style.in_(PRESETS)))
async def choose_preset(
    query: CallbackQuery,
    callback_data: StyleChoice,
    user: User,
    bot: Bot,
    queue: Queue,
    event_update: Update,
) -> None:
    user.mode, user.style = "style", callback_data.style
    preset = PRESETS[callback_data.style]
    text = keyboards.preset_chosen(preset, photos_wait=bool(user.pending))
    await reply_to_press(query, bot, text, keyboards.back_to_menu())
    await submit_pending(user, chat_of(query), event_update, bot, queue)


@router.callback_query(MenuChoice.filter(F.item == Menu.USE_AS_STYLE))
async def use_photo_as_style(query: CallbackQuery, user: User, bot: Bot) -> None:
    photos = user.take_pending()
    photo = photo_behind(query) or (photos[-1] if photos else None)
    if photo is None:
        await reply_to_press(query, bot, keyboards.photo_forgotten())
        return
    user.remember_style(photo)
    text = keyboards.own_style_chosen(photos_wait=False)
    await reply_to_press(query, bot, text, keyboards.back_to_menu())
