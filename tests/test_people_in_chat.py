"""Portraits in the chat: only the people, only the background, two styles. With the real bot."""

import pytest
from PIL import Image

from local_chat.client import join
from local_chat.server import LocalChat
from tests.conftest import ROOT
from tests.test_conversation import (
    FIELDS,
    KISS,
    album_for,
    choose_preset,
    difference,
    is_reply_to,
    next_result,
    opened,
    picture,
    texts_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PORTRAIT = picture(ROOT / "images" / "people" / "grace_hopper.jpg", 320)
PERSON, BEHIND = (0.4, 0.75, 0.6, 0.95), (0.03, 0.03, 0.15, 0.2)  # left, top, right, bottom


def changed(painting: bytes, where: tuple[float, float, float, float], photo: bytes) -> float:
    """Mean absolute difference in a part of the pictures, of 255; `where` in shares of a side."""
    images = [opened(data) for data in (painting, photo)]
    parts = []
    for image in images:
        (left, top, right, bottom), (width, height) = where, image.size
        box = (left * width, top * height, right * width, bottom * height)
        parts.append(image.resize((64, 64), Image.Resampling.BOX, box))
    totals = [abs(a - b) for a, b in zip(*(part.tobytes() for part in parts), strict=True)]
    return float(sum(totals) / len(totals))


async def test_buttons_for_people_are_swapped_in_place(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await choose_preset(ann, "kiss")
        [photo] = await ann.send_photo(PORTRAIT)
        result = await next_result(ann)
        before = result.buttons
        assert "👥 People" in texts_of(result)
        whole = await ann.download(result)
        assert min(changed(whole, PERSON, PORTRAIT), changed(whole, BEHIND, PORTRAIT)) > 8

        await ann.press(result, "👥 People")
        people = await ann.wait_for(lambda m: m.id == result.id and "← Back" in texts_of(m))
        assert people.buttons == [
            ["👤 Only the people"],
            ["🏞 Only the background"],
            ["🖼 Another background"],
            ["🎭 Faces free"],
            ["← Back"],
        ]
        assert people.text == result.text

        await ann.press(people, "🏞 Only the background")
        only_background = await next_result(ann)
        assert is_reply_to(only_background, photo)
        assert only_background.text == f"{result.text}\n(only the background)"
        painting = await ann.download(only_background)
        assert changed(painting, PERSON, PORTRAIT) < 4 < 8 < changed(painting, BEHIND, PORTRAIT)

        await ann.press(people, "👤 Only the people")
        only_people = await next_result(ann)
        assert only_people.text == f"{result.text}\n(only the people)"
        painting = await ann.download(only_people)
        assert changed(painting, BEHIND, PORTRAIT) < 4 < 8 < changed(painting, PERSON, PORTRAIT)

        await ann.press(only_people, "👥 People")
        people = await ann.wait_for(lambda m: m.id == only_people.id and "← Back" in texts_of(m))
        assert "👤 Only the people" not in texts_of(people)
        await ann.press(people, "🎨 Everything")
        again = await next_result(ann)
        assert again.text == result.text
        assert difference(await ann.download(again), whole) < 1

        await ann.press(people, "🎭 Faces free")
        assert (await next_result(ann)).text == f"{result.text}\n(only the people, faces free)"
        await ann.press(people, "← Back")
        await ann.wait_for(lambda m: m.id == people.id and m.buttons == before)


async def test_the_background_gets_another_style_a_painting_or_an_own_picture(
    chat: LocalChat,
) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/style")
        await ann.next_message()
        await ann.send_photo(KISS)  # becomes the style
        await ann.next_message()
        photo = await ann.send_document(PORTRAIT, "portrait.jpg")
        file = await next_result(ann)
        assert file.document
        await ann.press(file, "👥 People")
        people = await ann.wait_for(lambda m: m.id == file.id and "← Back" in texts_of(m))
        await ann.press(people, "🖼 Another background")
        choice = await ann.wait_for(lambda m: m.id == file.id and "The Kiss" in texts_of(m))

        await ann.press(choice, "The Great Wave")
        two_styles = await next_result(ann)
        assert is_reply_to(two_styles, photo)
        assert two_styles.text.splitlines()[:2] == [
            "Your style picture",
            "(background: The Great Wave)",
        ]
        paintings = [await ann.download(m) for m in (file, two_styles)]
        assert changed(paintings[1], PERSON, paintings[0]) < 2
        assert changed(paintings[1], BEHIND, paintings[0]) > 8

        await ann.press(choice, "🗂 My style pictures")
        sheet = await ann.next_message()
        assert is_reply_to(sheet, photo)
        await ann.press(sheet, "1")
        own = await next_result(ann)
        assert own.text.splitlines()[:2] == ["Your style picture", "(background: your picture)"]
        await ann.press(own, "📌 Same for next")
        assert "Background: your picture." in (await ann.next_message()).text
        await ann.send_photo(PORTRAIT)
        assert (await next_result(ann)).text == own.text
        await ann.press(choice, "← Back")
        people = await ann.wait_for(lambda m: m.id == file.id and "🎭 Faces free" in texts_of(m))
        await ann.press(people, "← Back")
        last = await ann.wait_for(lambda m: m.id == file.id and "👥 People" in texts_of(m))
        assert "📎 As a file" not in texts_of(last)


async def test_where_nobody_is_found_all_is_painted_and_it_says_so(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann, join(chat.url, "Борис", "ru") as boris:
        await ann.send_photo(FIELDS, caption="Klimt, only people")
        result = await next_result(ann)
        assert "👥 People" not in texts_of(result)
        assert result.text.endswith("\nI found nobody in this photo, so I painted all of it.")
        assert "only" not in result.text
        assert difference(await ann.download(result), FIELDS) > 8
        await boris.send_photo(FIELDS, caption="Климт, фон: большая волна")
        assert "Людей на этом фото я не нашёл" in (await next_result(boris)).text


async def test_captions_say_it_and_a_chosen_style_is_kept(chat: LocalChat) -> None:
    async with join(chat.url, "Анна", "ru") as anna:
        await anna.say("Климт, лица свободно")
        assert (
            (await anna.next_message()).text.partition(", 1908. ")[2].startswith("Лица свободно. ")
        )
        await anna.send_photo(PORTRAIT, caption="только фон")
        result = await next_result(anna)
        assert result.text.endswith("(только фон, лица свободно)")
        painting = await anna.download(result)
        assert changed(painting, PERSON, PORTRAIT) < 4 < 8 < changed(painting, BEHIND, PORTRAIT)
        assert "👥 Люди" in texts_of(result)


async def test_an_album_of_a_portrait_and_a_landscape(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        photos = await ann.send_photo(PORTRAIT, FIELDS, caption="only background, Klimt")
        album = await album_for(ann, photos)
        assert album[0].text.endswith("(only the background)")
        painting = await ann.download(album[0])
        assert changed(painting, PERSON, PORTRAIT) < 4 < 8 < changed(painting, BEHIND, PORTRAIT)
        assert difference(await ann.download(album[1]), FIELDS) > 8
        last_word = await ann.next_message()
        told = "Done: 2 pictures. In photo 2 I found nobody, so I painted all of it."
        assert last_word.text == told
        await ann.press(last_word, "👥 People")
        people = await ann.wait_for(lambda m: m.id == last_word.id and "← Back" in texts_of(m))
        await ann.press(people, "👤 Only the people")
        again = await album_for(ann, photos)
        assert again[0].text.endswith("(only the people)")
