"""Whatever no other router understood gets a friendly answer."""

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery, Message

import keyboards
from handlers.reply import reply_to_press
from settings import Settings

router = Router(name="anything_else")


MOVES = F.video | F.animation | F.video_note | F.sticker.is_animated | F.sticker.is_video


@router.message(MOVES)
async def answer_film(message: Message, settings: Settings) -> None:
    await message.answer(keyboards.moves(), reply_markup=keyboards.main_menu(settings))


@router.message(F.voice | F.audio)
async def answer_sound(message: Message, settings: Settings) -> None:
    await message.answer(keyboards.sounds(), reply_markup=keyboards.main_menu(settings))


@router.message(F.document)
async def answer_file(message: Message, settings: Settings) -> None:
    await message.reply(keyboards.no_picture(), reply_markup=keyboards.main_menu(settings))


@router.message()
async def answer_anything(message: Message, settings: Settings) -> None:
    await message.answer(keyboards.anything_else(), reply_markup=keyboards.main_menu(settings))


@router.callback_query()
async def answer_old_button(query: CallbackQuery, bot: Bot, settings: Settings) -> None:
    await reply_to_press(query, bot, keyboards.old_button(), keyboards.main_menu(settings))
