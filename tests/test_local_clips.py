"""Clips on the local Bot API: what it refuses, what it makes of them, and files in pieces."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BufferedInputFile,
    InputMediaAnimation,
    InputMediaVideo,
    Message,
    ReplyParameters,
)
from aiohttp import ClientSession
from pydantic import SecretStr

from local_chat.client import ChatError, Person, join
from local_chat.server import LocalChat
from telegram_api.sending import make_bot
from tests.conftest import start_chat
from tools.clips import make_clip

SILENT, LOUD = make_clip((96, 64), 1, 10), make_clip((96, 64), 1, 10, sound=True)


def upload(data: bytes, name: str = "clip.mp4") -> BufferedInputFile:
    return BufferedInputFile(data, name)


@asynccontextmanager
async def talk() -> AsyncIterator[tuple[LocalChat, Bot, Person]]:
    chat = await start_chat()
    try:
        bot = make_bot(SecretStr(chat.token), chat.url, None)
        async with bot.session, join(chat.url, "Anna") as anna:
            await anna.say("/start")
            yield chat, bot, anna
    finally:
        await chat.close()


async def test_a_bot_sends_clips_and_edits_them() -> None:
    async with talk() as (_, bot, anna):
        sent = await bot.send_animation(anna.id, upload(SILENT), caption="One")
        assert sent.animation
        assert sent.document
        shown = sent.animation
        assert (shown.width, shown.height, shown.duration) == (96, 64, 1)
        assert shown.thumbnail
        again = await bot.send_animation(anna.id, shown.file_id)
        assert again.animation == shown
        with_sound = await bot.send_animation(anna.id, upload(LOUD))
        assert with_sound.video  # as Telegram has it
        video = await bot.send_video(
            anna.id, upload(LOUD), reply_parameters=ReplyParameters(message_id=sent.message_id)
        )
        assert video.video
        words = await bot.edit_message_caption(
            chat_id=anna.id, message_id=sent.message_id, caption="Two"
        )
        assert isinstance(words, Message)
        assert (words.animation, words.caption) == (shown, "Two")
        film = InputMediaVideo(media=upload(LOUD), caption="Three")
        edited = await bot.edit_message_media(film, chat_id=anna.id, message_id=sent.message_id)
        assert isinstance(edited, Message)
        assert edited.video
        assert edited.animation is None
        assert await anna.download(await anna.wait_for(lambda m: m.text == "Three")) == LOUD


@pytest.mark.parametrize(
    "data",
    [
        b"no clip",
        make_clip((64, 64), 0.3, 10, kind="webm"),
        make_clip((64, 64), 0.3, 10)[:500],
    ],
    ids=["text", "webm", "cut"],
)
async def test_what_telegrams_apps_could_not_play_is_refused(data: bytes) -> None:
    async with talk() as (_, bot, anna):
        said = await bot.send_message(anna.id, "Wait")
        with pytest.raises(TelegramBadRequest, match="VIDEO_CONTENT_TYPE_INVALID"):
            await bot.send_video(anna.id, upload(data))
        with pytest.raises(TelegramBadRequest, match="VIDEO_CONTENT_TYPE_INVALID"):
            await bot.edit_message_media(
                InputMediaAnimation(media=upload(data)),
                chat_id=anna.id,
                message_id=said.message_id,
            )
        with pytest.raises(TelegramBadRequest, match="wrong file identifier"):
            await bot.send_video(anna.id, "unknown")


async def test_what_people_send() -> None:
    async with talk() as (_, bot, anna):
        gif = make_clip((64, 64), 0.3, 10, kind="gif")
        for data, kind in ((LOUD, "video"), (gif, "animation"), (LOUD, "video_note")):
            await anna.send_clip(data, kind)
        updates = await bot.get_updates(offset=-3)
        video, animation, note = (update.message for update in updates)
        assert video and video.video and video.video.mime_type == "video/mp4"
        assert animation and animation.animation and animation.animation.mime_type == "image/gif"
        assert note and note.video_note and note.video_note.length == 64
        with pytest.raises(ChatError, match="VIDEO_CONTENT_TYPE_INVALID"):
            await anna.send_clip(b"no clip")


async def test_browsers_get_clips_piece_by_piece() -> None:
    async with talk() as (chat, _, anna), ClientSession() as session:
        clip = (await anna.send_clip(LOUD)).clip
        assert clip
        url = f"{chat.url}/chat/files/{clip['file_id']}"
        async with session.get(url, headers={"Range": "bytes=10-19"}) as part:
            assert (part.status, await part.read()) == (206, LOUD[10:20])
            assert part.headers["Content-Range"] == f"bytes 10-19/{len(LOUD)}"
            assert part.content_type == "video/mp4"
        async with session.get(url, headers={"Range": "bytes=-5"}) as last:
            assert await last.read() == LOUD[-5:]
        async with session.get(url, headers={"Range": f"bytes={len(LOUD)}-"}) as beyond:
            assert beyond.status == 416
        async with session.get(url) as whole:
            assert (whole.status, await whole.read()) == (200, LOUD)
