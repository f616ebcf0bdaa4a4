"""Albums of our own pictures: uploaded once, sent by their file ids from then on."""

from pathlib import Path

from aiogram import Bot
from aiogram.types import FSInputFile, InputMediaPhoto, MediaUnion

_file_ids: dict[tuple[int, Path], str] = {}  # each bot has ids of its own


async def send_album(chat_id: int, pictures: list[tuple[Path, str]], bot: Bot) -> None:
    """Sends 2 to 10 pictures, each with its caption (plain text or HTML)."""
    album: list[MediaUnion] = [
        InputMediaPhoto(media=_file_ids.get((bot.id, path)) or FSInputFile(path), caption=caption)
        for path, caption in pictures
    ]
    messages = await bot.send_media_group(chat_id, album)
    for (path, _caption), message in zip(pictures, messages, strict=True):
        if message.photo:
            _file_ids[bot.id, path] = message.photo[-1].file_id
