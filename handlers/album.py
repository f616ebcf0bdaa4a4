"""Pictures to choose from: albums of our own ones, a numbered sheet of the user's."""

import asyncio
from pathlib import Path

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import FSInputFile, InlineKeyboardMarkup, InputMediaPhoto, MediaUnion
from PIL import Image, ImageOps

from decoding import BadImage, Limits, decode, limits_of
from encoding import encode_photo
from presets import PRESETS
from settings import Settings
from sheet import numbered
from telegram_api.sending import download

_file_ids: dict[tuple[int, Path], str] = {}  # of pictures uploaded once; each bot has its own

TILE = 400  # pixels


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


async def send_picture(
    chat_id: int, path: Path, caption: str, bot: Bot, menu: InlineKeyboardMarkup
) -> None:
    file = _file_ids.get((bot.id, path)) or FSInputFile(path)
    message = await bot.send_photo(chat_id, file, caption=caption, reply_markup=menu)
    if message.photo:
        _file_ids[bot.id, path] = message.photo[-1].file_id


async def numbered_sheet(file_ids: list[str], bot: Bot, settings: Settings) -> bytes:
    """A JPEG with a number on each of the pictures; one that is gone or damaged is a grey tile."""
    pictures = await asyncio.gather(*(_download_or_nothing(bot, file_id) for file_id in file_ids))
    return await asyncio.to_thread(_sheet, pictures, limits_of(settings))


async def sheet_of_presets(names: list[str]) -> bytes:
    """A JPEG of the famous paintings, numbered, with these names."""
    return await asyncio.to_thread(_sheet_of_presets, names)


def _sheet_of_presets(names: list[str]) -> bytes:
    tiles: list[Image.Image] = []
    for preset in PRESETS.values():
        with Image.open(preset.path) as painting:
            painting.draft("RGB", (2 * TILE, 2 * TILE))
            size = TILE, TILE * 3 // 4
            tiles.append(ImageOps.fit(painting.convert("RGB"), size, centering=(0.5, 0.2)))
    return encode_photo(numbered(tiles, 2, names)).data


async def _download_or_nothing(bot: Bot, file_id: str) -> bytes:
    try:
        return await download(bot, file_id, patience=5)
    except TelegramAPIError:
        return b""


def _sheet(pictures: list[bytes], limits: Limits) -> bytes:
    tiles = [_tile(data, limits) for data in pictures]
    return encode_photo(numbered(tiles, min(3, len(tiles)))).data


def _tile(data: bytes, limits: Limits) -> Image.Image:
    try:
        return ImageOps.pad(decode(data, limits), (TILE, TILE), color="white")
    except BadImage:
        return Image.new("RGB", (TILE, TILE), "grey")
