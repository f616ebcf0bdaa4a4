"""What Telegram shows of the bot before a word is said: its commands and descriptions."""

from aiogram import Bot
from aiogram.types import BotCommand
from aiogram.utils.i18n import I18n

import texts
from languages import code_of


async def publish_profile(bot: Bot, i18n: I18n) -> None:
    """Tells Telegram what changed, in each language and in English for all others."""
    for locale in (i18n.default_locale, *i18n.available_locales):
        language = None if locale == i18n.default_locale else code_of(locale)
        with i18n.context(), i18n.use_locale(locale):
            commands = texts.command_descriptions()
            description, short = texts.description(), texts.short_description()
        known = await bot.get_my_commands(language_code=language)
        if {one.command: one.description for one in known} != commands:
            new = [BotCommand(command=name, description=said) for name, said in commands.items()]
            await bot.set_my_commands(new, language_code=language)
        if (await bot.get_my_description(language)).description != description:
            await bot.set_my_description(description, language)
        if (await bot.get_my_short_description(language)).short_description != short:
            await bot.set_my_short_description(short, language)
