"""How to behave among others: when to answer at all, and whose buttons are whose."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.enums import ChatType
from aiogram.types import CallbackQuery, Message, TelegramObject
from aiogram.types import User as TelegramUser

import keyboards
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


class Manners(BaseMiddleware):
    """In a group, the buttons of what a user gets are theirs: to others a popup says so."""

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        sender: TelegramUser | None = data.get("event_from_user")
        chat = data.get("event_chat")
        if sender is None or chat is None or chat.type not in GROUPS:
            return await handler(event, data)
        if isinstance(event, CallbackQuery):
            pressed, owner = keyboards.without_owner(event.data or "")
            if owner != sender.id:
                return await event.answer(texts.not_yours(), show_alert=True)
            event = event.model_copy(update={"data": pressed})
        with keyboards.owned_by(sender.id):
            return await handler(event, data)
