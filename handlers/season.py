"""Summer to winter and winter to summer."""

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery

import keyboards
from handlers.reply import photo_behind, reply_to_press
from keyboards import Menu, MenuChoice
from users import User

router = Router(name="season")

SEASONS = {Menu.SUMMER_TO_WINTER, Menu.WINTER_TO_SUMMER}


@router.callback_query(MenuChoice.filter(F.item.in_(SEASONS)))
async def choose_season(query: CallbackQuery, user: User, bot: Bot) -> None:
    if photo := photo_behind(query):
        user.remember_photo(photo)
    await reply_to_press(query, bot, keyboards.season_coming_soon(), keyboards.style_offer())
