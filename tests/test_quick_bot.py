"""What people see of the quick network: at once, or alone. With the real weights and bot."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from encoding import encode_file
from image_processing import in_all_styles, paint_quickly
from jobs import painting
from jobs.painting import Progress, make_result, quick_preview
from local_chat.client import Message, join
from model_nst.quick_painter import quick_styles
from model_people.faces import find_people
from parts import maps_of_faces
from presets import PRESETS
from settings import Settings
from sheet import numbered
from tests.conftest import PHOTOS, bot_in_chat, start_chat
from tests.test_conversation import (
    CAT,
    COFFEE,
    choose_preset,
    difference,
    is_reply_to,
    is_result,
    next_result,
    opened,
    result_in,
    texts_of,
)
from wishes import PaintingOptions, StyleWish


def photo(name: str) -> Image.Image:
    with Image.open(PHOTOS / f"{name}.jpg") as file:
        return file.convert("RGB")


def distance(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, np.float32) - np.asarray(other, np.float32)).mean())


def test_the_network_knows_all_presets() -> None:
    assert quick_styles() == tuple(PRESETS)


@pytest.mark.parametrize("size", [(40, 30), (900, 60), (1400, 1000)])
def test_a_quick_picture_has_the_photo_s_size(size: tuple[int, int]) -> None:
    content = photo("coffee").resize(size)
    picture = paint_quickly(content, {"kiss": 0.5, "auvers": 0.5}, size=256)
    assert picture.size == size
    assert distance(picture, content) > 10


def test_options_change_a_quick_picture() -> None:
    content = photo("chelsea")

    def painted(**options: str | bool) -> Image.Image:
        return paint_quickly(content, {"great_wave": 1.0}, PaintingOptions(**options), size=256)  # type: ignore[arg-type]

    normal, soft, coloured = painted(), painted(strength="soft"), painted(keep_colours=True)
    assert distance(soft, content) < 0.8 * distance(normal, content)
    assert distance(painted(strength="strong"), normal) > 3
    assert distance(painted(strokes="large"), normal) > 3
    for one, other in zip(coloured.split()[1:], normal.split()[1:], strict=True):
        assert distance(one, other) > 3
    chroma = [
        np.asarray(image.convert("YCbCr"))[..., 1:].mean((0, 1)) for image in (coloured, content)
    ]
    assert np.abs(chroma[0] - chroma[1]).max() < 3


def test_a_face_stays_that_person_s() -> None:
    """In the face, light and shade correlate more with the photo's than they would otherwise."""
    content = photo("astronaut")
    people = find_people(content)
    maps = maps_of_faces(people, content.size)
    assert maps is not None
    inside = maps.at(content.height, content.width).faces > 0.5
    grey = np.asarray(content.convert("L"))[inside]

    def likeness(style: str, faces: str) -> float:
        options = PaintingOptions(faces=faces)  # type: ignore[arg-type]
        picture = paint_quickly(content, {style: 1.0}, options, people=people)
        return float(np.corrcoef(np.asarray(picture.convert("L"))[inside], grey)[0, 1])

    for style in PRESETS:
        kept, free = likeness(style, "keep"), likeness(style, "free")
        assert kept > 0.75, style
        assert kept > free, style


@pytest.mark.parametrize(("size", "columns"), [((300, 200), 3), ((200, 210), 4), ((20, 300), 4)])
def test_a_sheet_has_a_tile_for_each_style(size: tuple[int, int], columns: int) -> None:
    tiles, across = in_all_styles(photo("coffee").resize(size))
    assert across == columns
    assert len({tile.size for tile in tiles}) == 1
    assert len(tiles) == len(PRESETS)
    for number, one in enumerate(tiles):
        assert all(distance(one, other) > 3 for other in tiles[:number])


class Watched(Progress):
    """Keeps how far the work was when something was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.previews: list[tuple[float, bytes]] = []

    def on_preview(self, painting: Image.Image) -> None:
        super().on_preview(painting)
        assert self.preview
        self.previews.append((self.fraction, self.preview))


def test_the_quick_picture_comes_before_the_first_step() -> None:
    style = PRESETS["great_wave"].path.read_bytes()
    progress = Watched()
    wish = StyleWish("great_wave", None)
    result = make_result(wish, False, CAT, [style], Settings(nst_size=128), progress)
    [(fraction, preview)] = progress.previews
    assert fraction == 0
    quick = paint_quickly(opened(CAT), {"great_wave": 1.0}, size=128)
    assert distance(opened(preview), quick) < 3  # JPEG's loss
    assert opened(preview).size == opened(result.data).size == opened(CAT).size
    assert difference(preview, result.data) > 3

    own = Watched()
    theirs = encode_file(opened(style).rotate(180)).data
    make_result(StyleWish("own", "id"), False, CAT, [theirs], Settings(nst_size=256), own)
    assert own.previews
    assert min(fraction for fraction, _ in own.previews) > 0


def test_a_preview_takes_no_more_memory_at_a_large_size(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def sized(photo: Image.Image, *_: object, size: int, **__: object) -> Image.Image:
        sizes.append(size)
        return photo

    monkeypatch.setattr(painting, "paint_quickly", sized)
    for size in (256, 2048):
        assert quick_preview(CAT, StyleWish("kiss", None), Settings(nst_size=size))
    assert sizes == [256, painting.PREVIEW_SIZE]


def test_quality_quick_needs_no_steps() -> None:
    style = PRESETS["kiss"].path.read_bytes()
    progress = Watched()
    settings = Settings(nst_size=256, quality="quick")
    wish = StyleWish("kiss", None, second="ejiri")
    result = make_result(wish, False, CAT, [style, style], settings, progress)
    assert progress.previews == []
    quick = paint_quickly(opened(CAT), {"kiss": 0.5, "ejiri": 0.5}, size=256)
    assert distance(opened(result.data), quick) < 3


@pytest.mark.asyncio
async def test_the_chat_shows_the_quick_picture_while_the_painting_is_made() -> None:
    chat = await start_chat()
    async with bot_in_chat(chat, NST_SIZE="512"), join(chat.url, "Ann", "en") as ann:
        await choose_preset(ann)
        await ann.send_photo(CAT)
        status = await ann.next_message()
        assert status.photo  # no words come before the quick picture

        def is_on_the_way(message: Message) -> bool:
            return message.id == status.id and bool(message.photo) and not is_result(message)

        preview = await ann.download(await ann.wait_for(is_on_the_way, 60, "the quick picture"))
        painting = await ann.download(
            await ann.wait_for(lambda m: m.id == status.id and is_result(m), 120, "the painting")
        )
    await chat.close()
    quick = paint_quickly(opened(CAT), {"great_wave": 1.0})
    assert distance(opened(preview), quick) < difference(preview, painting) / 2
    assert difference(preview, painting) > 3


@pytest.mark.asyncio
async def test_with_quality_quick_the_quick_picture_is_the_answer() -> None:
    chat = await start_chat()
    async with bot_in_chat(chat, QUALITY="quick"), join(chat.url, "Ann", "en") as ann:
        await choose_preset(ann)
        await ann.send_photo(CAT)
        result = await ann.download(await next_result(ann))
    await chat.close()
    quick = paint_quickly(opened(CAT), {"great_wave": 1.0}, size=128)
    assert distance(opened(result), quick) < 3


@pytest.mark.asyncio
async def test_a_photo_without_a_choice_is_shown_in_all_styles() -> None:
    """The sheet becomes the question; a button with a name paints that very photo."""
    chat = await start_chat()
    async with bot_in_chat(chat, MEMORY_MB="2000"):
        async with join(chat.url, "Анна", "ru") as anna:
            [photo] = await anna.send_photo(CAT)
            question = await anna.next_message()
            assert "Что с ним сделать?" in question.text
            sheet = await anna.wait_for(
                lambda m: m.id == question.id and bool(m.photo), 60, "the sheet"
            )
            assert sheet.text.startswith("Отличное фото! Вот наброски")
            tiles, columns = in_all_styles(opened(CAT))
            names = [""] * len(PRESETS)
            wanted, others = (numbered(each, columns, names) for each in (tiles, tiles[::-1]))
            shown = opened(await anna.download(sheet)).resize(wanted.size)
            assert distance(shown, wanted) < distance(shown, others) / 3
            assert len(texts_of(sheet)) == len(PRESETS) + len(texts_of(question))
            assert texts_of(sheet)[0] == "Звёздная ночь"
            await anna.press(sheet, texts_of(sheet)[2])
            painting = await next_result(anna)
            assert "Поцелуй" in painting.text
            assert is_reply_to(painting, photo)
        async with join(chat.url, "Ann", "en") as ann:
            await ann.send_photo(CAT)
            question = await ann.next_message()
            await ann.wait_for(lambda m: m.id == question.id and bool(m.photo), 60, "the sheet")
            await ann.press(question, "❄️ Summer to winter")  # as before
            assert "I am starting" in (await ann.next_message()).text
            await next_result(ann)
    await chat.close()


@pytest.mark.asyncio
async def test_the_paintings_are_shown_with_numbers() -> None:
    chat = await start_chat()
    async with bot_in_chat(chat), join(chat.url, "Ann", "en") as ann:
        await ann.say("/styles")
        sheet = await ann.next_message()
        assert "2. Katsushika Hokusai, “The Great Wave off Kanagawa”, 1831" in sheet.text
        shown = opened(await ann.download(sheet))
        shown = shown.resize((1624, 1440))  # as it was before Telegram took it
        for place, preset in enumerate(PRESETS.values()):
            left, top = place % 4 * 408, place // 4 * 362
            with Image.open(preset.path) as painting:
                whole = painting.convert("RGB")
                fitted = ImageOps.fit(whole, (400, 300), centering=preset.focus)
            part = shown.crop((left + 100, top + 80, left + 400, top + 300))
            assert distance(part, fitted.crop((100, 80, 400, 300))) < 12
        await ann.press(sheet, "🎭 Mix two of them")
        asked = await ann.wait_for(lambda m: m.id == sheet.id and "first one" in m.text)
        await ann.press(asked, "The Kiss")
        await ann.wait_for(lambda m: m.id == sheet.id and "second one" in m.text)
        await ann.press(ann.history[sheet.id], "The Starry Night")
        assert "A mix: “The Kiss” and “The Starry Night”." in (await ann.next_message()).text
    await chat.close()


@pytest.mark.asyncio
async def test_who_waits_sees_the_quick_picture_already() -> None:
    chat = await start_chat()
    async with (
        bot_in_chat(chat, NST_SIZE="512", MEMORY_MB="2000"),
        join(chat.url, "Ann", "en") as ann,
    ):
        await choose_preset(ann)
        await ann.send_photo(COFFEE)
        first = await ann.next_message()
        await ann.send_photo(CAT)
        status = await ann.next_message()
        waiting = await ann.wait_for(
            lambda m: m.id == status.id and bool(m.photo) and not is_result(m), 60, "the picture"
        )
        assert not is_result(ann.history[first.id])
        assert "queue" in waiting.text
        quick = paint_quickly(opened(CAT), {"great_wave": 1.0})
        assert distance(opened(await ann.download(waiting)), quick) < 8
        assert is_result(await result_in(ann, status))
    await chat.close()
