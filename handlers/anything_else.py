"""Whatever no other router understood gets a friendly answer."""

from aiogram import Bot, Router
from aiogram.types import CallbackQuery, Message

import keyboards
from handlers.reply import reply_to_press
from settings import Settings

router = Router(name="anything_else")


@router.message()
async def answer_anything(message: Message, settings: Settings) -> None:
    await message.answer(keyboards.anything_else(), reply_markup=keyboards.main_menu(settings))


@router.callback_query()
async def answer_old_button(query: CallbackQuery, bot: Bot, settings: Settings) -> None:
    await reply_to_press(query, bot, keyboards.old_button(), keyboards.main_menu(settings))
