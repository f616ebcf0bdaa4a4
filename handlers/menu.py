"""/start and its deep links, /help, /language, /forget and the main menu."""

import asyncio
from html import escape

from aiogram import Bot, F, Router
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import CallbackQuery, Message
from aiogram.utils.i18n import I18n

import keyboards
import texts
from examples import EXAMPLES
from handlers.album import send_picture
from handlers.reply import reply_to_press
from handlers.season import SEASON_COMMANDS
from handlers.turn import Turn, choose_wish
from jobs import kept
from jobs.answer import delete_statuses
from jobs.queue import JobContext, drop
from keyboards import LanguageChoice, Menu, MenuChoice
from presets import PRESETS
from settings import Settings
from users import User
from wishes import SeasonWish, StyleWish

router = Router(name="menu")


@router.message(CommandStart(deep_link=True, magic=F.args.in_(SEASON_COMMANDS)))
async def start_with_season(message: Message, command: CommandObject, turn: Turn) -> None:
    wish = SeasonWish(SEASON_COMMANDS[command.args or ""])
    await choose_wish(wish, message.chat.id, turn)


@router.message(CommandStart(deep_link=True, magic=F.args.removeprefix("style_").in_(PRESETS)))
async def start_with_style(message: Message, command: CommandObject, turn: Turn) -> None:
    wish = StyleWish((command.args or "").removeprefix("style_"), None)
    await choose_wish(wish, message.chat.id, turn)


@router.message(CommandStart())
async def start(message: Message, user: User, bot: Bot, settings: Settings) -> None:
    """With a photo and what became of it, so that nobody need ask what the bot does."""
    user.ask_no_longer()
    name = message.from_user.first_name if message.from_user else message.chat.full_name
    menu = keyboards.main_menu(settings)
    await send_picture(message.chat.id, EXAMPLES[0].path, texts.greeting(escape(name)), bot, menu)


@router.message(Command("help"))
async def show_help(message: Message) -> None:
    await message.answer(texts.help_text(), reply_markup=keyboards.back_to_menu())


@router.callback_query(MenuChoice.filter(F.item == Menu.MAIN))
async def press_menu(query: CallbackQuery, user: User, bot: Bot, settings: Settings) -> None:
    user.ask_no_longer()
    await reply_to_press(query, bot, texts.menu_text(), keyboards.main_menu(settings))


@router.message(Command("language"))
async def ask_language(message: Message) -> None:
    await message.answer(texts.choose_language(), reply_markup=keyboards.language_menu())


@router.message(Command("forget"))
async def forget(
    message: Message, user: User, bot: Bot, context: JobContext, settings: Settings
) -> None:
    """Answers in the language that is forgotten with the rest."""
    jobs = await context.store.jobs(user.id)
    await drop(await context.store.forget(user.id), context)
    await asyncio.to_thread(kept.forget, kept.folder_of(settings), user.id)
    user.forget_everything()
    await delete_statuses(jobs, bot)
    await message.answer(texts.forgotten(), reply_markup=keyboards.main_menu(settings))


@router.callback_query(LanguageChoice.filter())
async def choose_language(
    query: CallbackQuery,
    callback_data: LanguageChoice,
    user: User,
    bot: Bot,
    settings: Settings,
    i18n: I18n,
) -> None:
    user.language = callback_data.language
    with i18n.use_locale(user.speaks):
        menu = keyboards.main_menu(settings)
        await reply_to_press(query, bot, texts.language_chosen(), menu)
