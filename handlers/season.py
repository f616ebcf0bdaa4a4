"""Choosing a season: summer to winter, or winter to summer."""

from aiogram import Bot, F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message, Update

import keyboards
import texts
from handlers.photo import submit_pending, work_on
from handlers.reply import chat_of, photo_meant, photos_behind
from jobs.queue import JobContext
from keyboards import Menu, MenuChoice
from users import User
from wishes import Direction, SeasonWish

router = Router(name="season")

SEASONS: dict[Menu, Direction] = {
    Menu.SUMMER_TO_WINTER: "summer2winter",
    Menu.WINTER_TO_SUMMER: "winter2summer",
}
# Names of commands and of deep links.
SEASONS_WANTED: dict[str, Direction] = {"winter": "summer2winter", "summer": "winter2summer"}


@router.callback_query(MenuChoice.filter(F.item.in_(SEASONS)))
async def choose_season(
    query: CallbackQuery,
    callback_data: MenuChoice,
    user: User,
    bot: Bot,
    context: JobContext,
    event_update: Update,
) -> None:
    for photo in photos_behind(query, user):
        user.remember_photo(photo)
    direction = SEASONS[callback_data.item]
    await choose(direction, chat_of(query), user, bot, context, event_update)


@router.message(Command(*SEASONS_WANTED))
async def take_command(
    message: Message,
    command: CommandObject,
    user: User,
    bot: Bot,
    context: JobContext,
    event_update: Update,
) -> None:
    """The photo it answers or comes with is changed; without one it is about photos to come."""
    direction = SEASONS_WANTED[command.command]
    if photo := photo_meant(message):
        await work_on([photo], SeasonWish(direction), user, bot, context, event_update)
    elif message.chat.type == ChatType.PRIVATE:
        await choose(direction, message.chat.id, user, bot, context, event_update)
    else:
        await message.reply(texts.season_in_group())


async def choose(
    direction: Direction, chat_id: int, user: User, bot: Bot, context: JobContext, update: Update
) -> None:
    """For the photos that wait in this chat, and for those to come."""
    user.choose(SeasonWish(direction))
    photos_wait = any(photo.chat_id == chat_id for photo in user.pending)
    text = texts.season_chosen(direction, photos_wait)
    await bot.send_message(chat_id, text, reply_markup=keyboards.back_to_menu())
    await submit_pending(user, chat_id, update, bot, context)
