"""Choosing a style: a famous painting, a picture of the user's own, or a mix of two."""

from dataclasses import replace

from aiogram import Bot, F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command, CommandObject
from aiogram.types import BufferedInputFile, CallbackQuery, Message
from aiogram.utils.i18n import I18n

import keyboards
import texts
from handlers.album import sheet_of_own, sheet_of_presets
from handlers.captions import understand
from handlers.reply import (
    chat_of,
    photo_behind,
    photo_meant,
    photos_behind,
    reply_to_press,
    result_in,
)
from handlers.turn import Turn, choose_wish, work_on
from keyboards import Menu, MenuChoice, Mix, StyleChoice
from presets import PRESETS
from settings import Settings
from users import User
from wishes import StyleWish

router = Router(name="style")


@router.message(Command("style"))
async def take_style_command(
    message: Message, command: CommandObject, turn: Turn, i18n: I18n
) -> None:
    """The photo it answers or comes with is painted; without one it is about photos to come."""
    understood = understand(command.args or "", i18n, turn.user.wish)
    wish, photo = understood.wish, photo_meant(message)
    if understood.near and (photo or message.chat.type == ChatType.PRIVATE):
        if photo:
            turn.user.remember_photo(photo)
        menu = keyboards.did_you_mean(understood.near, with_photo=False)
        await message.reply(texts.did_you_mean(understood.near), reply_markup=menu)
    elif photo and isinstance(wish, StyleWish):
        await work_on([photo], wish, turn)
    elif isinstance(wish, StyleWish) and message.chat.type == ChatType.PRIVATE:
        await choose_wish(wish, message.chat.id, turn)
    elif photo or message.chat.type == ChatType.PRIVATE:
        if photo:
            turn.user.remember_photo(photo)
        turn.user.choose(None)
        menu = keyboards.style_menu(turn.user.own_styles)
        await message.reply(texts.choose_style(), reply_markup=menu)
    else:
        await message.reply(texts.style_in_group())


@router.callback_query(MenuChoice.filter(F.item.in_({Menu.STYLE, Menu.PAINT_RESULT})))
async def ask_style(query: CallbackQuery, callback_data: MenuChoice, user: User, bot: Bot) -> None:
    photos = photos_behind(query, user)
    if not photos and photo_behind(query):
        await reply_to_press(query, bot, texts.album_forgotten())
        return
    result = result_in(query) if callback_data.item == Menu.PAINT_RESULT else None
    for photo in [result] if result else photos:
        user.remember_photo(photo)
    user.choose(None)
    menu = keyboards.style_menu(user.own_styles)
    await reply_to_press(query, bot, texts.choose_style(), menu)


@router.message(Command("styles"))
async def show_styles(message: Message, bot: Bot) -> None:
    await send_presets(message.chat.id, bot)


@router.callback_query(MenuChoice.filter(F.item == Menu.PRESETS))
async def show_presets(query: CallbackQuery, bot: Bot) -> None:
    await send_presets(chat_of(query), bot)


async def send_presets(chat_id: int, bot: Bot) -> None:
    """One sheet, with the names of the buttons."""
    sheet = await sheet_of_presets(texts.titles())
    await bot.send_photo(
        chat_id,
        BufferedInputFile(sheet, "styles.jpg"),
        caption=texts.choose_preset(),
        reply_markup=keyboards.preset_menu(),
    )


@router.callback_query(MenuChoice.filter(F.item == Menu.OWN_STYLES))
async def show_own_styles(query: CallbackQuery, user: User, bot: Bot, settings: Settings) -> None:
    if not user.own_styles:
        menu = keyboards.style_menu(user.own_styles)
        await reply_to_press(query, bot, texts.style_forgotten(), menu)
        return
    sheet, shown = await sheet_of_own(user.thumbnails, bot, settings)
    await bot.send_photo(
        chat_of(query),
        BufferedInputFile(sheet, "styles.jpg"),
        caption=texts.choose_own_style(),
        reply_markup=keyboards.own_style_menu(shown),
    )


@router.callback_query(StyleChoice.filter())
async def choose_style(query: CallbackQuery, callback_data: StyleChoice, turn: Turn) -> None:
    style, own_styles = callback_data.style, turn.user.own_styles
    if style in PRESETS or style in own_styles:
        await choose_wish(StyleWish(style, own_styles.get(style)), chat_of(query), turn)
    else:
        menu = keyboards.style_menu(own_styles)
        await reply_to_press(query, turn.bot, texts.style_forgotten(), menu)


@router.callback_query(Mix.filter())
async def choose_mix(query: CallbackQuery, callback_data: Mix, turn: Turn) -> None:
    """Step by step in the message with the numbers."""
    first, second = callback_data.first, callback_data.second
    if first in PRESETS and second in PRESETS and first != second:
        await choose_wish(StyleWish(first, None, second=second), chat_of(query), turn)
    elif isinstance(query.message, Message):
        first = first if first in PRESETS and second is None else None
        words, menu = texts.choose_mix(first), keyboards.mix_menu(first)
        if query.message.photo:  # under the sheet of /styles
            await query.message.edit_caption(caption=words, reply_markup=menu)
        else:
            await query.message.edit_text(words, reply_markup=menu)


@router.callback_query(MenuChoice.filter(F.item == Menu.USE_AS_STYLE))
async def use_photo_as_style(query: CallbackQuery, user: User, bot: Bot) -> None:
    """Of an album its first two pictures, mixed."""
    photos = user.take_pending(chat_of(query))
    asked = photo_behind(query) or (photos[-1] if photos else None)
    if asked is None:
        await reply_to_press(query, bot, texts.photo_forgotten())
        return
    if asked.moves:
        await reply_to_press(query, bot, texts.clip_is_no_style())
        return
    styles = [photo for photo in photos if photo.album and photo.album == asked.album][:2]
    styles = styles if len(styles) == 2 else [asked]
    for style in styles:
        user.keep_style(style)
    wish = StyleWish(styles[0].unique_id, styles[0].file_id)
    if len(styles) == 2:
        wish = replace(wish, second=styles[1].unique_id, second_file_id=styles[1].file_id)
    user.choose(wish)
    text = texts.chosen(wish, photos_wait=False)
    await reply_to_press(query, bot, text, keyboards.back_to_menu())
