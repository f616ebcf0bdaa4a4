"""The whole conversation with the real bot: a process of its own, over HTTP, real paintings."""

import asyncio
import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from local_chat.client import Message, Person, join, open_group
from local_chat.server import LocalChat, start
from tests.conftest import PHOTOS, STYLES, bot_in_chat

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAINTING_S = 60.0  # a painting at 128 px takes about a second; machines may be busy


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
    return bool(message.photo or message.document) and "✖️ Cancel" not in texts_of(message)


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
        assert menu.buttons == [
            ["🎨 Paint in a style"],
            ["❄️ Summer to winter"],
            ["☀️ Winter to summer"],
            ["🖼 Examples", "🔗 Source code"],
        ]
        assert menu.button("🔗 Source code")["url"].startswith("https://example.org/source")


async def test_speaks_russian_to_whose_telegram_does(chat: LocalChat) -> None:
    async with join(chat.url, "Анна", "ru") as anna:
        await anna.say("/start")
        assert (await anna.next_message()).text.startswith("Здравствуйте, Анна!")
        await anna.say("/help")
        assert "Как это работает" in (await anna.next_message()).text


async def test_speaks_english_to_everybody_else(chat: LocalChat) -> None:
    async with join(chat.url, "Jeanne", "fr") as jeanne:
        await jeanne.say("/start")
        assert (await jeanne.next_message()).text.startswith("Hello, Jeanne!")


async def test_language_can_be_changed_and_stays(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/language")
        await ann.press(await ann.next_message(), "Русский")
        assert (await ann.next_message()).text == "Теперь я говорю по-русски."
        await ann.say("/start")
        assert (await ann.next_message()).text.startswith("Здравствуйте")


async def test_its_profile_is_published_in_both_languages(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/start")
        await ann.next_message()  # the bot has started
    async with asyncio.timeout(30):
        while ("short_description", "ru") not in chat.state.texts:  # the last one  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    english = chat.state.commands["default", ""]
    russian = chat.state.commands["default", "ru"]
    assert [c["command"] for c in english] == [c["command"] for c in russian]
    assert english[0]["description"] == "the menu"
    assert russian[0]["description"] == "меню"
    assert chat.state.texts["description", ""].startswith("I repaint photos")
    assert chat.state.texts["description", "ru"].startswith("Я перерисовываю")
    assert chat.state.texts["short_description", "ru"]


async def test_a_photo_comes_back_as_a_painting_at_its_own_size(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/start")
        await ann.press(await ann.next_message(), "🎨 Paint in a style")
        await ann.press(await ann.next_message(), "🖼 Famous paintings")
        album = await ann.next_album(30)
        assert len(album) == 8
        assert album[1].text == "Katsushika Hokusai, “The Great Wave off Kanagawa”, 1831"
        choice = await ann.next_message()
        assert album[1].text in choice.text
        await ann.press(choice, "2")
        assert "as many as you like" in (await ann.next_message()).text

        [photo] = await ann.send_photo(CAT)
        status = await ann.next_message()
        assert status.raw["reply_to_message"]["message_id"] == photo.id
        result = await result_in(ann, status)
        assert "🎨 Another style" in texts_of(result)
        assert result.text == album[1].text
        assert result.raw["reply_to_message"]["message_id"] == photo.id
        assert "upload_photo" in ann.actions
        painting = await ann.download(result)
        assert opened(painting).size == opened(CAT).size
        assert difference(painting, CAT) > 10

        await ann.send_photo(COFFEE)  # as many as you like
        assert opened(await ann.download(await next_result(ann))).size == opened(COFFEE).size


async def test_softer_and_stronger_need_no_second_photo(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await choose_preset(ann)
        await ann.send_photo(CAT)
        normal = await next_result(ann)
        await ann.press(normal, "🔥 Stronger")
        strong = await next_result(ann)
        assert "🔥 Stronger" not in texts_of(strong)
        await ann.press(normal, "🪶 Softer")
        soft = await next_result(ann)
        assert "🪶 Softer" not in texts_of(soft)
        assert soft.text == f"{normal.text}\n(softer)"
        changes = [difference(await ann.download(m), CAT) for m in (soft, normal, strong)]
        assert changes == sorted(changes)


async def test_a_result_is_compared_with_its_photo_and_sent_as_a_file(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await choose_preset(ann)
        [photo] = await ann.send_photo(CAT)
        result = await next_result(ann)
        await ann.press(result, "↔️ Compare")
        both = await next_result(ann)
        assert both.raw["reply_to_message"]["message_id"] == photo.id
        width, height = opened(await ann.download(both)).size
        assert width / height == pytest.approx(2 * 400 / 267, rel=0.02)
        await ann.press(result, "📎 As a file")
        file = await next_result(ann)
        assert file.document is not None
        assert "📎 As a file" not in texts_of(file)
        with Image.open(io.BytesIO(await ann.download(file))) as painting:
            assert painting.format == "PNG"
        small = [
            opened(await ann.download(m)).convert("L").resize((99, 66)) for m in (file, result)
        ]
        assert ImageStat.Stat(ImageChops.difference(*small)).mean[0] < 2  # JPEG's loss


async def test_colours_strokes_and_mixes(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await choose_preset(ann)
        await ann.send_photo(CAT)
        first = await next_result(ann)
        await ann.press(first, "🧹 Larger strokes")
        larger = await next_result(ann)
        assert "🧹 Larger strokes" not in texts_of(larger)
        await ann.press(larger, "🌈 My colours")  # keeps the larger strokes
        coloured = await next_result(ann)
        assert "🧹 Larger strokes" not in texts_of(coloured)
        assert "🌈 Its own colours" in texts_of(coloured)
        paintings = [await ann.download(m) for m in (first, larger, coloured)]
        for number, one in enumerate(paintings):
            assert all(difference(one, other) > 2 for other in paintings[:number])

        def chrominance(data: bytes) -> list[float]:
            return ImageStat.Stat(opened(data).convert("YCbCr")).mean[1:]

        assert chrominance(paintings[2]) == pytest.approx(chrominance(CAT), abs=3)
        assert chrominance(paintings[1]) != pytest.approx(chrominance(CAT), abs=3)

        await ann.press(first, "🎨 Another style")
        await ann.press(await ann.next_message(), "🖼 Famous paintings")
        await ann.next_album(30)
        menu = await ann.next_message()
        await ann.press(menu, "🎭 Mix two of them")
        await ann.press(await ann.wait_for(lambda m: "The first one" in m.text), "1")
        await ann.press(await ann.wait_for(lambda m: "the second" in m.text), "3")
        assert "“The Starry Night” and “The Kiss”" in (await ann.next_message()).text
        mixed = await next_result(ann)
        assert "Gogh" in mixed.text
        assert "Klimt" in mixed.text


async def test_a_season_goes_less_far_and_farther(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.send_photo(FIELDS, caption="Make it WINTER, please")
        normal = await next_result(ann)
        await ann.press(normal, "🌤 Weaker")
        weaker = await next_result(ann)
        await ann.press(normal, "🌪 Stronger")
        stronger = await next_result(ann)
        changes = [difference(await ann.download(m), FIELDS) for m in (weaker, normal, stronger)]
        assert changes == sorted(changes)
        await ann.press(normal, "📎 As a file")
        assert (await next_result(ann)).document


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
        await ann.say("/style Klimt", reply_to=photo)
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


async def test_own_styles_are_offered_again_mixed_and_forgotten(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        [photo] = await ann.send_photo(CAT)
        await ann.press(await ann.next_message(), "🎨 Paint in a style")
        choice = await ann.next_message()
        assert "🗂 My style pictures" not in texts_of(choice)
        await ann.send_photo(KISS, COFFEE)  # an album of two styles
        answer = await ann.next_message()
        await ann.wait_for(lambda m: m.id == answer.id and "these two" in m.text)
        mixed = await next_result(ann)
        assert is_reply_to(mixed, photo)
        await ann.press(mixed, "🎲 Again")  # both styles' ids are in the button
        assert difference(*[await ann.download(m) for m in (mixed, await next_result(ann))]) > 2
        await ann.press(mixed, "🎨 Another style")
        await ann.press(await ann.next_message(), "🗂 My style pictures")
        sheet = await ann.next_message()
        assert texts_of(sheet) == ["1", "2", "☰ Menu"]
        assert opened(await ann.download(sheet)).width > opened(await ann.download(sheet)).height
        await ann.press(sheet, "2")
        await ann.next_message()
        assert is_reply_to(await next_result(ann), photo)
        await ann.say("/forget")
        await ann.next_message()
        await ann.press(sheet, "1")
        assert "no longer have that style" in (await ann.next_message()).text


async def test_an_edited_photo_is_painted_anew(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        [photo] = await ann.send_photo(CAT, caption="winter")
        await next_result(ann)
        await ann.edit(photo, "winter", photo=COFFEE)
        assert opened(await ann.download(await next_result(ann))).size == opened(COFFEE).size
        await ann.edit(photo, "what a day")  # says nothing to us
        await ann.edit(photo, "klimt")
        assert "Klimt" in (await next_result(ann)).text


async def test_inline_mode_offers_the_last_results(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        empty = await ann.ask_inline()
        assert empty["results"] == []
        assert empty["button"]["text"] == "Send me a photo first"
        await ann.send_photo(CAT, caption="winter")
        result = await next_result(ann)
        await ann.send_document(CAT, "cat.jpg", caption="summer")
        file = await next_result(ann)
        async with asyncio.timeout(10):
            while len((offer := await ann.ask_inline())["results"]) < 2:
                pass  # what is delivered is noted a moment later
        sent = await ann.choose_inline(offer, 1)
        assert await ann.download(sent) == await ann.download(result)
        assert (await ann.choose_inline(offer, 0)).document == file.document
        await ann.say("/forget")
        await ann.wait_for(lambda m: "erased" in m.text)
        assert (await ann.ask_inline())["results"] == []


async def test_in_a_group_it_speaks_when_spoken_to(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann, join(chat.url, "Борис", "ru") as boris:
        ann_there, boris_there = await open_group("Friends", ann, boris)
        await ann_there.say("Hello everybody")
        [photo] = await ann_there.send_photo(CAT)
        await boris_there.say("/winter", reply_to=photo)
        status = await boris_there.next_message()
        result = await result_in(boris_there, status)
        assert is_reply_to(result, photo)
        assert texts_of(result)[0] == "🌤 Слабее"
        refusal = await ann_there.press(result, "🌤 Слабее")  # they are his
        assert refusal.startswith("These buttons are somebody else's.")
        await boris_there.press(result, "🎨 Нарисовать это")
        choice = await boris_there.next_message()
        await boris_there.send_photo(KISS, reply_to=choice)
        assert "Буду рисовать" in (await boris_there.next_message()).text
        assert is_reply_to(await next_result(boris_there), result)
        name = chat.state.bot["username"]
        await ann_there.send_photo(COFFEE, caption=f"@{name} summer")
        assert "🌤 Weaker" in texts_of(await next_result(boris_there))
        await ann_there.say("/winter")
        refusal_there = await boris_there.next_message()
        assert "Reply to a photo" in refusal_there.text
        await ann_there.say("thank you", reply_to=refusal_there)
        await ann_there.say("/help@other_bot")
        await ann_there.say(f"/help@{name}")
        assert "How it works" in (await boris_there.next_message()).text


async def test_an_album_whose_arrival_is_not_known_is_not_sent_twice(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        fail = {"method": "sendMediaGroup", "error": "drop_after", "chat_id": ann.chat_id}
        async with ann.session.post(f"{ann.url}/chat/fail", json=fail) as answer:
            assert answer.ok
        photos = await ann.send_photo(CAT, COFFEE, caption="winter")
        await album_for(ann, photos)
        assert "did not tell me" in (await ann.next_message()).text
        assert sum(bool(m.album) for m in ann.history.values() if m.by_bot) == 2


async def test_another_variation_and_another_style_of_the_same_photo(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await choose_preset(ann)
        [photo] = await ann.send_photo(CAT)
        first = await next_result(ann)
        await ann.press(first, "🎲 Again")
        second = await next_result(ann)
        assert difference(await ann.download(first), await ann.download(second)) > 2
        await ann.press(second, "🎨 Another style")
        await ann.press(await ann.next_message(), "🖼 Famous paintings")
        await ann.next_album(30)
        await ann.press(await ann.next_message(), "3")
        assert "I am starting" in (await ann.next_message()).text
        again = await next_result(ann)
        assert again.raw["reply_to_message"]["message_id"] == photo.id
        assert "Klimt" in again.text


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


async def test_an_album_is_asked_about_once_and_answered_by_an_album(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        photos = await ann.send_photo(CAT, COFFEE, FIELDS)
        await ann.press(await ann.next_message(), "🎨 Paint in a style")
        choice = await ann.next_message()
        assert "famous painting" in choice.text  # and no second question came before it
        await ann.press(choice, "🖼 Famous paintings")
        await ann.next_album(30)
        await ann.press(await ann.next_message(), "1")
        await ann.next_message()
        album = await album_for(ann, photos)
        assert "Starry Night" in album[0].text
        sizes = [opened(await ann.download(painting)).size for painting in album]
        assert sizes == [opened(photo).size for photo in (CAT, COFFEE, FIELDS)]
        last_word = await ann.next_message()
        assert last_word.text == "Done: 3 pictures."

        await ann.press(last_word, "🎨 Another style")  # for the same photos
        await ann.next_message()
        await ann.say("/winter")
        await ann.next_message()
        await album_for(ann, photos)


async def test_an_album_sent_after_the_choice_is_one_job(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/start")
        await ann.press(await ann.next_message(), "❄️ Summer to winter")
        await ann.next_message()
        sent = [(FIELDS, "fields.jpg"), (b"no picture", "text.jpg"), (CAT, "cat.jpg")]
        photos = await ann.send_documents(sent)
        album = await album_for(ann, photos, pictures=2)
        assert all(result.document for result in album)
        sizes = [opened(await ann.download(result)).size for result in album]
        assert sizes == [opened(photo).size for photo in (FIELDS, CAT)]
        last_word = await ann.next_message()
        assert last_word.text.startswith("Done: 2 pictures. Photo 2 I could not")
        assert "📎 As files" not in texts_of(last_word)
        await ann.press(last_word, "🌤 Weaker")
        weaker = await album_for(ann, photos, pictures=2)
        assert difference(await ann.download(weaker[0]), await ann.download(album[0])) > 1
        await ann.next_message()
        await ann.say("/forget")
        await ann.next_message()
        await ann.press(last_word, "🌪 Stronger")
        assert "no longer remember that album" in (await ann.next_message()).text


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
        *[(kind, "Moving") for kind in ("video", "video_note", "animation", "sticker")],
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
            await ann.press(status, "✖️ Cancel")
            assert (await changed(ann, status)).text.startswith("Cancelled.")
        await ann.send_photo(CAT)  # the same wish again is a new job
        await next_result(ann)
        assert sum(is_result(message) for message in ann.history.values() if message.by_bot) == 1


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
    chat = await start(port=0)
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
