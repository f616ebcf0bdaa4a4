"""Pictures to choose from: albums of our own ones, a numbered sheet of the user's own."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import FSInputFile, InlineKeyboardMarkup, InputMediaPhoto, MediaUnion
from PIL import Image, ImageChops, ImageOps, ImageStat

from decoding import BadImage, Limits, decode, limits_of
from encoding import encode_photo
from presets import PRESETS
from settings import Settings
from sheet import numbered
from telegram_api.sending import download

_file_ids: dict[tuple[int, Path], str] = {}  # of pictures uploaded once; each bot has its own

TILE = 400  # pixels
ALIKE = 2.0  # of 255, in the mean


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


async def sheet_of_own(
    thumbnails: Mapping[str, str], bot: Bot, settings: Settings
) -> tuple[bytes, list[str]]:
    """A JPEG with a number on each of the pictures, given by ids and file ids, and the ids shown,
    in their order. Of pictures that look alike the newest is shown; one that is gone or damaged is
    a grey tile.
    """
    files = thumbnails.values()
    pictures = await asyncio.gather(*(_download_or_nothing(bot, file_id) for file_id in files))
    found = dict(zip(thumbnails, pictures, strict=True))
    return await asyncio.to_thread(_sheet, found, limits_of(settings))


async def sheet_of_presets(names: list[str]) -> bytes:
    """A JPEG of the famous paintings, numbered, with these names."""
    return await asyncio.to_thread(_sheet_of_presets, names)


def _sheet_of_presets(names: list[str]) -> bytes:
    tiles: list[Image.Image] = []
    for preset in PRESETS.values():
        with Image.open(preset.path) as painting:
            painting.draft("RGB", (2 * TILE, 2 * TILE))
            size = TILE, TILE * 3 // 4
            tiles.append(ImageOps.fit(painting.convert("RGB"), size, centering=preset.focus))
    return encode_photo(numbered(tiles, 4, names)).data


async def _download_or_nothing(bot: Bot, file_id: str) -> bytes:
    try:
        return await download(bot, file_id, patience=5)
    except TelegramAPIError:
        return b""


def _sheet(pictures: Mapping[str, bytes], limits: Limits) -> tuple[bytes, list[str]]:
    shown: dict[str, Image.Image] = {}
    for name, data in reversed([*pictures.items()]):
        tile = _tile(data, limits)
        if not data or not any(_are_alike(tile, other) for other in shown.values()):
            shown[name] = tile
    names = list(reversed(shown))
    tiles = [shown[name] for name in names]
    return encode_photo(numbered(tiles, min(3, len(tiles)))).data, names


def _are_alike(one: Image.Image, other: Image.Image) -> bool:
    """The same picture, sent twice or shrunk by Telegram another time."""
    small = [tile.resize((16, 16), Image.Resampling.BOX) for tile in (one, other)]
    return max(ImageStat.Stat(ImageChops.difference(*small)).mean) < ALIKE


def _tile(data: bytes, limits: Limits) -> Image.Image:
    try:
        return ImageOps.pad(decode(data, limits), (TILE, TILE), color="white")
    except BadImage:
        return Image.new("RGB", (TILE, TILE), "grey")
