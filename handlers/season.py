"""Choosing a season: summer to winter, or winter to summer."""

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery, Update

import keyboards
from handlers.photo import submit_pending
from handlers.reply import chat_of, photo_behind, reply_to_press
from jobs import Queue
from keyboards import Menu, MenuChoice
from model_cyclegan.season import Direction
from users import User

router = Router(name="season")

SEASONS: dict[Menu, Direction] = {
    Menu.SUMMER_TO_WINTER: "summer2winter",
    Menu.WINTER_TO_SUMMER: "winter2summer",
}


@router.callback_query(MenuChoice.filter(F.item.in_(SEASONS)))
async def choose_season(
    query: CallbackQuery,
    callback_data: MenuChoice,
    user: User,
    bot: Bot,
    queue: Queue,
    event_update: Update,
) -> None:
    if photo := photo_behind(query):
        user.remember_photo(photo)
    user.mode = SEASONS[callback_data.item]
    text = keyboards.season_chosen(user.mode, photos_wait=bool(user.pending))
    await reply_to_press(query, bot, text, keyboards.back_to_menu())
    await submit_pending(user, chat_of(query), event_update, bot, queue)
