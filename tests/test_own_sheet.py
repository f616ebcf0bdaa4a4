"""The sheet of the user's own style pictures."""

import io
from unittest.mock import Mock

import pytest
from aiogram.exceptions import TelegramAPIError
from PIL import Image

import handlers.album
from presets import PRESETS
from settings import Settings


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return data.getvalue()


KISS = Image.open(PRESETS["kiss"].path).convert("RGB")
WAVE = Image.open(PRESETS["great_wave"].path).convert("RGB")


@pytest.mark.asyncio
async def test_pictures_are_whole_and_each_is_there_once(monkeypatch: pytest.MonkeyPatch) -> None:
    framed = Image.new("RGB", (800, 400), "red")
    framed.paste("blue", (100, 0, 700, 400))
    files = {
        "kiss": jpeg(KISS),
        "wave": jpeg(WAVE),
        "framed": jpeg(framed),
        "the kiss again": jpeg(KISS.resize((KISS.width // 2, KISS.height // 2)), 60),
        "gone": b"",
        "gone too": b"",
    }

    async def download(bot: object, file_id: str, patience: float) -> bytes:
        if not files[file_id]:
            raise TelegramAPIError(Mock(), "gone")
        return files[file_id]

    monkeypatch.setattr(handlers.album, "download", download)
    thumbnails = {name: name for name in files}
    sheet, shown = await handlers.album.sheet_of_own(thumbnails, Mock(), Settings())
    assert shown == ["wave", "framed", "the kiss again", "gone", "gone too"]
    image = Image.open(io.BytesIO(sheet)).convert("RGB")
    tile = (image.width - 2 * 8) // 3
    left, middle = tile + 8, tile // 2
    assert image.getpixel((left + 5, middle)) == pytest.approx((254, 0, 0), abs=20)
    assert image.getpixel((left + tile - 5, middle)) == pytest.approx((254, 0, 0), abs=20)
    assert image.getpixel((left + middle, 5)) == (255, 255, 255)
