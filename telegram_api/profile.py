"""What Telegram shows of the bot before a word is said: its commands and descriptions."""

from aiogram import Bot
from aiogram.types import BotCommand
from aiogram.utils.i18n import I18n

import texts


async def publish_profile(bot: Bot, i18n: I18n) -> None:
    """Tells Telegram what changed, in each language and in English for all others."""
    for language in (None, *i18n.available_locales):
        with i18n.context(), i18n.use_locale(language or i18n.default_locale):
            commands = [
                BotCommand(command=command, description=description)
                for command, description in texts.command_descriptions().items()
            ]
            description, short = texts.description(), texts.short_description()
        if await bot.get_my_commands(language_code=language) != commands:
            await bot.set_my_commands(commands, language_code=language)
        if (await bot.get_my_description(language)).description != description:
            await bot.set_my_description(description, language)
        if (await bot.get_my_short_description(language)).short_description != short:
            await bot.set_my_short_description(short, language)
