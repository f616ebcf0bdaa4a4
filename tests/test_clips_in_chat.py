"""GIFs, videos and video notes in the chat, as people send them. With the real bot."""

from functools import partial
from io import BytesIO

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from local_chat.client import Message, Person, join, open_group
from local_chat.server import LocalChat
from tests.test_conversation import choose_preset, is_reply_to, texts_of
from tools.clips import make_clip

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLIP = make_clip((160, 120), 0.6, 10, sound=True)
SILENT = make_clip((160, 120), 0.6, 10)
NOTE = make_clip((120, 120), 0.4, 10, sound=True)
GIF = make_clip((160, 120), 0.6, 10, kind="gif")


async def next_clip(person: Person, timeout_s: float = 60) -> Message:
    """The bot's next finished clip."""
    return await person.wait_for(lambda m: m.clip and "✖️ Cancel" not in texts_of(m), timeout_s)


def answers_with_clip(sent: Message, answer: Message) -> bool:
    return answer.clip is not None and is_reply_to(answer, sent)


def frames_of(clip: bytes) -> list[NDArray[np.float32]]:
    with av.open(BytesIO(clip), "r") as container:
        decoded = container.decode(video=0)
        return [frame.to_ndarray(format="rgb24").astype(np.float32) for frame in decoded]


def difference(one: bytes, other: bytes) -> float:
    pairs = zip(frames_of(one), frames_of(other), strict=True)
    return float(np.mean([np.abs(a - b).mean() for a, b in pairs]))


async def test_a_video_is_painted_and_keeps_its_sound(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await choose_preset(ann, "great_wave")
        sent = await ann.send_clip(CLIP)
        result = await next_clip(ann)
        assert is_reply_to(result, sent)
        assert (
            result.raw["video"] | {"duration": 1, "width": 160, "height": 120}
            == result.raw["video"]
        )
        painted = await ann.download(result)
        assert difference(painted, CLIP) > 10
        with av.open(BytesIO(painted), "r") as container:
            assert container.streams.audio
        assert result.text.startswith("Katsushika Hokusai")
        assert "upload_video" in ann.actions
        shown = texts_of(result)
        assert "🔥 Stronger" in shown
        assert not {"🎲 Again", "↔️ Compare", "📎 As a file", "🖌 Finer strokes"} & set(shown)

        await ann.press(result, "🔥 Stronger")
        stronger = await ann.wait_for(lambda m: m.clip and "(stronger)" in m.text, 60)
        assert difference(await ann.download(stronger), painted) > 3
        await ann.press(stronger, "🌈 My colours")
        await ann.wait_for(lambda m: m.clip and "your colours" in m.text, 60)


@pytest.mark.parametrize("data", [SILENT, GIF], ids=["mp4", "gif"])
async def test_what_has_no_sound_comes_back_as_an_animation(chat: LocalChat, data: bytes) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        sent = await ann.send_clip(data, "animation", caption="winter")
        result = await next_clip(ann)
        assert is_reply_to(result, sent)
        assert result.raw["animation"]["mime_type"] == "video/mp4"
        assert result.text == "❄️ Summer to winter"
        assert not {"↔️ Compare", "📎 As a file"} & set(texts_of(result))
        assert len(frames_of(await ann.download(result))) == 6

        await ann.press(result, "🌪 Stronger")
        await ann.wait_for(lambda m: m.clip and "(stronger)" in m.text, 60)


async def test_a_clip_without_a_choice_is_asked_about(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        note = await ann.send_clip(NOTE, "video_note")
        question = await ann.next_message()
        assert question.text.startswith("A fine clip!")
        assert is_reply_to(question, note)
        assert not any("as the style" in text for text in texts_of(question))
        await ann.press(question, "☀️ Winter to summer")
        result = await next_clip(ann)
        assert is_reply_to(result, note)
        assert result.raw["video"]["width"] == result.raw["video"]["height"] == 120

        await ann.press(result, "🎨 Paint this")  # the clip that has just been made
        await ann.next_message()
        menu = await ann.wait_for(lambda m: "🖼 Famous paintings" in texts_of(m))
        await ann.press(menu, "🖼 Famous paintings")
        await ann.press(await ann.wait_for(lambda m: "The Kiss" in texts_of(m), 20), "The Kiss")
        painted = await ann.wait_for(lambda m: m.clip and m.text.startswith("Gustav Klimt"), 60)
        assert is_reply_to(painted, result)


async def test_clips_as_files_and_a_gif_that_stands_still(chat: LocalChat) -> None:
    async with join(chat.url, "Анна", "ru") as anna:
        sent = await anna.send_document(CLIP, "film.mp4", caption="Климт")
        result = await next_clip(anna)
        assert is_reply_to(result, sent)
        assert "video" in result.raw
        still = BytesIO()
        Image.effect_noise((64, 48), 50).save(still, "GIF")
        sent = await anna.send_document(still.getvalue(), "still.gif", caption="Климт")
        picture = await anna.wait_for(lambda m: m.document and not m.clip, 60)
        assert is_reply_to(picture, sent)
        with Image.open(BytesIO(await anna.download(picture))) as image:
            assert image.size == (64, 48)


async def test_only_famous_paintings_for_clips(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await ann.say("/style")
        await ann.next_message()
        await ann.send_clip(SILENT, "animation")
        assert (await ann.next_message()).text.startswith("A clip cannot be the style.")
        picture = BytesIO()
        Image.effect_noise((64, 48), 50).save(picture, "PNG")
        await ann.send_photo(picture.getvalue())  # becomes the style
        await ann.next_message()
        await ann.send_clip(CLIP)
        assert (await ann.next_message()).text.startswith("Clips I paint quickly")
        await ann.send_clip(CLIP, caption="Klimt")
        await next_clip(ann)


async def test_clips_that_are_too_much_are_refused_at_once(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await choose_preset(ann, "kiss")
        await ann.send_clip(make_clip((32, 32), 12, 5))
        assert (await ann.next_message()).text.startswith("That clip lasts 12 seconds")
        await ann.send_other("video", file_size=30 * 2**20)
        assert (await ann.next_message()).text.startswith("That clip is too big for me")
        await ann.send_other("animation")  # no real one
        words = await ann.wait_for(lambda m: "not a clip that I can read" in m.text, 30)
        assert words.buttons
        await ann.send_document(make_clip((32, 32), 12, 5), "film.mp4")  # its length is not told
        await ann.wait_for(lambda m: "lasts 12 seconds" in m.text, 30)
        await ann.send_other("sticker")
        await ann.wait_for(lambda m: m.text.startswith("That sticker is too quick for me"))


async def test_each_clip_is_answered_for_itself(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await choose_preset(ann, "kiss")
        sent = [await ann.send_clip(SILENT, "video") for _ in range(2)]
        for message in sent:
            await ann.wait_for(partial(answers_with_clip, message), 60)


async def test_a_clip_in_a_group(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann, join(chat.url, "Bob", "en") as bob:
        ann_there, bob_there = await open_group("Friends", ann, bob)
        clip = await ann_there.send_clip(CLIP)
        await bob_there.say("/winter", reply_to=clip)
        result = await next_clip(bob_there)
        assert is_reply_to(result, clip)


async def test_a_long_clip_shows_its_progress_and_can_be_cancelled(chat: LocalChat) -> None:
    async with join(chat.url, "Ann", "en") as ann:
        await choose_preset(ann, "kiss")
        await ann.send_clip(make_clip((640, 480), 8, 15, movement="pan"))
        working = await ann.wait_for(lambda m: m.photo and "✖️ Cancel" in texts_of(m), 60)
        assert "Painting…" in working.text  # over its first frame
        await ann.press(working, "✖️ Cancel")
        await ann.wait_for(lambda m: m.text.startswith("Cancelled."), 30)
        await ann.send_clip(SILENT, "animation")
        await next_clip(ann)
