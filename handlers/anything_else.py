"""Whatever no other router understood: the name of a painting alone, or a friendly answer."""

from aiogram import Bot, F, Router
from aiogram.enums import ChatType
from aiogram.types import CallbackQuery, Message

import keyboards
import texts
from handlers.captions import Understood, names_a_wish
from handlers.reply import reply_to_press
from handlers.turn import Turn, choose_wish
from settings import Settings

router = Router(name="anything_else")


@router.message(F.sticker.is_animated | F.sticker.is_video)
async def answer_sticker(message: Message, settings: Settings) -> None:
    await message.answer(texts.sticker_moves(), reply_markup=keyboards.main_menu(settings))


@router.message(F.voice | F.audio)
async def answer_sound(message: Message, settings: Settings) -> None:
    await message.answer(texts.sounds(), reply_markup=keyboards.main_menu(settings))


@router.message(F.document)
async def answer_file(message: Message, settings: Settings) -> None:
    await message.reply(texts.no_picture(), reply_markup=keyboards.main_menu(settings))


@router.message(F.text, F.chat.type == ChatType.PRIVATE, names_a_wish)
async def take_name(message: Message, understood: Understood, turn: Turn) -> None:
    """Who writes the name of a painting or of a season chooses it."""
    if understood.wish:
        await choose_wish(understood.wish, message.chat.id, turn)
    elif understood.near:
        menu = keyboards.did_you_mean(understood.near, with_photo=False)
        await message.answer(texts.did_you_mean(understood.near), reply_markup=menu)


@router.message()
async def answer_anything(message: Message, settings: Settings) -> None:
    await message.answer(texts.anything_else(), reply_markup=keyboards.main_menu(settings))


@router.callback_query()
async def answer_old_button(query: CallbackQuery, bot: Bot, settings: Settings) -> None:
    await reply_to_press(query, bot, texts.old_button(), keyboards.main_menu(settings))
