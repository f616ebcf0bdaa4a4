"""What is done with results: changes, mixes, albums, groups, inline mode. With the real bot."""

import asyncio
import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from local_chat.client import join, open_group
from local_chat.server import LocalChat
from tests.conftest import bot_in_chat, start_chat
from tests.test_conversation import (
    CAT,
    COFFEE,
    FIELDS,
    KISS,
    album_for,
    choose_preset,
    difference,
    is_reply_to,
    next_result,
    opened,
    result_in,
    texts_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_a_file_of_what_was_just_painted_is_not_painted_again(tmp_path: Path) -> None:
    """A bot of its own, on whose disk we lay another painting in the place of the kept one."""
    other = await start_chat()
    async with bot_in_chat(other, DATA_DIR=str(tmp_path)), join(other.url, "Ann", "en") as ann:
        await ann.send_photo(CAT, caption="Klimt")
        result = await next_result(ann)
        [kept] = (tmp_path / "paintings").iterdir()
        assert kept.name.startswith(f"{ann.id}-")
        Image.new("RGB", (400, 267), "red").save(kept)
        await ann.press(result, "📎 As a file")
        file = await next_result(ann)
        assert opened(await ann.download(file)).getpixel((9, 9)) == (255, 0, 0)
        assert "🔥 Stronger" in texts_of(file)
        kept.unlink()  # by another worker, say
        await ann.press(result, "📎 As a file")
        again = opened(await ann.download(await next_result(ann)))
        assert again.getpixel((9, 9)) != (255, 0, 0)
        await ann.press(result, "🪶 Softer")
        await next_result(ann)
        assert [*(tmp_path / "paintings").iterdir()]
        await ann.say("/forget")
        assert "☰ Menu" not in texts_of(await ann.next_message())
        assert [*(tmp_path / "paintings").iterdir()] == []
    await other.close()


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
        menu = await ann.next_message(30)
        await ann.press(menu, "🎭 Mix two of them")
        await ann.press(await ann.wait_for(lambda m: "The first one" in m.text), "The Starry Night")
        await ann.press(await ann.wait_for(lambda m: "the second" in m.text), "The Kiss")
        assert "“The Starry Night” and “The Kiss”" in (await ann.next_message()).text
        mixed = await next_result(ann)
        assert "Gogh" in mixed.text
        assert "Klimt" in mixed.text


async def test_a_mix_offers_its_share(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.send_photo(CAT, caption="klimt and hokusai")
        half = await next_result(ann)
        await ann.press(half, "Second: 75%")
        more = await next_result(ann)
        assert "(second style: 75%)" in more.text
        assert {"Second: 25%", "Second: 50%"} <= {*texts_of(more)}
        assert difference(await ann.download(half), await ann.download(more)) > 2


async def test_what_was_done_is_done_to_the_next_photos(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.send_photo(CAT, caption="softer klimt, my colours")
        await ann.press(await next_result(ann), "📌 Same for next")
        assert "Softer, your colours." in (await ann.next_message()).text
        await ann.send_photo(COFFEE)
        assert "(softer, your colours)" in (await next_result(ann)).text
        await ann.send_photo(FIELDS, caption="winter")
        await ann.press(await next_result(ann), "📌 Same for next")
        assert "Let it snow" in (await ann.next_message()).text
        await ann.send_photo(FIELDS)
        assert "Summer to winter" in (await next_result(ann)).text


async def test_a_result_is_the_next_photo_or_its_style(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.send_photo(FIELDS, caption="winter")
        result = await next_result(ann)
        await ann.press(result, "🖼 Use this")
        question = await ann.next_message()
        assert is_reply_to(question, result)
        await ann.press(question, "☀️ Winter to summer")
        await ann.next_message()
        assert is_reply_to(await next_result(ann), result)
        await ann.press(result, "🖼 Use this")
        await ann.press(await ann.next_message(), "🖌 Use it as the style")
        assert "style of this picture" in (await ann.next_message()).text
        await ann.send_photo(CAT)
        assert "Your style picture" in (await next_result(ann)).text


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
        await ann.press(await ann.next_message(30), "The Kiss")
        assert "I am starting" in (await ann.next_message()).text
        again = await next_result(ann)
        assert again.raw["reply_to_message"]["message_id"] == photo.id
        assert "Klimt" in again.text


async def test_an_album_is_asked_about_once_and_answered_by_an_album(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        photos = await ann.send_photo(COFFEE, FIELDS)
        await ann.press(await ann.next_message(), "🎨 Paint in a style")
        choice = await ann.next_message()
        assert "famous painting" in choice.text  # and no second question came before it
        await ann.press(choice, "🖼 Famous paintings")
        await ann.press(await ann.next_message(30), "The Starry Night")
        await ann.next_message()
        album = await album_for(ann, photos)
        assert "Starry Night" in album[0].text
        sizes = [opened(await ann.download(painting)).size for painting in album]
        assert sizes == [opened(photo).size for photo in (COFFEE, FIELDS)]
        last_word = await ann.next_message()
        assert last_word.text == "Done: 2 pictures."

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
