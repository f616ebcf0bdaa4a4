"""Groups: which of their messages are for us."""

from aiogram import Bot
from aiogram.enums import ChatType
from aiogram.types import Message

import texts
from users import photo_in

GROUPS = {ChatType.GROUP, ChatType.SUPERGROUP}


async def is_for_us(message: Message, bot: Bot) -> bool:
    """Always in a private chat. In a group: commands of ours, what mentions the bot, and photos
    that answer it.
    """
    if message.chat.type not in GROUPS:
        return message.chat.type == ChatType.PRIVATE
    answered = message.reply_to_message
    if answered and answered.from_user and answered.from_user.id == bot.id and photo_in(message):
        return True
    name = f"@{(await bot.me()).username}".casefold()
    text = message.text or message.caption or ""
    for entity in message.entities or message.caption_entities or []:
        word = entity.extract_from(text).casefold()
        if entity.type == "mention" and word == name:
            return True
        if entity.type == "bot_command" and entity.offset == 0:
            command, at, whom = word.removeprefix("/").partition("@")
            return command in texts.command_descriptions() and (not at or f"@{whom}" == name)
    return False
