"""The menu of commands that Telegram shows beside the text field."""

from aiogram import Bot
from aiogram.types import BotCommand
from aiogram.utils.i18n import I18n

import keyboards


async def publish_commands(bot: Bot, i18n: I18n) -> None:
    """Tells Telegram our commands in each language, English for all others, where they changed."""
    for language in (None, *i18n.available_locales):
        with i18n.context(), i18n.use_locale(language or i18n.default_locale):
            commands = [
                BotCommand(command=command, description=description)
                for command, description in keyboards.command_descriptions().items()
            ]
        if await bot.get_my_commands(language_code=language) != commands:
            await bot.set_my_commands(commands, language_code=language)
