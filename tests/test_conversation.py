"""The whole conversation with the real bot: a process of its own, over HTTP, real paintings."""

import asyncio
import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from languages import NAMES
from local_chat.client import Message, Person, join
from local_chat.server import LocalChat
from presets import PRESETS
from tests.conftest import PHOTOS, STYLES, bot_in_chat, start_chat

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAINTING_S = 120.0  # a painting at 128 px takes about a second; machines may be busy


def picture(path: Path, width: int, kind: str = "JPEG") -> bytes:
    """A photo of ours, scaled to this width."""
    with Image.open(path) as image:
        height = round(image.height * width / image.width)
        data = io.BytesIO()
        image.convert("RGB").resize((width, height)).save(data, kind)
    return data.getvalue()


CAT = picture(PHOTOS / "chelsea.jpg", 400)
FIELDS = picture(PHOTOS / "summer_rice_fields.jpg", 640)
COFFEE = picture(PHOTOS / "coffee.jpg", 300)
KISS = picture(STYLES / "3_kiss.jpg", 320)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def difference(one: bytes, other: bytes) -> float:
    """The mean absolute difference of two pictures of one size, in levels of 255."""
    return float(sum(ImageStat.Stat(ImageChops.difference(opened(one), opened(other))).mean) / 3)


def texts_of(message: Message) -> list[str]:
    return [text for row in message.buttons for text in row]


def is_result(message: Message) -> bool:
    cancels = {"✖️ Cancel", "✖️ Отменить"} & {*texts_of(message)}
    return bool(message.photo or message.document) and not cancels


async def choose_preset(person: Person, name: str = "great_wave") -> None:
    """The short way, by a link."""
    await person.say(f"/start style_{name}")
    assert "Good choice" in (await person.next_message()).text


def is_reply_to(message: Message, photo: Message) -> bool:
    return bool(message.raw.get("reply_to_message", {}).get("message_id") == photo.id)


async def result_in(person: Person, status: Message) -> Message:
    """A job's status message when it has become the result."""
    return await person.wait_for(
        lambda message: message.id == status.id and is_result(message), PAINTING_S, "a result"
    )


async def next_result(person: Person) -> Message:
    """What the bot's next message, a job's status, becomes."""
    return await result_in(person, await person.next_message(PAINTING_S))


async def changed(person: Person, status: Message) -> Message:
    """The status message when its job is over and there is nothing to cancel any more."""
    menus = {"☰ Menu", "☰ Меню"}
    return await person.wait_for(
        lambda m: m.id == status.id and menus & {*texts_of(m)}, PAINTING_S, "the job to end"
    )


async def test_start_greets_by_name_and_shows_the_menu(chat: LocalChat) -> None:
    async with join(chat.url, "Ann <b>", "en") as ann:
        await ann.say("/start")
        menu = await ann.next_message()
        assert menu.text.startswith("Hello, Ann <b>!")
        assert opened(await ann.download(menu)).width > 1000  # a photo and what became of it
        assert menu.buttons == [
            ["🎨 Paint in a style"],
            ["🖼 Examples"],
            ["❄️ Summer to winter"],
            ["☀️ Winter to summer"],
            ["🔗 Source code"],
        ]
        assert menu.button("🔗 Source code")["url"].startswith("https://example.org/source")


async def test_speaks_russian_to_whose_telegram_does(chat: LocalChat) -> None:
    async with join(chat.url, "Анна", "ru") as anna:
        await anna.say("/start")
        assert (await anna.next_message()).text.startswith("Здравствуйте, Анна!")
        await anna.say("/help")
        assert "Как это работает" in (await anna.next_message()).text


async def test_speaks_english_to_everybody_else(chat: LocalChat) -> None:
    async with join(chat.url, "Jens", "da") as jens:
        await jens.say("/start")
        assert (await jens.next_message()).text.startswith("Hello, Jens!")


async def test_language_can_be_changed_and_stays(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/language")
        await ann.press(await ann.next_message(), "Русский")
        assert (await ann.next_message()).text == "Теперь я говорю по-русски."
        await ann.say("/start")
        assert (await ann.next_message()).text.startswith("Здравствуйте")


async def test_its_profile_is_published_in_every_language(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/start")
        await ann.next_message()  # the bot has started
    async with asyncio.timeout(30):
        while sum("short" in kind for kind, _ in chat.state.texts) < len(NAMES):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    english = chat.state.commands["default", ""]
    russian = chat.state.commands["default", "ru"]
    assert [c["command"] for c in english] == [c["command"] for c in russian]
    assert english[0]["description"] == "the menu"
    assert russian[0]["description"] == "меню"
    assert chat.state.texts["description", ""].startswith("I repaint photos")
    assert chat.state.texts["description", "ru"].startswith("Я перерисовываю")
    assert chat.state.texts["short_description", "ru"]
    assert chat.state.texts["description", "es"].startswith("Repinto fotos")


async def test_a_photo_comes_back_as_a_painting_at_its_own_size(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/start")
        await ann.press(await ann.next_message(), "🎨 Paint in a style")
        await ann.press(await ann.next_message(), "🖼 Famous paintings")
        choice = await ann.next_message(30)
        assert choice.photo
        assert len(texts_of(choice)) == len(PRESETS) + 2
        assert "2. Katsushika Hokusai, “The Great Wave off Kanagawa”, 1831" in choice.text
        await ann.press(choice, "The Great Wave")
        assert "as many as you like" in (await ann.next_message()).text

        [photo] = await ann.send_photo(CAT)
        status = await ann.next_message()
        assert status.raw["reply_to_message"]["message_id"] == photo.id
        result = await result_in(ann, status)
        assert "🎨 Another style" in texts_of(result)
        assert result.text == "Katsushika Hokusai, “The Great Wave off Kanagawa”, 1831"
        assert result.raw["reply_to_message"]["message_id"] == photo.id
        assert "upload_photo" in ann.actions
        painting = await ann.download(result)
        assert opened(painting).size == opened(CAT).size
        assert difference(painting, CAT) > 10

        await ann.send_photo(COFFEE)  # as many as you like
        assert opened(await ann.download(await next_result(ann))).size == opened(COFFEE).size


async def test_a_caption_names_what_to_do(chat: LocalChat) -> None:
    async with join(chat.url, "Анна", "ru") as anna:
        await anna.send_photo(CAT, caption="в стиле Климта")
        assert "Поцелуй" in (await next_result(anna)).text
        photos = await anna.send_photo(CAT, COFFEE, caption="Хочу зиму!")
        album = await album_for(anna, photos)
        assert difference(await anna.download(album[1]), COFFEE) > 3
        assert (await anna.next_message()).text == "Готово: 2 картинки."
        await anna.send_photo(COFFEE, caption="Климт", forwarded_from="Somebody")
        assert "Что с ним сделать?" in (await anna.next_message()).text


async def test_a_caption_says_how_to_paint_and_in_which_season(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.send_photo(COFFEE, caption="softer Klimt + Hokusai, winter, my colours")
        painted = await next_result(ann)
        assert "Klimt" in painted.text
        assert "Hokusai" in painted.text
        assert "(in winter, softer, your colours)" in painted.text


async def test_what_a_caption_almost_says_is_asked_back(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.send_photo(CAT, caption="kandi")
        question = await ann.next_message()
        assert "Did you mean Wassily Kandinsky" in question.text
        assert "❄️ Summer to winter" in texts_of(question)
        await ann.press(question, texts_of(question)[0])
        assert "Good choice: Wassily Kandinsky" in (await ann.next_message()).text
        assert "Kandinsky" in (await next_result(ann)).text
        await ann.say("hoku")
        assert "Did you mean Katsushika Hokusai" in (await ann.next_message()).text
        [photo] = await ann.send_photo(COFFEE, caption="klimt with a dragon")
        answer = await ann.next_message()
        assert "“dragon”" in answer.text
        assert is_reply_to(answer, photo)
        assert "Klimt" in (await next_result(ann)).text


async def test_options_that_are_named_stay_with_the_next_photos(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("strong Hokusai, my colours")
        assert "Stronger, your colours." in (await ann.next_message()).text
        for _ in range(2):
            await ann.send_photo(CAT)
            assert "(stronger, your colours)" in (await next_result(ann)).text


async def test_a_name_alone_is_chosen(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("Kandinsky, please")
        assert "Good choice: Wassily Kandinsky" in (await ann.next_message()).text
        await ann.say("Winter!")
        assert "Let it snow" in (await ann.next_message()).text


async def test_commands_answer_photos_or_set_what_is_to_come(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        [photo] = await ann.send_photo(CAT)
        await ann.next_message()
        await ann.say("/style kandi", reply_to=photo)
        assert "Did you mean Wassily Kandinsky" in (await ann.next_message()).text
        await ann.say("/style klmit", reply_to=photo)
        painted = await next_result(ann)
        assert "Klimt" in painted.text
        await ann.say("/winter", reply_to=painted)
        assert is_reply_to(await next_result(ann), painted)
        await ann.say("/summer")
        assert "Let it thaw" in (await ann.next_message()).text
        assert is_reply_to(await next_result(ann), photo)  # it had waited for a choice
        await ann.say("/start summer")
        assert "Let it thaw" in (await ann.next_message()).text
        await ann.send_photo(COFFEE)
        assert "🌤 Weaker" in texts_of(await next_result(ann))
        await ann.say("winter, please", reply_to=photo)
        assert "🌤 Weaker" in texts_of(await next_result(ann))


async def test_profile_picture_and_stickers(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/me")
        assert "no profile picture" in (await ann.next_message()).text
        await ann.set_profile_photo(CAT)
        await ann.say("/me")
        asked = await ann.next_message()
        await ann.press(asked, "❄️ Summer to winter")
        await ann.next_message()
        assert is_reply_to(await next_result(ann), asked)
        sticker = await ann.send_sticker(picture(PHOTOS / "chelsea.jpg", 512, "WEBP"))
        assert is_reply_to(await next_result(ann), sticker)


async def test_an_edited_photo_is_painted_anew(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        [photo] = await ann.send_photo(CAT, caption="winter")
        await next_result(ann)
        await ann.edit(photo, "winter", photo=COFFEE)
        assert opened(await ann.download(await next_result(ann))).size == opened(COFFEE).size
        await ann.edit(photo, "what a day")  # says nothing to us
        await ann.edit(photo, "klimt")
        assert "Klimt" in (await next_result(ann)).text


async def test_a_style_picture_of_ones_own(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/start")
        await ann.press(await ann.next_message(), "🎨 Paint in a style")
        await ann.next_message()
        await ann.send_photo(KISS)
        assert "style of this picture" in (await ann.next_message()).text
        await ann.send_photo(COFFEE)
        painting = await ann.download(await next_result(ann))
        assert opened(painting).size == opened(COFFEE).size
        assert difference(painting, COFFEE) > 10


async def test_a_style_that_is_asked_for_is_not_waited_for_after_the_menu(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/style")
        asked = await ann.next_message()
        await ann.press(asked, "☰ Menu")
        await ann.next_message()
        await ann.send_photo(KISS)
        assert "What shall I do with it?" in (await ann.next_message()).text


async def test_the_menu_is_offered_where_nothing_else_is(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        for command in ("/me", "/forget"):
            await ann.say(command)
            assert "🖼 Examples" in texts_of(await ann.next_message())


async def test_a_photo_sent_first_is_remembered(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        [photo] = await ann.send_photo(CAT)
        question = await ann.next_message()
        assert "What shall I do with it?" in question.text
        await ann.press(question, "🎨 Paint in a style")
        await ann.next_message()
        await ann.send_photo(KISS)
        assert "I am starting" in (await ann.next_message()).text
        result = await next_result(ann)
        assert result.raw["reply_to_message"]["message_id"] == photo.id


async def test_a_photo_sent_first_can_be_the_style(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.send_photo(KISS)
        await ann.press(await ann.next_message(), "🖌 Use it as the style")
        assert "Now send me photos" in (await ann.next_message()).text
        await ann.send_photo(CAT)
        assert opened(await ann.download(await next_result(ann))).size == opened(CAT).size


async def album_for(
    person: Person, photos: list[Message], pictures: int | None = None
) -> list[Message]:
    """The album of results that answers these photos, when its status has given way to it."""
    status = await person.next_message()
    assert status.raw["reply_to_message"]["message_id"] == photos[0].id
    album = await person.next_album(PAINTING_S * len(photos))
    assert len(album) == (pictures or len(photos))
    assert album[0].raw["reply_to_message"]["message_id"] == photos[0].id
    await person.wait_until_gone(status)
    return album


async def test_a_file_comes_back_as_a_file_without_loss(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await choose_preset(ann)
        sent = picture(PHOTOS / "chelsea.jpg", 451, "PNG")
        await ann.send_document(sent, "cat.png")
        result = await next_result(ann)
        assert result.document is not None
        assert result.document["mime_type"] == "image/png"
        with Image.open(io.BytesIO(await ann.download(result))) as painting:
            assert painting.format == "PNG"
            assert painting.size == opened(sent).size


async def test_a_photo_changes_its_season_at_its_own_size(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/start")
        await ann.press(await ann.next_message(), "❄️ Summer to winter")
        assert "Let it snow" in (await ann.next_message()).text
        [photo] = await ann.send_photo(FIELDS)
        result = await next_result(ann)
        assert result.raw["reply_to_message"]["message_id"] == photo.id
        winter = await ann.download(result)
        assert opened(winter).size == opened(FIELDS).size
        assert difference(winter, FIELDS) > 3
        await ann.press(result, "🎨 Paint this")
        await ann.next_message()
        await ann.send_photo(KISS)
        await ann.next_message()
        painted = await next_result(ann)
        assert painted.raw["reply_to_message"]["message_id"] == result.id


async def test_a_photo_that_is_in_the_season_already_stays(chat: LocalChat) -> None:
    snow = picture(PHOTOS / "winter_slope.jpg", 400)
    async with join(chat.url, "Ann", "en") as ann:
        [photo] = await ann.send_photo(snow, caption="winter")
        result = await next_result(ann)
        assert "It is winter here already" in result.text
        assert difference(await ann.download(result), snow) < 3
        await ann.press(result, "🌨 More snow")
        more = await next_result(ann)
        assert is_reply_to(more, photo)
        assert "(stronger)" in more.text
        await ann.press(result, "☀️ Winter to summer")
        assert difference(await ann.download(await next_result(ann)), snow) > 3


async def test_a_photo_sent_first_can_change_its_season(chat: LocalChat) -> None:
    async with join(chat.url, "Анна", "ru") as anna:
        [photo] = await anna.send_photo(FIELDS)
        await anna.press(await anna.next_message(), "☀️ Из зимы в лето")
        assert "Приступаю" in (await anna.next_message()).text
        result = await next_result(anna)
        assert result.raw["reply_to_message"]["message_id"] == photo.id
        assert opened(await anna.download(result)).size == opened(FIELDS).size


async def test_examples_are_shown_as_an_album(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/start")
        await ann.press(await ann.next_message(), "🖼 Examples")
        album = await ann.next_album(30)
        assert len(album) >= 4
        assert all(message.photo and message.text for message in album)
        assert "Your turn" in (await ann.next_message()).text


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("sticker", "That sticker is too quick"),
        *[(kind, "I have eyes only") for kind in ("voice", "audio")],
        *[(kind, "I work with photos.") for kind in ("location", "contact", "dice")],
    ],
)
async def test_anything_else_gets_a_friendly_answer(chat: LocalChat, kind: str, words: str) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.send_other(kind)
        answer = await ann.next_message()
        assert answer.text.startswith(words)
        assert answer.buttons


@pytest.mark.parametrize("text", ["hello", "/nonsense", "<b>not closed", "🎨" * 2000])
async def test_any_text_gets_a_friendly_answer(chat: LocalChat, text: str) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say(text)
        assert (await ann.next_message()).text.startswith("I work with photos.")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("cut.jpg", CAT[:3000], "повреждена"),
        ("text.jpg", b"this is no picture", "не картинка"),
    ],
)
async def test_a_bad_file_is_explained_and_the_bot_goes_on(
    chat: LocalChat, name: str, data: bytes, words: str
) -> None:
    async with join(chat.url, "Анна", "ru") as anna:
        await anna.send_document(picture(STYLES / "3_kiss.jpg", 200), "kiss.jpg")
        await anna.press(await anna.next_message(), "🖌 Взять как стиль")
        await anna.next_message()
        await anna.send_document(data, name)
        problem = await changed(anna, await anna.next_message())
        assert words in problem.text
        assert "Картинка со стилем" not in problem.text
        await anna.send_photo(COFFEE, caption="зима")
        assert opened(await anna.download(await next_result(anna))).size == opened(COFFEE).size


async def test_a_file_that_is_no_picture_is_told_so(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        sent = await ann.send_document(b"Dear diary", "notes.txt")
        answer = await ann.next_message()
        assert answer.text.startswith("That file is no picture.")
        assert is_reply_to(answer, sent)


async def test_a_refusal_quotes_the_photo_that_it_is_about() -> None:
    """Too large, damaged, and one more than may wait."""
    busy = await start_chat()
    async with (
        bot_in_chat(busy, JOBS_PER_USER="1", NST_SIZE="384"),
        join(busy.url, "Ann", "en") as ann,
    ):
        huge = await ann.send_document(CAT + bytes(21 * 2**20), "huge.jpg")
        answer = await ann.next_message()
        assert "too big" in answer.text
        assert is_reply_to(answer, huge)
        broken = await ann.send_document(CAT[:2000], "cat.jpg", caption="Klimt")
        answer = await changed(ann, await ann.next_message())
        assert "damaged" in answer.text
        assert is_reply_to(answer, broken)
        [first] = await ann.send_photo(CAT, caption="Klimt")
        [second] = await ann.send_photo(COFFEE, caption="Klimt")
        refusal = await ann.wait_for(lambda m: "at most 1 of your photos" in m.text)
        assert is_reply_to(refusal, second)
        done = await ann.wait_for(lambda m: m.by_bot and is_result(m), PAINTING_S, "a result")
        assert is_reply_to(done, first)
    await busy.close()


async def test_a_bad_style_picture_is_told_from_a_bad_photo(chat: LocalChat) -> None:
    async with join(chat.url, "Анна", "ru") as anna:
        await anna.send_document(KISS[:2000], "kiss.jpg")
        await anna.press(await anna.next_message(), "🖌 Взять как стиль")
        await anna.next_message()
        await anna.send_photo(CAT)
        problem = await changed(anna, await anna.next_message())
        assert problem.text.startswith("Картинка со стилем: Эта картинка повреждена.")
        assert problem.buttons


async def test_a_file_over_20_mb_is_refused_at_once(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.send_document(CAT + bytes(21 * 2**20), "huge.jpg")
        answer = await ann.next_message()
        assert "too big" in answer.text
        assert "20 MB" in answer.text


async def test_cancel_stops_the_running_job_and_the_waiting_one(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await choose_preset(ann)
        await ann.send_photo(CAT)
        running = await ann.next_message()
        await ann.send_photo(COFFEE)
        waiting = await ann.next_message()
        for status in (running, waiting):
            assert (await ann.press(status, "✖️ Cancel")).startswith("Cancelled.")
            assert (await changed(ann, status)).text.startswith("Cancelled.")
        await ann.send_photo(CAT)  # the same wish again is a new job
        await next_result(ann)
        pictures = [m for m in ann.history.values() if m.by_bot and is_result(m)]
        # The quick picture of the first may stay, under the word that it is cancelled.
        assert sum(not picture.text.startswith("Cancelled.") for picture in pictures) == 1


async def test_cancel_all_stops_what_is_in_work_and_all_that_waits(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann, join(chat.url, "Bob", "en") as bob:
        for person in (ann, bob):
            await choose_preset(person)
        await ann.send_photo(CAT)
        running = await ann.next_message()
        assert "✖️ Cancel all" not in texts_of(running)
        statuses = [running]
        for photo in (COFFEE, FIELDS):
            await ann.send_photo(photo)
            statuses.append(await ann.next_message())
        await bob.send_photo(COFFEE)
        last = statuses[-1]
        assert "✖️ Cancel all" in texts_of(last)
        assert (await ann.press(last, "✖️ Cancel all")).startswith("All of your photos")
        assert (await changed(ann, last)).text.startswith("All of your photos")
        await next_result(bob)  # Ann's would have come before
        assert not [m for m in ann.history.values() if m.by_bot and is_result(m)]
        assert not {m.id for m in statuses[:-1]} & {*ann.history}


async def test_someone_who_blocks_the_bot_does_not_disturb_others(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann, join(chat.url, "Bob", "en") as bob:
        await choose_preset(ann)
        await choose_preset(bob)
        await ann.send_photo(CAT)
        await ann.next_message()
        await ann.block_bot()
        await bob.send_photo(COFFEE)
        assert opened(await bob.download(await next_result(bob))).size == opened(COFFEE).size


async def test_a_forgotten_user_never_meets_an_error() -> None:
    """After a restart, the buttons that were sent before it still work, or say what to do."""
    chat = await start_chat()
    try:
        async with join(chat.url, "Ann", "en") as ann:
            async with bot_in_chat(chat):
                await choose_preset(ann)
                await ann.send_photo(CAT)
                preset_result = await next_result(ann)
                await ann.press(preset_result, "🎨 Another style")
                await ann.next_message()
                await ann.send_photo(KISS)
                await ann.next_message()
                own_result = await next_result(ann)
            async with bot_in_chat(chat):
                await ann.press(preset_result, "🔥 Stronger")
                assert "🎨 Another style" in texts_of(await next_result(ann))
                await ann.press(own_result, "🔥 Stronger")
                assert "no longer have that style" in (await ann.next_message()).text
                await ann.send_photo(COFFEE)
                question = await ann.next_message()
                assert "What shall I do" in question.text
            async with bot_in_chat(chat):
                await ann.press(question, "🖌 Use it as the style")
                assert "Now send me photos" in (await ann.next_message()).text
    finally:
        await chat.close()
