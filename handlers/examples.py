"""Photos beside what became of them."""

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery

import keyboards
import texts
from examples import EXAMPLES
from handlers.album import send_album
from handlers.reply import chat_of, reply_to_press
from keyboards import Menu, MenuChoice
from users import User

router = Router(name="examples")


@router.callback_query(MenuChoice.filter(F.item == Menu.EXAMPLES))
async def show_examples(query: CallbackQuery, user: User, bot: Bot) -> None:
    user.ask_no_longer()
    pictures = [(example.path, texts.example_caption(example.made)) for example in EXAMPLES]
    await send_album(chat_of(query), pictures, bot)
    await reply_to_press(query, bot, texts.examples_text(), keyboards.style_offer())
