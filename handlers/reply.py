"""Answering the press of a button, also where Telegram no longer shows us its message."""

from dataclasses import replace

from aiogram import Bot
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from users import Photo, User, photo_in


def chat_of(query: CallbackQuery) -> int:
    """The chat of the button's message; a private chat has its user's id."""
    return query.message.chat.id if query.message else query.from_user.id


def photo_behind(query: CallbackQuery) -> Photo | None:
    """The photo that the button's message replies to: it need not be remembered, nor sent again."""
    if isinstance(query.message, Message) and query.message.reply_to_message:
        return photo_in(query.message.reply_to_message)
    return None


def photos_behind(query: CallbackQuery, user: User) -> list[Photo]:
    """What the button is about: under a picture that picture's photo, under words about an album
    all its photos, or nothing where they are no longer remembered.
    """
    photo = photo_behind(query)
    if photo is None or photo.album is None or result_in(query):
        return [photo] if photo else []
    known = {other.message_id: other for other in (*user.pending, *user.recent)}
    return [other for other in known.values() if other.album == photo.album]


def result_in(query: CallbackQuery) -> Photo | None:
    """The picture of the button's message itself."""
    return photo_in(query.message) if isinstance(query.message, Message) else None


def photo_meant(message: Message) -> Photo | None:
    """The photo that a command comes with, or else answers: that one alone, not its album."""
    if photo := photo_in(message):
        return photo
    answered = message.reply_to_message
    photo = photo_in(answered) if answered else None
    return replace(photo, album=None) if photo else None


async def reply_to_press(
    query: CallbackQuery, bot: Bot, text: str, menu: InlineKeyboardMarkup | None = None
) -> None:
    await bot.send_message(chat_of(query), text, reply_markup=menu)
