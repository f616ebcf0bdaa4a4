"""The local Bot API over real HTTP: what it answers, refuses, delivers and does to pictures."""

import asyncio
import inspect
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InlineQueryResultCachedPhoto,
    InlineQueryResultsButton,
    InputMediaDocument,
    InputMediaPhoto,
    InputTextMessageContent,
    Message,
    ReplyParameters,
)
from aiohttp import ClientSession, FormData, web
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from local_chat import photo_sizes, updates
from local_chat.api_error import ApiError
from local_chat.bot_api import BotApi, Uploads
from local_chat.client import ChatError, Person, join, open_group
from local_chat.formatting import formatted, utf16_length
from local_chat.inline_mode import offered
from local_chat.server import LocalChat, start
from local_chat.state import State
from tests.conftest import start_chat

Json = dict[str, Any]


@pytest.fixture
async def chat() -> AsyncIterator[LocalChat]:
    server = await start_chat(first_webhook_pause_s=0.05)
    yield server
    await server.close()


@pytest.fixture
async def bot(chat: LocalChat) -> AsyncIterator[Bot]:
    async with bot_at(chat.url, chat.token) as made:
        yield made


@pytest.fixture
async def anna(chat: LocalChat) -> AsyncIterator[Person]:
    async with join(chat.url, "Анна", "ru") as person:
        await person.say("/start")
        yield person


@pytest.fixture
def any_request(chat: LocalChat) -> None:
    """Lets the server itself refuse what the published schema would have refused before it."""
    chat.checks.clear()


class QuickSession(AiohttpSession):
    """Closes without the quarter of a second that TLS connections want."""

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


@asynccontextmanager
async def bot_at(url: str, token: str) -> AsyncIterator[Bot]:
    session = QuickSession(api=TelegramAPIServer.from_base(url))
    try:
        yield Bot(token, session=session)
    finally:
        await session.close()


def picture(
    width: int,
    height: int,
    kind: str = "PNG",
    mode: str = "RGB",
    colour: Any = 0,
    **options: Any,
) -> bytes:
    out = io.BytesIO()
    image = Image.new(mode, (width, height), colour)
    image.save(out, kind, **options)
    return out.getvalue()


def upload(data: bytes, name: str = "picture.png") -> BufferedInputFile:
    return BufferedInputFile(data, name)


def keyboard(text: str = "Go", **button: Any) -> InlineKeyboardMarkup:
    row = [InlineKeyboardButton(text=text, **button)]
    return InlineKeyboardMarkup(inline_keyboard=[row])


async def fetched(bot: Bot, file: Any) -> bytes:
    out = io.BytesIO()
    await bot.download(file, out)
    return out.getvalue()


FIELD = st.sampled_from(
    ["type", "offset", "length", "url", "media", "caption", "caption_entities", "message_id",
     "text", "inline_keyboard", "callback_data", "command", "description", "chat_id", "parse_mode"]
)  # fmt: skip
ROW = keyboard(callback_data="x").inline_keyboard


# Who may call.


async def test_a_wrong_token_is_refused(chat: LocalChat) -> None:
    async with bot_at(chat.url, "1:wrong") as stranger:
        with pytest.raises(TelegramUnauthorizedError):
            await stranger.get_me()


async def test_an_unknown_method_is_not_found(chat: LocalChat) -> None:
    async with ClientSession() as session:
        for method in ("sendNothing", "__init__", "execute", "_chat"):
            async with session.get(f"{chat.url}/bot{chat.token}/{method}") as response:
                answer = await response.json()
        assert (response.status, answer["ok"], answer["error_code"]) == (404, False, 404)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "[::1"])
async def test_other_hosts_names_are_refused(chat: LocalChat, host: str) -> None:
    async with ClientSession() as session:
        for path in ("/", "/chat/state", f"/bot{chat.token}/getMe"):
            async with session.get(chat.url + path, headers={"Host": host}) as response:
                assert response.status in (400, 403)


async def test_localhost_is_a_good_name(chat: LocalChat) -> None:
    port = chat.url.rpartition(":")[2]
    async with (
        ClientSession() as session,
        session.get(chat.url, headers={"Host": f"localhost:{port}"}) as response,
    ):
        assert response.status == 200
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "text/plain"},
    ],
)
async def test_other_websites_cannot_post(chat: LocalChat, headers: dict[str, str]) -> None:
    body = json.dumps({"first_name": "Eve", "language_code": "en"})
    headers = {"Content-Type": "application/json", **headers}
    async with (
        ClientSession() as session,
        session.post(f"{chat.url}/chat/people", data=body, headers=headers) as response,
    ):
        assert response.status == 403
    assert chat.state.people == {}


async def test_only_loopback_addresses_are_served() -> None:
    with pytest.raises(ValueError, match="other machines"):
        await start(host="0.0.0.0", port=0)


# Texts.


async def test_a_text_reaches_the_person(bot: Bot, anna: Person) -> None:
    sent = await bot.send_message(
        anna.id,
        "  <b>Жирный 🎨 <i>курсив</i></b> &lt;3 /help <a href='https://example.org'>тут</a>\n",
        parse_mode="HTML",
    )
    shown = await anna.next_message()
    assert sent.text == shown.text == "Жирный 🎨 курсив <3 /help тут"
    assert [(e["type"], e["offset"], e["length"]) for e in shown.entities] == [
        ("bold", 0, 16),
        ("italic", 10, 6),
        ("bot_command", 20, 5),
        ("text_link", 26, 3),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "message text is empty"),
        (" \n", "message text is empty"),
        ("x" * 4097, "message is too long"),
        ("🎨" * 2049, "message is too long"),
        ("<b>", "Can't find end tag"),
        ("<b>x</i>", "Unmatched end tag"),
        ("<blink>x</blink>", "Unsupported start tag"),
        ("1 < 2", "can't parse entities"),
        ("</b>", "Unexpected end tag"),
    ],
)
@pytest.mark.usefixtures("any_request")
async def test_texts_that_telegram_refuses(bot: Bot, anna: Person, text: str, reason: str) -> None:
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.send_message(anna.id, text, parse_mode="HTML")


async def test_a_text_of_the_greatest_length_is_taken(bot: Bot, anna: Person) -> None:
    text = "<b>" + "x" * 4096 + "</b>"  # tags do not count
    assert len((await bot.send_message(anna.id, text, parse_mode="HTML")).text or "") == 4096


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from(list("<>/&;ab =\"'#x1🎨 \n\u0301")) | st.characters()))
def test_any_html_is_parsed_or_refused(source: str) -> None:
    try:
        text, entities = formatted(source, "HTML", [])
    except ApiError as error:
        assert error.code == 400
        return
    assert text == text.strip()
    length = utf16_length(text)
    assert all(0 <= e["offset"] < e["offset"] + e["length"] <= length for e in entities)


async def test_chats_that_cannot_be_written_to(chat: LocalChat, bot: Bot, anna: Person) -> None:
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(5, "Hello")
    async with join(chat.url, "Silent") as silent:
        with pytest.raises(TelegramBadRequest, match="chat not found"):
            await bot.send_message(silent.id, "Hello")
    await anna.block_bot()
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(anna.id, "Hello")
    with pytest.raises(ChatError):
        await anna.say("Hello")
    await anna.block_bot(False)
    await bot.send_message(anna.id, "Hello")


async def test_replies(bot: Bot, anna: Person) -> None:
    question = await anna.say("Why?")
    answer = await bot.send_message(
        anna.id, "So.", reply_parameters=ReplyParameters(message_id=question.id)
    )
    assert answer.reply_to_message is not None
    assert answer.reply_to_message.text == "Why?"
    gone = ReplyParameters(message_id=10**6)
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(anna.id, "So.", reply_parameters=gone)
    gone = ReplyParameters(message_id=10**6, allow_sending_without_reply=True)
    assert (await bot.send_message(anna.id, "So.", reply_parameters=gone)).reply_to_message is None


@pytest.mark.parametrize(
    ("markup", "reason"),
    [
        (keyboard(callback_data="é" * 33), "BUTTON_DATA_INVALID"),
        (keyboard(callback_data=""), "BUTTON_DATA_INVALID"),
        (keyboard(), "Text buttons are unallowed"),
        (keyboard(text=" ", callback_data="x"), "Can't find field"),
        (keyboard(url="http://localhost/x"), "Wrong HTTP URL"),
        (keyboard(url="javascript:alert(1)"), "Wrong HTTP URL"),
        (InlineKeyboardMarkup(inline_keyboard=ROW * 101), "REPLY_MARKUP_TOO_LONG"),
    ],
)
async def test_keyboards_that_telegram_refuses(
    bot: Bot, anna: Person, markup: InlineKeyboardMarkup, reason: str
) -> None:
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.send_message(anna.id, "Choose", reply_markup=markup)


@pytest.mark.usefixtures("any_request")
async def test_parameters_come_as_json_forms_and_in_the_address(
    chat: LocalChat, anna: Person
) -> None:
    url = f"{chat.url}/bot{chat.token}/SENDmessage"
    body = {"chat_id": anna.id, "text": "Hello"}
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    async with ClientSession() as session:
        for arguments in (
            {"json": {**body, "reply_markup": markup}},
            {"data": {**body, "reply_markup": json.dumps(markup)}},
            {"params": {**body, "reply_markup": json.dumps(markup)}},
        ):
            async with session.post(url, **arguments) as response:  # type: ignore[arg-type]
                assert (await response.json())["ok"]
            assert (await anna.next_message()).buttons == [["Go"]]
        for broken in ('{"inline_keyboard": 1}', "[", '"text"', "[" * 100_000):
            async with session.post(url, data={**body, "reply_markup": broken}) as response:
                assert response.status == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELD, inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(st.data())
async def test_any_parameters_are_taken_or_refused(data: st.DataObject) -> None:
    async def on_reply(_: Any) -> None: ...

    state = State({"id": 1, "is_bot": True, "first_name": "Bot"}, updates.Updates(on_reply))
    person = state.add_person("Anna", "en")
    state.receive(person, [{"text": "/start"}])
    (own,) = state.post(person, state.bot, [{"text": "Hello"}])
    api = BotApi(state)
    method = data.draw(st.sampled_from(sorted(api.methods)))
    names = list(inspect.signature(api.methods[method]).parameters)
    params = {name: data.draw(JSON) for name in names if data.draw(st.booleans())}
    params |= {"chat_id": person.id, "message_id": own["message_id"], "timeout": 0}
    try:
        await api.execute(method, params, Uploads())
    except ApiError as error:
        assert 400 <= error.code < 500
    finally:
        await state.updates.close()


# Edits.


async def test_edits(chat: LocalChat, bot: Bot, anna: Person) -> None:
    sent = await bot.send_message(anna.id, "One", reply_markup=keyboard(callback_data="x"))
    assert sent.edit_date is None
    await sent.edit_text("Two", reply_markup=keyboard(callback_data="x"))
    shown = await anna.wait_for(lambda m: m.text == "Two")
    assert shown.id == sent.message_id
    assert shown.raw["edit_date"] >= shown.raw["date"]
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await sent.edit_text("Two", reply_markup=keyboard(callback_data="x"))
    await sent.edit_text("Two")  # without a keyboard, the old one goes
    assert (await anna.wait_for(lambda m: not m.buttons)).text == "Two"
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await sent.edit_reply_markup()
    with pytest.raises(TelegramBadRequest, match="no caption in the message"):
        await sent.edit_caption(caption="x")
    await sent.delete()
    await anna.wait_until_gone(shown)
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await sent.edit_text("Three")
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await sent.delete()
    old = await bot.send_message(anna.id, "Two days ago")
    chat.state.people[anna.id].messages[old.message_id]["date"] -= 49 * 3600
    with pytest.raises(TelegramBadRequest, match="can't be deleted for everyone"):
        await old.delete()


async def test_a_persons_message_is_not_the_bots_to_edit(bot: Bot, anna: Person) -> None:
    hers = await anna.say("Mine")
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("Yours", chat_id=anna.id, message_id=hers.id)


async def test_media_is_edited_in_place(bot: Bot, anna: Person) -> None:
    sent = await bot.send_photo(anna.id, upload(picture(200, 100)), caption="Half")
    assert sent.photo is not None
    same = InputMediaPhoto(media=sent.photo[-1].file_id, caption="Half")
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await sent.edit_media(same)
    with pytest.raises(TelegramBadRequest, match="no text in the message"):
        await sent.edit_text("x")
    await sent.edit_caption(caption="More")
    await anna.wait_for(lambda m: m.text == "More")
    await sent.edit_media(InputMediaPhoto(media=upload(picture(100, 200)), caption="Done"))
    done = await anna.wait_for(lambda m: m.text == "Done")
    assert done.photo is not None
    assert (done.photo["width"], done.photo["height"]) == (100, 200)
    await sent.edit_media(InputMediaDocument(media=upload(b"text", "notes.txt")))
    assert (await anna.wait_for(lambda m: m.document)).photo is None


async def test_a_text_becomes_a_photo_and_a_document(bot: Bot, anna: Person) -> None:
    asked = await anna.say("Paint")
    status = await bot.send_message(
        anna.id,
        "<b>Painting</b>",
        parse_mode="HTML",
        reply_parameters=ReplyParameters(message_id=asked.id),
        reply_markup=keyboard("Cancel", callback_data="cancel"),
    )
    photo = InputMediaPhoto(
        media=upload(picture(200, 100)), caption="<i>Done</i>", parse_mode="HTML"
    )
    again = keyboard("Again", callback_data="again")
    edited = await status.edit_media(photo, reply_markup=again)
    assert isinstance(edited, Message)
    assert edited.photo is not None
    shown = await anna.wait_for(lambda m: m.photo)
    assert (shown.id, shown.text, shown.buttons) == (status.message_id, "Done", [["Again"]])
    assert not {"text", "entities"} & set(shown.raw)
    assert shown.raw["reply_to_message"]["message_id"] == asked.id
    assert shown.raw["caption_entities"] == [{"type": "italic", "offset": 0, "length": 4}]

    same = InputMediaPhoto(media=edited.photo[-1].file_id, caption="<i>Done</i>", parse_mode="HTML")
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await edited.edit_media(same, reply_markup=again)
    await edited.edit_media(same)  # its keyboard goes
    await edited.edit_media(InputMediaDocument(media=upload(b"all of it", "whole.png")))
    shown = await anna.wait_for(lambda m: m.document)
    assert (shown.photo, shown.text) == (None, "")
    await edited.edit_media(InputMediaPhoto(media=edited.photo[0].file_id))
    shown = await anna.wait_for(lambda m: m.photo)
    assert (shown.id, shown.document) == (status.message_id, None)


async def test_an_albums_message_keeps_its_kind(bot: Bot, anna: Person) -> None:
    photo = InputMediaPhoto(media=upload(picture(50, 50)))
    first, _ = await bot.send_media_group(anna.id, [photo, photo])
    with pytest.raises(TelegramBadRequest, match="album"):
        await first.edit_media(InputMediaDocument(media=upload(b"text", "notes.txt")))
    await first.edit_media(InputMediaPhoto(media=upload(picture(70, 50)), caption="New"))
    shown = await anna.wait_for(lambda m: m.text == "New")
    assert (shown.album, shown.id) == (first.media_group_id, first.message_id)


# Buttons.


async def test_a_pressed_button_is_answered_once(chat: LocalChat, bot: Bot, anna: Person) -> None:
    await bot.send_message(anna.id, "Choose", reply_markup=keyboard("Go", callback_data="go"))
    message = await anna.next_message()
    pressing = asyncio.create_task(anna.press(message, "Go"))
    query = (await next_update(bot, "callback_query")).callback_query
    assert query.data == "go"
    assert query.from_user.language_code == "ru"
    assert query.message.message_id == message.id
    with pytest.raises(TelegramBadRequest, match="MESSAGE_TOO_LONG"):
        await query.answer("x" * 201)
    assert not pressing.done()
    await query.answer("Fine")
    assert await pressing == "Fine"
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await query.answer()
    await bot.edit_message_reply_markup(chat_id=anna.id, message_id=message.id)
    with pytest.raises(ChatError, match="DATA_INVALID"):
        await anna.press(message, "Go")


@pytest.mark.usefixtures("any_request")
async def test_chat_actions(bot: Bot, anna: Person) -> None:
    await bot.send_chat_action(anna.id, "upload_photo")
    await bot.send_message(anna.id, "There")
    await anna.next_message()
    assert anna.actions == ["upload_photo"]
    with pytest.raises(TelegramBadRequest, match="wrong parameter action"):
        await bot.send_chat_action(anna.id, "paint")


# Photos and files.


@pytest.mark.parametrize(
    ("width", "height", "sides"),
    [
        (40, 30, [40]),
        (90, 60, [90]),
        (300, 200, [90, 300]),
        (320, 320, [90, 320]),
        (700, 1000, [90, 320, 800, 1000]),
        (3000, 2000, [90, 320, 800, 1280]),
    ],
)
async def test_a_photo_comes_in_telegrams_sizes(
    bot: Bot, anna: Person, width: int, height: int, sides: list[int]
) -> None:
    await anna.send_photo(picture(width, height))
    message = (await next_update(bot, "message")).message
    assert [max(size.width, size.height) for size in message.photo] == sides
    for size in message.photo:
        assert abs(size.width / size.height - width / height) < 0.05
        data = await fetched(bot, size)
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (size.width, size.height)
            assert (image.format, image.mode) == ("JPEG", "RGB")
        assert len(data) == size.file_size


async def test_a_photo_is_upright_and_tells_nothing(bot: Bot, anna: Person) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x010F] = "Camera of Anna"
    data = picture(64, 32, "JPEG", exif=exif, comment=b"at home")
    await anna.send_photo(data)
    message = (await next_update(bot, "message")).message
    shown = await fetched(bot, message.photo[-1])
    with Image.open(io.BytesIO(shown)) as image:
        assert image.size == (32, 64)
        assert not image.getexif()
        assert "comment" not in image.info
    assert b"Anna" not in shown
    await anna.send_document(data, "raw.jpg")
    message = (await next_update(bot, "message")).message
    assert await fetched(bot, message.document) == data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (picture(9, 9, mode="RGBA", colour=(255, 0, 0, 0)), 255),
        (picture(9, 9, mode="LA", colour=(0, 0)), 255),
        (picture(9, 9, mode="P"), 0),
        (picture(9, 9, mode="1"), 0),
        (picture(9, 9, mode="I;16", colour=65535), 255),
        (picture(9, 9, "JPEG", mode="CMYK", colour=(0, 0, 0, 255)), 0),
        (picture(9, 9, "GIF"), 0),
    ],
)
def test_every_mode_becomes_rgb_on_white(data: bytes, expected: int) -> None:
    with Image.open(io.BytesIO(photo_sizes.photo_sizes(data, sent_by_bot=True)[-1].data)) as image:
        red, green, blue = image.getpixel((4, 4))  # type: ignore[misc]
    assert max(abs(value - expected) for value in (red, green, blue)) <= 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"not an image", "IMAGE_PROCESS_FAILED"),
        (picture(100, 100, "JPEG")[:200], "IMAGE_PROCESS_FAILED"),
        (picture(2100, 100), "PHOTO_INVALID_DIMENSIONS"),
        (picture(9000, 1001, mode="1"), "PHOTO_INVALID_DIMENSIONS"),
        (picture(10, 10, "BMP") + b"0" * 10 * 2**20, "too big"),
        (b"", "file must be non-empty"),
    ],
)
async def test_pictures_that_telegram_refuses(
    bot: Bot, anna: Person, data: bytes, reason: str
) -> None:
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.send_photo(anna.id, upload(data))


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP"]), st.data())
def test_any_bytes_are_a_picture_or_refused(noise: bytes, kind: str, data: st.DataObject) -> None:
    whole = picture(20, 10, kind)
    cut = data.draw(st.integers(0, len(whole)))
    for source in (noise, whole[:cut] + noise + whole[cut:]):
        photo_sizes.thumbnail(source)
        try:
            assert photo_sizes.photo_sizes(source, sent_by_bot=False)
        except ApiError as error:
            assert error.code == 400


async def test_a_large_photo_of_a_person_is_shrunk(bot: Bot, anna: Person) -> None:
    await anna.send_photo(picture(6000, 5000, "JPEG", mode="L"))  # more than a bot may send
    message = (await next_update(bot, "message")).message
    assert (message.photo[-1].width, message.photo[-1].height) == (1280, 1067)
    with pytest.raises(ChatError, match="PHOTO_INVALID_DIMENSIONS"):
        await anna.send_photo(picture(3000, 100))


async def test_files_go_through_untouched(bot: Bot, anna: Person) -> None:
    data = picture(640, 480, "JPEG")
    await anna.send_document(data, "Закат.JPG", caption="Мой")
    message = (await next_update(bot, "message")).message
    assert (message.document.file_name, message.document.mime_type) == ("Закат.JPG", "image/jpeg")
    assert (message.caption, message.document.file_size) == ("Мой", len(data))
    assert message.document.thumbnail.width == 320
    sent = await bot.send_document(anna.id, upload(data, "copy.jpg"), caption="Yours")
    assert sent.document is not None
    assert await anna.download(await anna.next_message()) == data
    again = await bot.send_document(anna.id, sent.document.file_id)
    assert again.document is not None
    assert again.document.file_unique_id == sent.document.file_unique_id


async def test_limits_on_files(bot: Bot, anna: Person) -> None:
    await anna.send_document(b"0" * (20 * 2**20 + 1), "large.bin")
    large = (await next_update(bot, "message")).message.document
    with pytest.raises(TelegramBadRequest, match="file is too big"):
        await bot.get_file(large.file_id)
    with pytest.raises(TelegramEntityTooLarge):
        await bot.send_document(anna.id, upload(b"0" * (50 * 2**20 + 1)))
    with pytest.raises(TelegramBadRequest, match="caption is too long"):
        await bot.send_document(anna.id, large.file_id, caption="x" * 1025)
    with pytest.raises(TelegramBadRequest, match="can't use file of type Document as Photo"):
        await bot.send_photo(anna.id, large.file_id)
    for wrong in ("AgACAgIAAx0", "https://example.org/photo.jpg", "attach://nothing"):
        with pytest.raises(TelegramBadRequest):
            await bot.send_photo(anna.id, wrong)
    with pytest.raises(TelegramBadRequest, match="invalid file_id"):
        await bot.get_file("AgACAgIAAx0")


async def test_old_files_make_room(
    chat: LocalChat, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_chat.files.MAX_FILE_BYTES_IN_ALL", 1000)
    old = await anna.send_document(b"0" * 600, "old.bin")
    new = await anna.send_document(b"0" * 600, "new.bin")
    assert len(await anna.download(new)) == 600
    with pytest.raises(ChatError, match="no such file"):
        await anna.download(old)


async def test_long_chats_lose_their_beginning(
    chat: LocalChat, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_chat.state.MAX_MESSAGES_PER_CHAT", 3)
    for number in range(5):
        await anna.say(str(number))
    kept = chat.state.people[anna.id].messages.values()
    assert [message["text"] for message in kept] == ["2", "3", "4"]


async def test_albums(bot: Bot, anna: Person) -> None:
    photo = (await bot.send_photo(anna.id, upload(picture(50, 50)))).photo
    assert photo is not None
    await anna.next_message()
    first = InputMediaPhoto(media=photo[0].file_id, caption="<b>One</b>", parse_mode="HTML")
    sent = await bot.send_media_group(
        anna.id, [first, InputMediaPhoto(media=upload(picture(60, 60)))]
    )
    album = await anna.next_album()
    assert len({m.album for m in album} | {m.media_group_id for m in sent}) == 1
    assert [m.text for m in album] == ["One", ""]
    for wrong in ([first], [first] * 11, [first, InputMediaDocument(media=upload(b"x"))]):
        with pytest.raises(TelegramBadRequest):
            await bot.send_media_group(anna.id, wrong)  # type: ignore[arg-type]


async def test_a_persons_albums_have_at_most_ten_photos(bot: Bot, anna: Person) -> None:
    sent = await anna.send_photo(*[picture(20, 20)] * 12, caption="Twelve")
    groups = [message.album for message in sent]
    assert len(set(groups[:10])) == len(set(groups[10:])) == 1
    assert len(set(groups)) == 2
    assert [m.text for m in sent] == ["Twelve"] + [""] * 11


async def test_an_album_comes_whole_or_not_at_all(bot: Bot, anna: Person) -> None:
    asked = await anna.say("Two, please")
    good = InputMediaPhoto(media=upload(picture(50, 50)))
    for bad in (b"no picture", picture(2100, 100)):
        with pytest.raises(TelegramBadRequest):
            await bot.send_media_group(anna.id, [good, InputMediaPhoto(media=upload(bad))])
    files = [InputMediaDocument(media=upload(b"1", "1.txt"), caption="One")] * 2
    reply = ReplyParameters(message_id=asked.id)
    sent = await bot.send_media_group(anna.id, files, reply_parameters=reply)  # type: ignore[arg-type]
    assert [m.reply_to_message.text for m in sent if m.reply_to_message] == ["Two, please"] * 2
    assert [m.text for m in await anna.next_album()] == ["One", "One"]


async def test_stickers(bot: Bot, anna: Person) -> None:
    await anna.send_sticker(picture(300, 150, mode="RGBA", colour=(255, 0, 0, 0)))
    sticker = (await next_update(bot, "message")).message.sticker
    assert (sticker.width, sticker.height, sticker.is_video) == (512, 256, False)
    with Image.open(io.BytesIO(await fetched(bot, sticker))) as image:
        assert (image.format, image.size, image.mode) == ("WEBP", (512, 256), "RGBA")
    again = await bot.send_sticker(anna.id, sticker.file_id)
    assert again.sticker is not None
    assert again.sticker.file_unique_id == sticker.file_unique_id
    own = await bot.send_sticker(anna.id, upload(picture(512, 512, "WEBP")), emoji="🖼")
    assert own.sticker is not None
    assert own.sticker.emoji == "🖼"
    await anna.send_other("sticker")
    assert (await next_update(bot, "message")).message.sticker.is_video


async def test_copies(bot: Bot, anna: Person) -> None:
    await anna.send_photo(picture(50, 50), caption="Hers")
    photo = (await next_update(bot, "message")).message
    await bot.copy_message(
        anna.id, anna.id, photo.message_id, reply_markup=keyboard(callback_data="x")
    )
    await bot.copy_message(anna.id, anna.id, photo.message_id, caption="Mine")
    first, second = await anna.next_message(), await anna.next_message()
    assert (first.text, first.by_bot, second.text) == ("Hers", True, "Mine")
    assert first.photo == second.photo
    with pytest.raises(TelegramBadRequest, match="message to copy not found"):
        await bot.copy_message(anna.id, anna.id, 10**6)


async def test_profile_photos(bot: Bot, anna: Person) -> None:
    assert (await bot.get_user_profile_photos(anna.id)).total_count == 0
    for width in (100, 300):
        await anna.set_profile_photo(picture(width, width))
    photos = await bot.get_user_profile_photos(anna.id, limit=1)
    assert (photos.total_count, photos.photos[0][-1].width) == (2, 300)
    with pytest.raises(TelegramBadRequest, match="user not found"):
        await bot.get_user_profile_photos(1)


async def test_a_person_edits_and_forwards_photos(bot: Bot, anna: Person) -> None:
    (photo,) = await anna.send_photo(picture(50, 50), caption="First")
    await anna.edit(photo, "Second", picture(80, 40))
    edited = (await next_update(bot, "edited_message")).edited_message
    assert (edited.caption, edited.photo[-1].width) == ("Second", 80)
    forwarded = await anna.forward(photo)
    update = (await next_update(bot, "message")).message
    assert (update.message_id, update.caption) == (forwarded.id, "Second")
    assert update.forward_origin.sender_user.id == anna.id
    with pytest.raises(ChatError, match="can't be edited"):
        await anna.edit(forwarded, "Third")
    with pytest.raises(ChatError, match="not modified"):
        await anna.edit(photo, "Second")


# Groups.


async def test_in_a_group_the_bot_sees_what_is_meant_for_it(
    chat: LocalChat, bot: Bot, anna: Person
) -> None:
    await forget_updates(bot)
    name = chat.state.bot["username"]
    async with join(chat.url, "Boris") as boris:
        anna_there, boris_there = await open_group("Friends", anna, boris)
        joined, service = await bot.get_updates()
        assert joined.my_chat_member is not None
        assert joined.my_chat_member.new_chat_member.status == "member"
        assert service.message is not None
        assert service.message.new_chat_members is not None
        await forget_updates(bot)

        await anna_there.say("A secret of ours")
        (photo,) = await boris_there.send_photo(picture(20, 20))
        meant = [
            await anna_there.say("/style", reply_to=photo),
            await anna_there.say(f"/style@{name} now", reply_to=photo),
            (await boris_there.send_photo(picture(20, 20), caption=f"Hey @{name}, paint"))[0],
        ]
        await anna_there.say("/style@another_bot")
        await anna_there.say("not /a command of yours, @another_bot")
        await bot.send_message(anna_there.chat_id, "Painted")
        answer = await boris_there.next_message()
        assert (await anna_there.next_message()).id == answer.id
        meant.append(await boris_there.say("Thank you", reply_to=answer))
        updates = await bot.get_updates()
        seen = [update.message for update in updates if update.message]
        assert [message.message_id for message in seen] == [message.id for message in meant]
        assert {message.chat.type for message in seen} == {"supergroup"}
        assert seen[0].reply_to_message is not None
        assert seen[0].reply_to_message.photo
        assert [m.from_user.first_name for m in seen if m.from_user][-2:] == ["Boris", "Boris"]
        assert anna.history[service.message.message_id - 1].text == "/start"
        assert not set(anna.history) & set(anna_there.history)


async def test_buttons_in_a_group_say_who_pressed(chat: LocalChat, bot: Bot, anna: Person) -> None:
    async with join(chat.url, "Boris") as boris:
        _, boris_there = await open_group("Friends", anna, boris)
        await bot.send_message(boris_there.chat_id, "Go?", reply_markup=keyboard(callback_data="g"))
        pressing = asyncio.create_task(boris_there.press(await boris_there.next_message(), "Go"))
        query = (await next_update(bot, "callback_query")).callback_query
        assert (query.from_user.id, query.message.chat.id) == (boris.id, boris_there.chat_id)
        await query.answer("Not yours")
        assert await pressing == "Not yours"
        assert not anna.in_groups[0].answers


async def test_a_group_can_do_without_the_bot(chat: LocalChat, bot: Bot, anna: Person) -> None:
    (there,) = await open_group("Alone", anna)
    said = await there.say("/help")
    with pytest.raises(TelegramBadRequest, match="can't be deleted"):
        await bot.delete_message(there.chat_id, said.id)
    await forget_updates(bot)
    await there.block_bot()
    await there.say("/help")
    (left,) = await bot.get_updates()
    assert left.my_chat_member is not None
    assert left.my_chat_member.new_chat_member.status == "left"
    with pytest.raises(TelegramForbiddenError, match="kicked from the group chat"):
        await bot.send_message(there.chat_id, "Hello?")
    async with join(chat.url, "Eve") as eve:
        eve.chat_id = there.chat_id
        with pytest.raises(ChatError, match="no such chat"):
            await eve.say("Let me in")


# Inline mode.


async def test_what_is_offered_inline_can_be_sent(chat: LocalChat, bot: Bot, anna: Person) -> None:
    assert (await bot.get_me()).supports_inline_queries
    photo = (await bot.send_photo(anna.id, upload(picture(90, 60)))).photo
    assert photo is not None
    (there,) = await open_group("Friends", anna)
    asking = asyncio.create_task(there.ask_inline("winter"))
    query = (await next_update(bot, "inline_query")).inline_query
    assert (query.query, query.chat_type, query.from_user.id) == ("winter", "supergroup", anna.id)
    markup = keyboard(url="https://t.me/x")
    text = InputTextMessageContent(message_text="<b>Hi</b>", parse_mode="HTML")
    results = [
        InlineQueryResultCachedPhoto(id="1", photo_file_id=photo[-1].file_id, caption="Winter"),
        InlineQueryResultArticle(
            id="2", title="Say hi", input_message_content=text, reply_markup=markup
        ),
    ]
    button = InlineQueryResultsButton(text="Paint", start_parameter="inline")
    await query.answer(results, is_personal=True, button=button)
    offer = await asking
    assert [result["title"] for result in offer["results"]] == ["", "Say hi"]
    assert offer["button"]["start_parameter"] == "inline"
    shown = await there.choose_inline(offer)
    assert (shown.text, shown.raw["via_bot"]["id"]) == ("Winter", bot.id)
    update = (await next_update(bot, "message")).message
    assert update.photo[-1].file_unique_id == photo[-1].file_unique_id
    assert (await there.choose_inline(offer, 1)).buttons == [["Go"]]
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_inline_query("5", [])


async def test_inline_answers_are_kept_for_those_they_are_for(
    chat: LocalChat, bot: Bot, anna: Person
) -> None:
    async def asked(person: Person, query: str, title: str, **options: Any) -> Json:
        asking = asyncio.create_task(person.ask_inline(query))
        inline_query = (await next_update(bot, "inline_query")).inline_query
        content = InputTextMessageContent(message_text="x")
        article = InlineQueryResultArticle(id="1", title=title, input_message_content=content)
        await inline_query.answer([article], **options)
        return await asking

    def title(offer: Json) -> Any:
        return offer["results"][0]["title"]

    async with join(chat.url, "Boris") as boris:
        assert title(await asked(anna, "a", "For all")) == "For all"
        assert title(await boris.ask_inline("a")) == "For all"  # the bot is not asked again
        await asked(anna, "b", "Hers", is_personal=True)
        assert title(await asked(boris, "b", "His", is_personal=True)) == "His"
        assert title(await anna.ask_inline("b")) == "Hers"
        await asked(anna, "c", "Once", cache_time=0)
        assert title(await asked(anna, "c", "Twice", cache_time=0)) == "Twice"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": "x" * 65}, "RESULT_ID_INVALID"),
        ({"title": ""}, "ARTICLE_TITLE_EMPTY"),
        ({"input_message_content": {"message_text": "x" * 4097}}, "message is too long"),
        ({"input_message_content": None}, "message text is empty"),
        ({"type": "photo", "photo_file_id": "unknown"}, "PHOTO_INVALID"),
        ({"type": "game"}, "not supported"),
    ],
)
def test_inline_results_that_telegram_refuses(change: Json, reason: str) -> None:
    async def on_reply(_: Any) -> None: ...

    state = State({"id": 1}, updates.Updates(on_reply))
    good = {"type": "article", "id": "1", "title": "T", "input_message_content": {
        "message_text": "x"}}  # fmt: skip
    assert offered([good], state)[0]["message"] == {"text": "x"}
    with pytest.raises(ApiError, match=reason):
        offered([good | change], state)
    with pytest.raises(ApiError, match="DUPLICATE"):
        offered([good, good], state)
    with pytest.raises(ApiError, match="TOO_MUCH"):
        offered([good | {"id": str(i)} for i in range(51)], state)


# The inspector.


@pytest.mark.usefixtures("any_request")
async def test_every_call_is_recorded_without_the_token(
    chat: LocalChat, bot: Bot, anna: Person
) -> None:
    await bot.send_photo(anna.id, upload(picture(9, 9)), reply_markup=keyboard(callback_data="x"))
    with pytest.raises(TelegramBadRequest):
        await bot.send_message(anna.id, "")
    await bot.get_updates()
    await forget_updates(bot)
    await bot.get_updates(offset=2**40)  # brings nothing and is left out
    async with anna.session.get(f"{chat.url}/chat/calls") as stream:
        lines = [await stream.content.readline() for _ in range(8)]
    calls = [json.loads(line[6:]) for line in lines if line.startswith(b"data: ")]
    assert [c["method"] for c in calls] == ["sendPhoto", "sendMessage", "getUpdates", "getUpdates"]
    photo, refused = calls[:2]
    assert (photo["status"], refused["status"]) == (200, 400)
    assert photo["parameters"]["reply_markup"]["inline_keyboard"][0][0]["text"] == "Go"
    assert photo["files"][0]["bytes"] == len(picture(9, 9))
    assert photo["answer"]["result"]["photo"]
    assert "empty" in refused["answer"]["description"]
    assert chat.token not in json.dumps(calls)


# Updates.


async def test_updates_are_confirmed_by_the_offset(bot: Bot, anna: Person) -> None:
    await anna.say("a")
    await anna.say("b")
    first = await bot.get_updates(limit=1)
    assert [u.message.text for u in first if u.message] == ["/start"]
    again = await bot.get_updates()
    assert [u.message.text for u in again if u.message] == ["/start", "a", "b"]
    rest = await bot.get_updates(offset=again[1].update_id)
    assert [u.message.text for u in rest if u.message] == ["a", "b"]
    last = await bot.get_updates(offset=-1)
    assert [u.message.text for u in last if u.message] == ["b"]
    assert len(await bot.get_updates()) == 1
    assert await bot.get_updates(offset=last[0].update_id + 1) == []


async def test_a_long_poll_waits_for_news(bot: Bot, anna: Person) -> None:
    await forget_updates(bot)
    polling = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.05)
    assert not polling.done()
    await anna.say("News")
    async with asyncio.timeout(5):
        assert (await polling)[0].message.text == "News"  # type: ignore[union-attr]


async def test_a_second_poll_ends_the_first(bot: Bot, anna: Person) -> None:
    await forget_updates(bot)
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.05)
    assert await bot.get_updates(timeout=0) == []
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates"):
        await first


async def test_only_allowed_updates_come(bot: Bot, anna: Person) -> None:
    await forget_updates(bot, allowed_updates=["edited_message"])
    said = await anna.say("First")
    await anna.edit(said, "Second")
    (update,) = await bot.get_updates()
    assert update.edited_message is not None
    assert update.edited_message.text == "Second"


async def test_all_else_that_people_send(bot: Bot, anna: Person) -> None:
    kinds = ["animation", "audio", "contact", "dice", "location", "sticker", "video", "voice"]
    await forget_updates(bot)
    for kind in [*kinds, "video_note"]:
        await anna.send_other(kind)
    for kind, update in zip(kinds, await bot.get_updates(), strict=False):
        assert isinstance(update.message, Message)
        assert update.message.content_type == kind
    await forget_updates(bot)
    await anna.say("Look", forwarded_from="Boris")
    await anna.send_sticker(picture(512, 512, "WEBP"))
    await anna.block_bot()
    await anna.block_bot(False)
    forwarded, sticker, left, back = await bot.get_updates()
    assert forwarded.message is not None
    assert forwarded.message.forward_origin is not None
    assert sticker.message is not None
    assert sticker.message.sticker is not None
    assert left.my_chat_member is not None
    assert left.my_chat_member.new_chat_member.status == "kicked"
    assert back.my_chat_member is not None
    assert back.my_chat_member.new_chat_member.status == "member"


@pytest.mark.parametrize(
    ("sound", "mime_type", "duration"),
    [(b"words", "text/plain", "3"), (b"", "audio/webm", "3"), (b"sound", "audio/webm", "long")],
)
async def test_what_is_no_recording_is_no_voice_message(
    chat: LocalChat, anna: Person, sound: bytes, mime_type: str, duration: str
) -> None:
    form = FormData({"as": "voice", "duration": duration})
    form.add_field("files", sound, filename="voice", content_type=mime_type)
    url = f"{chat.url}/chat/people/{anna.id}/media"
    async with anna.session.post(url, data=form) as answer:
        assert answer.status == 400


async def test_an_update_may_come_twice(chat: LocalChat, bot: Bot, anna: Person) -> None:
    (update,) = await bot.get_updates()
    await forget_updates(bot)
    chat.repeat_last_update()
    (repeated,) = await bot.get_updates(offset=update.update_id + 1)
    assert repeated.update_id == update.update_id
    assert await bot.get_updates(offset=update.update_id + 1) == []


# The webhook.

Answer = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def listener(answer: Answer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/hook", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    finally:
        await runner.cleanup()


async def test_a_webhook_gets_each_update_until_it_says_ok(bot: Bot, anna: Person) -> None:
    calls: list[tuple[str | None, Json]] = []
    done = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        calls.append((request.headers.get("X-Telegram-Bot-Api-Secret-Token"), await request.json()))
        if len(calls) == 4:
            done.set()
        return web.Response(status=500 if len(calls) < 3 else 200)

    async with listener(answer) as url:
        await anna.say("a")
        await bot.set_webhook(url, secret_token="a_b-C1")
        with pytest.raises(TelegramConflictError, match="webhook is active"):
            await bot.get_updates()
        await asyncio.wait_for(done.wait(), 5)
        info = await bot.get_webhook_info()
        assert info.url == url
        assert "500" in (info.last_error_message or "")
        texts = [update["message"]["text"] for _, update in calls]
        assert texts == ["/start", "/start", "/start", "a"]
        assert len({update["update_id"] for _, update in calls}) == 2
        assert {secret for secret, _ in calls} == {"a_b-C1"}
        await bot.delete_webhook()
        assert (await bot.get_webhook_info()).url == ""
        await anna.say("b")
        assert [u.message.text for u in await bot.get_updates() if u.message] == ["b"]


async def test_a_webhooks_answer_may_call_a_method(chat: LocalChat, bot: Bot, anna: Person) -> None:
    async def answer(request: web.Request) -> web.Response:
        update = await request.json()
        text = "You said " + update["message"]["text"]
        return web.json_response({"method": "sendMessage", "chat_id": anna.id, "text": text})

    async with listener(answer) as url:
        await bot.set_webhook(url)
        assert (await anna.next_message()).text == "You said /start"
        await bot.delete_webhook()
    calls = {call["method"]: call for call in chat.state.calls}
    assert calls["webhook"]["parameters"]["message"]["text"] == "/start"
    assert calls["sendMessage"]["parameters"]["text"] == "You said /start"


async def test_chats_do_not_wait_for_each_other(chat: LocalChat, bot: Bot, anna: Person) -> None:
    seen: list[str] = []
    second_came, first_done = asyncio.Event(), asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        name = (await request.json())["message"]["from"]["first_name"]
        if name == "Анна":
            await asyncio.wait_for(second_came.wait(), 5)
            first_done.set()
        seen.append(name)
        second_came.set()
        return web.Response()

    async with listener(answer) as url, join(chat.url, "Boris") as boris:
        await bot.set_webhook(url)
        await boris.say("Hello")
        await asyncio.wait_for(first_done.wait(), 5)
        assert seen == ["Boris", "Анна"]
        await bot.delete_webhook()


async def test_webhooks_that_telegram_refuses(bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest, match="HTTPS"):
        await bot.set_webhook("http://example.org/hook")
    with pytest.raises(TelegramBadRequest, match="secret token"):
        await bot.set_webhook("https://example.org/hook", secret_token="ключ")
    with pytest.raises(TelegramBadRequest, match="ports"):
        await bot.set_webhook("https://example.org:8080/hook")


async def test_waiting_updates_can_be_dropped(bot: Bot, anna: Person) -> None:
    await bot.delete_webhook()
    assert len(await bot.get_updates()) == 1
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == []


# Failures on purpose.


async def test_injected_failures(chat: LocalChat, bot: Bot, anna: Person) -> None:
    chat.fail_next("sendMessage", 429, retry_after=7)
    with pytest.raises(TelegramRetryAfter) as limited:
        await bot.send_message(anna.id, "1")
    assert limited.value.retry_after == 7
    chat.fail_next("*", 502, times=2)
    for _ in range(2):
        with pytest.raises(TelegramServerError, match="Bad Gateway"):
            await bot.get_me()
    chat.fail_next("sendMessage", 429, retry_after=3, chat_id=anna.id)
    with pytest.raises(TelegramBadRequest, match="not found"):  # another chat is not limited
        await bot.send_message(5, "1")
    with pytest.raises(TelegramRetryAfter):
        await bot.send_message(anna.id, "1")
    chat.fail_next("sendPhoto", 403)
    assert await bot.get_me()  # another method goes through
    with pytest.raises(TelegramForbiddenError):
        await bot.send_photo(anna.id, upload(picture(9, 9)))
    chat.fail_next("sendMessage", "drop")
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(anna.id, "2")
    chat.fail_next("sendMessage", "hang")
    with pytest.raises(TelegramNetworkError, match="timeout"):
        await bot.send_message(anna.id, "3", request_timeout=1)
    chat.fail_next("sendMessage", "drop_after")
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(anna.id, "4")
    await bot.send_message(anna.id, "5")
    assert [(await anna.next_message()).text for _ in range(2)] == ["4", "5"]


async def test_failures_can_be_asked_for_over_http(chat: LocalChat, bot: Bot) -> None:
    async with ClientSession() as session:
        body = {"method": "getMe", "error": 500}
        async with session.post(f"{chat.url}/chat/fail", json=body) as response:
            assert response.status == 200
    with pytest.raises(TelegramServerError):
        await bot.get_me()


# What the bot says of itself.


async def test_commands_by_scope_and_language(chat: LocalChat, bot: Bot, anna: Person) -> None:
    state = chat.state
    person = state.people[anna.id]
    await bot.set_my_commands([BotCommand(command="help", description="Help")])
    assert state.commands_for(person)[0]["description"] == "Help"
    russian = [BotCommand(command="help", description="Помощь")]
    await bot.set_my_commands(russian, language_code="ru")
    assert state.commands_for(person)[0]["description"] == "Помощь"
    own = BotCommandScopeChat(chat_id=anna.id)
    await bot.set_my_commands([BotCommand(command="own", description="Own")], scope=own)
    assert state.commands_for(person)[0]["command"] == "own"
    (kept,) = await bot.get_my_commands(language_code="ru")
    assert kept.description == "Помощь"
    (there,) = await open_group("Friends", anna)
    assert state.commands_for(person, state.groups[there.chat_id])[0]["command"] == "help"
    for_groups = [BotCommand(command="style", description="Style")]
    await bot.set_my_commands(for_groups, scope=BotCommandScopeAllGroupChats())
    assert state.commands_for(person, state.groups[there.chat_id])[0]["command"] == "style"
    await bot.delete_my_commands(scope=own)
    await bot.delete_my_commands(language_code="ru")
    assert state.commands_for(person)[0]["description"] == "Help"
    for command, description in (("Help!", "x"), ("x", ""), ("x" * 33, "x")):
        with pytest.raises(TelegramBadRequest, match="BOT_COMMAND"):
            await bot.set_my_commands([BotCommand(command=command, description=description)])


async def test_names_and_descriptions(bot: Bot) -> None:
    await bot.set_my_description("Paints", language_code="en")
    await bot.set_my_description("Рисует", language_code="ru")
    await bot.set_my_short_description("p")
    assert (await bot.get_my_description(language_code="ru")).description == "Рисует"
    assert (await bot.get_my_description()).description == ""
    assert (await bot.get_my_short_description(language_code="ru")).short_description == "p"
    with pytest.raises(TelegramBadRequest, match="too long"):
        await bot.set_my_description("x" * 513)
    await bot.set_my_name("Brush")
    assert (await bot.get_my_name()).name == "Brush"
    assert await bot.set_chat_menu_button()
    assert (await bot.get_chat_menu_button()).type == "default"


# The chat API's own refusals, and its bounds.


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("people", {"first_name": " ", "language_code": "en"}),
        ("people", {"first_name": "A", "language_code": "English"}),
        ("people", {"first_name": 5}),
        ("people", []),
        ("people/{id}/messages", {"text": ""}),
        ("people/{id}/messages", {"text": "x" * 4097}),
        ("people/{id}/messages", {"text": "x", "reply_to": 10**6}),
        ("people/{id}/messages", {"other": {"poll": {}}}),
        ("people/{id}/press", {"message_id": "x", "data": "x"}),
        ("people/{id}/press", {"message_id": 10**6, "data": "x"}),
        ("people/{id}/edit", {"message_id": 10**6, "text": "x"}),
        ("people/1/messages", {"text": "x"}),
        ("people/{id}/messages?chat=-5", {"text": "x"}),
        ("people/{id}/messages?chat=here", {"text": "x"}),
        ("people/{id}/forward", {"from": -5, "message_id": 1}),
        ("people/{id}/forward", {"message_id": 10**6, "from": 0}),
        ("people/{id}/inline/choose", {"query_id": "5", "result_id": "1"}),
        ("people/{id}", {"language_code": "English"}),
        ("groups", {"title": " ", "members": []}),
        ("groups", {"title": "Friends", "members": []}),
        ("groups", {"title": "Friends", "members": [[5]]}),
        ("fail", {"method": "getMe", "error": "explode"}),
    ],
)
async def test_the_chat_api_refuses_what_makes_no_sense(
    chat: LocalChat, anna: Person, path: str, body: Any
) -> None:
    url = f"{chat.url}/chat/{path.format(id=anna.id)}"
    async with anna.session.post(url, json=body) as response:
        assert response.status in (400, 404)
        assert (await response.json())["error"]


async def test_downloads_are_inert(chat: LocalChat, anna: Person) -> None:
    page = await anna.send_document(b"<script>alert(1)</script>", "page.html")
    assert page.document is not None
    url = f"{chat.url}/chat/files/{page.document['file_id']}"
    async with anna.session.get(url) as response:
        assert response.headers["Content-Disposition"] == "attachment"
        assert response.content_type == "application/octet-stream"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_listener_that_does_not_read_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_chat.state.MAX_EVENTS_WAITING", 2)

    async def on_reply(_: Any) -> None: ...

    state = State({}, updates.Updates(on_reply))
    queue: asyncio.Queue[Json | None] = asyncio.Queue()
    state.listeners.add(queue)
    for _ in range(5):
        state.publish("people")
    assert [queue.get_nowait() is None for _ in range(queue.qsize())] == [False, False, True]
    assert not state.listeners


async def test_closing_does_not_wait_for_open_connections() -> None:
    server = await start_chat()
    async with bot_at(server.url, server.token) as bot, join(server.url) as person:
        await person.say("/start")
        await forget_updates(bot)
        polling = asyncio.create_task(bot.get_updates(timeout=30))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await server.close()
        assert await polling == []


# Steps.


async def next_update(bot: Bot, kind: str) -> Any:
    """The next update of a kind; it and those before it are confirmed."""
    for _ in range(50):
        for update in await bot.get_updates(timeout=5):
            await bot.get_updates(offset=update.update_id + 1, limit=1)
            if getattr(update, kind) and getattr(update.message, "text", None) != "/start":
                return update
    raise AssertionError(f"no {kind} came")


async def forget_updates(bot: Bot, **options: Any) -> None:
    waiting = await bot.get_updates(**options)
    if waiting:
        await bot.get_updates(offset=waiting[-1].update_id + 1)
