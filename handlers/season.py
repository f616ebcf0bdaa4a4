"""Choosing a season: summer to winter, or winter to summer."""

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

import texts
from handlers.reply import chat_of, photo_meant, photos_behind
from handlers.turn import Turn, choose_wish, work_on
from keyboards import Menu, MenuChoice
from wishes import Direction, SeasonWish

router = Router(name="season")

SEASON_BUTTONS: dict[Menu, Direction] = {
    Menu.SUMMER_TO_WINTER: "summer2winter",
    Menu.WINTER_TO_SUMMER: "winter2summer",
}
# Names of commands and of deep links.
SEASON_COMMANDS: dict[str, Direction] = {"winter": "summer2winter", "summer": "winter2summer"}


@router.callback_query(MenuChoice.filter(F.item.in_(SEASON_BUTTONS)))
async def choose_season(query: CallbackQuery, callback_data: MenuChoice, turn: Turn) -> None:
    for photo in photos_behind(query, turn.user):
        turn.user.remember_photo(photo)
    await choose_wish(SeasonWish(SEASON_BUTTONS[callback_data.item]), chat_of(query), turn)


@router.message(Command(*SEASON_COMMANDS))
async def take_season_command(message: Message, command: CommandObject, turn: Turn) -> None:
    """The photo it answers or comes with is changed; without one it is about photos to come."""
    wish = SeasonWish(SEASON_COMMANDS[command.command])
    if photo := photo_meant(message):
        await work_on([photo], wish, turn)
    elif message.chat.type == ChatType.PRIVATE:
        await choose_wish(wish, message.chat.id, turn)
    else:
        await message.reply(texts.season_in_group())
