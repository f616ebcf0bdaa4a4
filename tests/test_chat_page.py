"""The chat page in a real browser, with a bot of a few lines on the other side."""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQuery,
    InlineQueryResultArticle,
    InlineQueryResultCachedPhoto,
    InlineQueryResultsButton,
    InlineQueryResultUnion,
    InputMediaPhoto,
    InputTextMessageContent,
    Message,
)
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from PIL import Image
from playwright.async_api import Browser, Locator, Page, expect

from languages import NAMES, language_of
from local_chat.client import join
from local_chat.server import LocalChat
from tests.conftest import PHOTOS, start_chat
from tools.clips import make_clip

pytestmark = pytest.mark.asyncio(loop_scope="module")

NASTY = "<img src=x onerror=alert(1)> & <b>"


@pytest_asyncio.fixture(loop_scope="module")
async def chat() -> AsyncIterator[LocalChat]:
    server = await start_chat(bot_name="Echo")
    async with echo_bot(server):
        yield server
    await server.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium: Browser, chat: LocalChat) -> AsyncIterator[Page]:
    """The page at a phone's width; a script error or a request to elsewhere fails the test."""
    async with opened(chromium, chat) as shown:
        yield shown


@asynccontextmanager
async def opened(browser: Browser, chat: LocalChat, language: str = "en-US") -> AsyncIterator[Page]:
    wrong: list[str] = []

    def is_own(url: str) -> bool:
        return url.startswith((chat.url, "blob:", "data:"))

    context = await browser.new_context(viewport={"width": 390, "height": 844}, locale=language)
    page = await context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
    page.on("console", lambda line: wrong.append(line.text) if "Content Sec" in line.text else None)
    page.on("request", lambda request: None if is_own(request.url) else wrong.append(request.url))
    await page.goto(chat.url)
    yield page
    assert not wrong
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, "the page scrolls sideways"
    await context.close()


@asynccontextmanager
async def echo_bot(chat: LocalChat) -> AsyncIterator[None]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(chat.url))
    bot = Bot(chat.token, session=session)
    dispatcher = Dispatcher()
    buttons = [
        [InlineKeyboardButton(text=text, callback_data=text) for text in ("Edit", "Toast")],
        [InlineKeyboardButton(text=text, callback_data=text) for text in ("Alert", "Silence")],
    ]
    markup = InlineKeyboardMarkup(inline_keyboard=buttons)

    @dispatcher.callback_query(F.data == "Edit")
    async def edit(query: CallbackQuery) -> None:
        assert isinstance(query.message, Message)
        await query.message.edit_text("It was edited", reply_markup=markup)
        await query.answer()

    @dispatcher.callback_query(F.data.in_({"Toast", "Alert"}))
    async def answer(query: CallbackQuery) -> None:
        await query.answer(f"{query.data}: {NASTY}", show_alert=query.data == "Alert")

    photos: dict[str, str] = {}

    @dispatcher.inline_query()
    async def offer(query: InlineQuery) -> None:
        results: list[InlineQueryResultUnion] = [
            InlineQueryResultCachedPhoto(id=unique_id, photo_file_id=file_id)
            for unique_id, file_id in photos.items()
        ]
        if query.query:
            text = InputTextMessageContent(message_text=query.query)
            said = InlineQueryResultArticle(id="say", title="Say it", input_message_content=text)
            results = [said]
        button = InlineQueryResultsButton(text="To the bot", start_parameter="from_inline")
        await query.answer(results, cache_time=0, is_personal=True, button=button)

    @dispatcher.message(F.sticker)
    async def sticker(message: Message) -> None:
        assert message.sticker
        await message.answer_sticker(message.sticker.file_id)

    @dispatcher.edited_message()
    async def edited(message: Message) -> None:
        await message.answer(f"You changed it to: {message.text or message.caption}")

    @dispatcher.message(F.new_chat_members)
    async def joined(message: Message) -> None: ...

    @dispatcher.message(F.photo)
    async def photo(message: Message) -> None:
        assert message.photo
        photos[message.photo[-1].file_unique_id] = message.photo[-1].file_id
        await message.answer_photo(message.photo[-1].file_id, caption="Your photo")

    @dispatcher.message(F.video)
    async def video(message: Message) -> None:
        clip = BufferedInputFile(make_clip((96, 64), 0.5, 10), "loop.mp4")
        await message.answer_animation(clip, caption="Your clip", reply_markup=markup)

    @dispatcher.message(F.voice)
    async def voice(message: Message) -> None:
        assert message.voice
        sound = await bot.download(message.voice)
        assert sound
        await message.answer(f"{message.voice.duration} s, {len(sound.read())} bytes")

    @dispatcher.message(F.document)
    async def document(message: Message) -> None:
        assert message.document
        await message.answer_document(message.document.file_id)

    @dispatcher.message(F.text == "think")
    async def think(message: Message) -> None:
        await bot.send_chat_action(message.chat.id, "upload_photo")

    @dispatcher.message(F.text == "paint")
    async def paint(message: Message) -> None:
        await message.answer_photo(BufferedInputFile(png("navy", 900, 600), "navy.png"))

    @dispatcher.message(F.text == "status")
    async def status(message: Message) -> None:
        await message.reply("Working", reply_markup=markup)

    @dispatcher.callback_query(F.data == "Silence", F.message.text == "Working")
    async def finish(query: CallbackQuery) -> None:
        assert isinstance(query.message, Message)
        done = InputMediaPhoto(media=BufferedInputFile(png("teal", 300), "a.png"), caption="Done")
        await query.message.edit_media(done, reply_markup=markup)
        await query.answer()

    @dispatcher.message()
    async def echo(message: Message) -> None:
        await message.answer(f"You said: {message.text}", reply_markup=markup)

    begin, help_ = ("start", "Begin"), ("help", "Help")
    commands = [BotCommand(command=name, description=text) for name, text in (begin, help_)]
    await bot.set_my_commands(commands)
    await bot.set_my_description("I repeat what you say.")
    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False))
    try:
        yield
    finally:
        await dispatcher.stop_polling()
        await polling


def png(colour: str, width: int = 60, height: int = 40) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


def log(page: Page) -> Locator:
    return page.get_by_role("log")


async def begin(page: Page) -> None:
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(log(page).get_by_text("You said: /start")).to_be_visible()


async def say(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name="Message").fill(text)
    await page.keyboard.press("Enter")


async def choose(page: Page, item: str, *files: Path) -> None:
    await page.get_by_role("button", name="Attach").click()
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("menuitem", name=item).click()
    await (await chooser.value).set_files(files)


async def all_pictures_loaded(page: Page) -> None:
    await page.wait_for_function(
        "[...document.querySelectorAll('#log img')].every(i => i.complete && i.naturalWidth > 0)"
    )


async def test_a_first_visit_is_one_button_away_from_the_bot(page: Page) -> None:
    await expect(page.get_by_text("I repeat what you say.")).to_be_visible()
    await expect(page.get_by_role("textbox", name="Message")).to_be_hidden()
    await begin(page)
    await expect(page.get_by_text("I repeat what you say.")).to_be_hidden()
    await say(page, NASTY)
    await expect(log(page).get_by_text(f"You said: {NASTY}")).to_be_visible()
    await expect(page).to_have_title("Echo")


async def test_buttons(page: Page) -> None:
    await begin(page)
    await page.get_by_role("button", name="Toast").click()
    await expect(page.locator("#toasts")).to_have_text(f"Toast: {NASTY}")
    await page.get_by_role("button", name="Alert", exact=True).click()
    alert = page.get_by_role("alertdialog")
    await expect(alert).to_contain_text(f"Alert: {NASTY}")
    await page.keyboard.press("Enter")
    await expect(alert).to_be_hidden()
    await page.get_by_role("button", name="Silence").click()
    await expect(page.get_by_role("button", name="Silence")).to_have_attribute("aria-busy", "true")
    await page.get_by_role("button", name="Edit").click()
    message = page.locator(".message", has_text="It was edited")
    await expect(message.locator(".meta")).not_to_contain_text("edited")  # it has buttons
    await expect(message.get_by_role("button", name="Edit")).to_be_focused()
    await expect(log(page).get_by_text("You said: /start")).to_be_hidden()


async def test_a_photo_up_and_down(page: Page) -> None:
    await begin(page)
    await choose(page, "Photo", PHOTOS / "coffee.jpg")
    await page.get_by_placeholder("Add a caption…").fill("Morning")
    await page.keyboard.press("Enter")
    answer = page.locator(".message.in", has_text="Your photo")
    await expect(answer).to_be_visible()
    await expect(page.locator(".message.out", has_text="Morning").locator("img")).to_have_count(1)
    await all_pictures_loaded(page)
    await answer.get_by_role("button", name="Your photo").click()
    viewer = page.get_by_role("dialog", name="Photo")
    await expect(viewer).to_contain_text("2 / 2 · 600 × 400")
    await page.keyboard.press("ArrowLeft")
    await expect(viewer).to_contain_text("1 / 2")
    async with page.expect_download() as download:
        await viewer.get_by_role("link", name="Download").click()
    with Image.open(await (await download.value).path()) as image:
        assert (image.format, image.size) == ("JPEG", (600, 400))
    await page.keyboard.press("Escape")
    await expect(viewer).to_be_hidden()


async def test_a_status_becomes_the_picture_in_place(page: Page) -> None:
    await begin(page)
    await say(page, "status")
    status = page.locator(".message.in", has_text="Working")
    place = await status.get_attribute("data-message")
    await status.get_by_role("button", name="Silence").click()
    done = page.locator(".message.in", has_text="Done")
    await expect(done.locator(".picture img")).to_have_count(1)
    assert await done.get_attribute("data-message") == place
    await expect(page.locator("#people-list .last")).to_have_text("Done")
    await expect(done).to_contain_text("status")  # what it replies to
    await expect(log(page).get_by_text("Working")).to_have_count(0)
    await expect(done.get_by_role("button", name="Silence")).to_be_focused()
    await all_pictures_loaded(page)


async def test_a_clip_up_and_down(page: Page, tmp_path: Path) -> None:
    """The browser plays what is sent and what comes: one waits for a press, one plays at once."""
    await begin(page)
    film = tmp_path / "film.mp4"
    film.write_bytes(make_clip((160, 120), 0.5, 10, sound=True))
    await choose(page, "Photo", film)
    await expect(page.get_by_role("heading", name="Send 1 clip")).to_be_visible()
    await expect(page.locator("#previews video")).to_have_count(1)
    await page.get_by_placeholder("Add a caption…").fill("Look")
    await page.keyboard.press("Enter")
    own = page.locator(".message.out", has_text="Look").locator("video")
    await expect(own).to_have_attribute("controls", "")
    answer = page.locator(".message.in", has_text="Your clip").locator("video")
    await expect(answer).to_have_attribute("loop", "")
    for clip, width in ((own, 160), (answer, 96)):
        await clip.evaluate(
            "v => v.readyState > 0 || new Promise((done) => { v.onloadedmetadata = done; })"
        )
        assert await clip.evaluate("v => v.videoWidth") == width
    assert await answer.evaluate("v => v.muted && !v.paused")
    await own.evaluate("v => v.play()")
    assert not await own.evaluate("v => v.paused")
    await looks_right(page)


async def test_a_voice_message_is_recorded_heard_again_and_sent(page: Page) -> None:
    await begin(page)
    await page.context.grant_permissions(["microphone"])
    attach, item = page.get_by_role("button", name="Attach"), "Voice message"
    dialog = page.get_by_role("dialog", name=item)
    await attach.click()
    await page.get_by_role("menuitem", name=item).click()
    await expect(dialog.get_by_role("timer")).to_have_text("0:01")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(page.locator(".message.out")).to_have_count(1)  # nothing but /start

    await attach.click()
    await page.get_by_role("menuitem", name=item).click()
    await expect(dialog.get_by_role("timer")).to_have_text("0:02")
    await dialog.get_by_role("button", name="Send").click()
    answer = page.locator(".message.in", has_text="bytes")
    await expect(answer).to_contain_text(re.compile(r"[2-4] s, \d{4,} bytes"))
    sound = page.locator(".message.out audio")
    await sound.evaluate(
        "a => a.readyState > 0 || new Promise((done) => { a.onloadedmetadata = done; })"
    )
    await sound.evaluate("a => a.play()")
    await expect(page.locator("#people-list .last")).to_have_text(re.compile("bytes"))
    await looks_right(page)


async def test_without_a_microphone_a_voice_message_is_a_silent_one(page: Page) -> None:
    """Nobody has allowed to use it."""
    await begin(page)
    await page.get_by_role("button", name="Attach").click()
    await page.get_by_role("menuitem", name="Voice message").click()
    await expect(page.locator(".message.out").last).to_contain_text("Voice message 0:03")
    await expect(page.locator(".message.in").last).to_contain_text("3 s, 20 bytes")


async def test_what_is_no_clip_is_said_so(page: Page, tmp_path: Path) -> None:
    await begin(page)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a clip")
    await choose(page, "Photo", broken)
    await page.get_by_role("button", name="Send", exact=True).last.click()
    await expect(page.get_by_role("alert")).to_contain_text("This is no clip")


async def test_an_album_is_one_message(page: Page) -> None:
    await begin(page)
    await choose(page, "Photo", *sorted(PHOTOS.glob("winter_*.jpg"))[:3])
    await expect(page.get_by_role("heading", name="Send 3 photos")).to_be_visible()
    await page.get_by_role("button", name="Send", exact=True).last.click()
    await expect(page.locator(".message.in", has_text="Your photo")).to_have_count(3)
    await expect(page.locator(".message.out").last.locator("img")).to_have_count(3)
    await all_pictures_loaded(page)


async def test_files(page: Page, tmp_path: Path) -> None:
    await begin(page)
    notes = tmp_path / "заметки.txt"
    notes.write_text("Untouched")
    await choose(page, "File", notes, PHOTOS / "chelsea.jpg")
    await expect(page.get_by_role("heading", name="Send 2 files")).to_be_visible()
    await page.get_by_role("button", name="Send", exact=True).last.click()
    link = page.locator(".message.in").get_by_role("link", name="Download: заметки.txt")
    async with page.expect_download() as download:
        await link.click()
    assert (await download.value).suggested_filename == "заметки.txt"
    assert (await (await download.value).path()).read_text() == "Untouched"
    await expect(page.locator(".message.in .file img")).to_have_count(1)
    await all_pictures_loaded(page)


async def test_what_cannot_be_a_photo_is_said_so(page: Page, tmp_path: Path) -> None:
    await begin(page)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    await choose(page, "Photo", broken)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text(
        "This is no picture that can be sent as a photo. Send it as a file."
    )
    await page.get_by_label("Send as files").check()
    await page.get_by_role("button", name="Send", exact=True).last.click()
    await expect(page.locator(".message.in .file")).to_contain_text("broken.jpg")


@pytest.mark.parametrize("way", ["paste", "drop"])
async def test_pictures_can_be_pasted_and_dropped(page: Page, way: str) -> None:
    await begin(page)
    await page.evaluate(
        """async ([way, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "p.png", { type: "image/png" }));
          const options = { bubbles: true, cancelable: true };
          document.body.dispatchEvent(way === "paste"
            ? new ClipboardEvent("paste", { clipboardData: data, ...options })
            : new DragEvent("drop", { dataTransfer: data, ...options }));
        }""",
        [way, list(png("teal"))],
    )
    await expect(page.get_by_role("heading", name="Send 1 photo")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.in", has_text="Your photo")).to_be_visible()


async def test_commands(page: Page) -> None:
    await begin(page)
    await page.get_by_role("button", name="Commands").click()
    await expect(page.get_by_role("option")).to_have_text(["/startBegin", "/helpHelp"])
    await page.get_by_role("option").nth(1).click()
    await expect(log(page).get_by_text("You said: /help")).to_be_visible()
    await page.get_by_role("textbox", name="Message").press_sequentially("/st")
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(log(page).get_by_text("You said: /start")).to_have_count(2)


async def test_the_bots_actions_are_shown(page: Page) -> None:
    await begin(page)
    await say(page, "think")
    await expect(page.get_by_role("status").first).to_have_text("sending a photo…")
    await say(page, "paint")
    await expect(page.get_by_role("status").first).to_have_text("bot")


async def test_neither_the_action_nor_edited_lingers_on_a_picture(page: Page) -> None:
    """Both end when the status becomes the picture, long before an action's five seconds."""
    await begin(page)
    await say(page, "status")
    status = page.locator(".message.in", has_text="Working")
    await expect(status).to_be_visible()
    await say(page, "think")
    shown = page.get_by_role("status").first
    await expect(shown).to_have_text("sending a photo…")
    await status.get_by_role("button", name="Silence").click()
    done = page.locator(".message.in", has_text="Done")
    await expect(done.locator(".picture img")).to_have_count(1)
    await expect(shown).to_have_text("bot", timeout=2000)
    await expect(done.locator(".meta")).not_to_contain_text("edited")


async def test_replies_quote(page: Page) -> None:
    await begin(page)
    message = page.locator(".message.in").first
    await message.locator(".bubble").hover()
    await message.get_by_role("button", name="Message menu").click()
    await page.get_by_role("menuitem", name="Reply").click()
    await say(page, "To this")
    await expect(page.locator(".message.out", has_text="To this")).to_contain_text(
        re.compile("Echo.*You said: /start")
    )


async def menu(page: Page, message: Locator, item: str) -> None:
    await message.locator(".bubble").hover()
    await message.get_by_role("button", name="Message menu").click()
    await page.get_by_role("menuitem", name=item).click()


async def test_own_messages_can_be_changed(page: Page) -> None:
    await begin(page)
    await say(page, "Frist")
    await expect(log(page).get_by_text("You said: Frist")).to_be_visible()
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_role("textbox", name="Message")).to_have_value("Frist")
    await say(page, "First")
    await expect(log(page).get_by_text("You changed it to: First")).to_be_visible()
    await expect(page.locator(".message.out").last).to_contain_text("edited")
    await choose(page, "Photo", PHOTOS / "coffee.jpg")
    await page.keyboard.press("Enter")
    await expect(log(page).get_by_text("Your photo")).to_be_visible()
    await menu(page, page.locator(".message.out").last, "Edit")
    await say(page, "Coffee")
    await expect(log(page).get_by_text("You changed it to: Coffee")).to_be_visible()


async def test_stickers_and_forwards(page: Page) -> None:
    await begin(page)
    await choose(page, "Sticker", PHOTOS / "chelsea.jpg")
    await expect(page.locator(".message.in .sticker img")).to_have_count(1)
    await menu(page, page.locator(".message.in", has=page.locator(".sticker")), "Forward")
    await page.get_by_role("dialog", name="Forward to").get_by_role("button", name="Alex").click()
    forwarded = page.locator(".message.out").last
    await expect(forwarded).to_contain_text("Forwarded from Echo")
    await expect(page.locator(".message.in .sticker img")).to_have_count(2)
    await all_pictures_loaded(page)


async def test_what_the_bot_offers_inline(page: Page, chat: LocalChat) -> None:
    await begin(page)
    await choose(page, "Photo", PHOTOS / "coffee.jpg")
    await page.keyboard.press("Enter")
    await expect(log(page).get_by_text("Your photo")).to_be_visible()
    field = page.get_by_role("textbox", name="Message")
    await field.fill(f"@{chat.state.bot['username']} ")
    await expect(page.get_by_role("option")).to_have_count(2)
    await expect(page.get_by_role("option").first).to_have_text("To the bot")
    await field.press("ArrowDown")
    await field.press("ArrowDown")
    await field.press("Enter")
    sent = page.locator(".message.out", has_text="via @local_bot")
    await expect(sent.locator("img")).to_have_count(1)
    await expect(field).to_have_value("")
    await field.fill(f"@{chat.state.bot['username']} hello")
    await page.get_by_role("option", name="Say it").click()
    await expect(page.locator(".message.out", has_text="hello")).to_contain_text("via @local_bot")
    await field.fill(f"@{chat.state.bot['username']} ")
    await page.get_by_role("option", name="To the bot").click()
    await expect(log(page).get_by_text("You said: /start from_inline")).to_be_visible()


async def test_a_group(page: Page, chat: LocalChat) -> None:
    await begin(page)
    async with join(chat.url, "Мария", "ru") as maria:
        await maria.say("/start")
        await page.get_by_role("button", name="Switch person").click()
        await page.get_by_role("button", name="Add a group").click()
        await page.get_by_label("Title").fill("Friends")
        await expect(page.get_by_role("checkbox", name="Мария")).to_be_checked()
        await page.keyboard.press("Enter")
        await expect(log(page).get_by_text("Alex added Echo")).to_be_visible()
        await expect(page.locator("#status")).to_have_text("Alex, Мария, Echo")
        await say(page, "Between us")
        await page.get_by_role("button", name="Commands").click()
        await page.get_by_role("option", name="/help").click()
        answer = log(page).get_by_text("You said: /help@local_bot")
        await expect(answer).to_be_visible()
        await page.get_by_label("You write as").select_option("Мария")
        await say(page, "@local_bot hello")
        await expect(log(page).get_by_text("You said: @local_bot hello")).to_be_visible()
        await expect(page.locator(".message.in", has_text="Between us")).to_contain_text("Alex")
        await expect(page.locator(".message.out")).to_have_count(1)
        await page.reload()
        await expect(page.locator(".message.out")).to_have_text(re.compile("@local_bot hello"))
        await page.get_by_role("button", name="More").click()
        await page.get_by_role("menuitem", name="Remove the bot from the group").click()
        await page.get_by_role("button", name="Bring the bot back").click()
        await expect(page.get_by_role("textbox", name="Message")).to_be_visible()


async def test_the_inspector_shows_requests_and_answers(page: Page, chat: LocalChat) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await begin(page)
    await say(page, "paint")
    await expect(page.locator(".message.in img")).to_have_count(1)
    await page.get_by_role("button", name="Bot API requests").click()
    inspector = page.get_by_role("complementary", name="Bot API requests")
    rows = inspector.locator("#calls > li").filter(visible=True)
    await expect(rows.filter(has_text="sendPhoto")).to_have_count(1)
    await inspector.get_by_role("searchbox").fill("sendphoto")
    await expect(rows).to_have_count(1)
    await rows.locator("summary").click()
    await expect(rows).to_contain_text("navy.png")
    await expect(rows).to_contain_text('"file_unique_id"')
    await rows.get_by_role("button", name="Copy as curl").click()
    command = await page.evaluate("navigator.clipboard.readText()")
    assert command.startswith(f'curl "{chat.url}/bot$BOT_TOKEN/sendPhoto"')
    assert "=@navy.png'" in command
    assert chat.token not in await inspector.inner_html() + command
    await inspector.get_by_role("searchbox").fill("")
    await inspector.get_by_label("This chat only").check()
    await expect(rows.filter(has_text="setMyCommands")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(inspector).to_be_hidden()


async def test_the_language_and_the_theme_can_be_switched(page: Page, chat: LocalChat) -> None:
    await begin(page)
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name="Dark theme").click()
    background = "getComputedStyle(document.body).backgroundColor"
    assert await page.evaluate(background) == "rgb(23, 33, 43)"
    await page.get_by_role("button", name="More").click()
    await page.locator("#switch-language").click()
    await page.get_by_role("menuitemradio", name="Русский").click()
    await expect(page.get_by_role("textbox", name="Сообщение")).to_be_visible()
    assert [person.language_code for person in chat.state.people.values()] == ["ru"]
    assert await page.evaluate(background) == "rgb(23, 33, 43)"
    await page.get_by_role("button", name="Ещё").click()
    await expect(page.get_by_role("menuitem", name="Светлая тема")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_to_improve(
    chromium: Browser, chat: LocalChat, theme: Literal["light", "dark"]
) -> None:
    async with opened(chromium, chat) as page:
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        await begin(page)
        await choose(page, "Photo", *sorted(PHOTOS.glob("winter_*.jpg"))[:2])
        await page.get_by_role("button", name="Send", exact=True).last.click()
        await expect(log(page).get_by_text("Your photo")).to_have_count(2)
        await say(page, "status")
        await expect(log(page).get_by_text("Working")).to_be_visible()
        await looks_right(page)
        await page.get_by_role("button", name="Commands").click()
        await looks_right(page)
        await page.get_by_role("button", name="Bot API requests").click()
        await page.locator("#calls summary", has_text="sendMessage").last.click()
        await looks_right(page)
        await page.get_by_role("button", name="Close").click()
        await page.get_by_role("button", name="Switch person").click()
        await looks_right(page)
        await page.get_by_role("button", name="Add a group").click()
        await looks_right(page)


async def looks_right(page: Page) -> None:
    found = await Axe().run(page)
    wrong = [
        (violation["id"], node["html"][:150], node["failureSummary"][:300])
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]
    assert not wrong


async def test_a_reload_keeps_the_history(page: Page) -> None:
    await begin(page)
    await say(page, "Remember me")
    await say(page, "paint")
    await expect(page.locator(".message.in img")).to_have_count(1)
    before = await page.locator(".bubble").all_inner_texts()
    await page.reload()
    await expect(page.locator(".message.in img")).to_have_count(1)
    assert await page.locator(".bubble").all_inner_texts() == before
    await all_pictures_loaded(page)
    at_the_end = "s => s.scrollHeight - s.scrollTop - s.clientHeight < 2"
    assert await page.locator("#scroller").evaluate(at_the_end)


async def test_two_people_have_a_chat_each(page: Page, chat: LocalChat) -> None:
    await begin(page)
    await say(page, "I am Alex")
    await page.get_by_role("button", name="Switch person").click()
    await page.get_by_role("button", name="Add a person").click()
    await page.get_by_label("Name").fill("Мария")
    await page.get_by_label("Telegram language").select_option("ru")
    await page.keyboard.press("Enter")
    await begin(page)
    await expect(page.locator(".message.out", has_text="I am Alex")).to_be_hidden()
    assert [p.language_code for p in chat.state.people.values()] == ["en", "ru"]
    await page.get_by_role("button", name="Switch person").click()
    await page.get_by_role("listitem").get_by_role("button", name=re.compile("Alex")).click()
    await expect(page.locator(".message.out", has_text="I am Alex")).to_be_visible()


async def test_a_blocked_bot(page: Page, chat: LocalChat) -> None:
    await begin(page)
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name="Block the bot").click()
    await expect(page.get_by_role("textbox", name="Message")).to_be_hidden()
    assert [person.blocked for person in chat.state.people.values()] == [True]
    await page.get_by_role("button", name="Unblock the bot").click()
    await say(page, "Back")
    await expect(log(page).get_by_text("You said: Back")).to_be_visible()


async def test_reading_old_messages_is_not_disturbed(page: Page) -> None:
    await begin(page)
    for number in range(8):
        await say(page, f"Line {number}")
        await expect(log(page).get_by_text(f"You said: Line {number}")).to_be_attached()
    scroller = page.locator("#scroller")
    await scroller.evaluate("s => { s.scrollTop = 0; }")
    button = page.get_by_role("button", name="To the newest message")
    await expect(button).to_be_visible()
    await page.locator(".message.in").first.get_by_role("button", name="Edit").click()
    await expect(log(page).get_by_text("It was edited")).to_be_visible()
    assert await scroller.evaluate("s => s.scrollTop") == 0
    await button.click()
    await expect(button).to_be_hidden()


async def test_the_page_comes_back_when_the_server_does(chromium: Browser) -> None:
    server = await start_chat()
    async with opened(chromium, server) as page:
        await expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
        await server.close()
        await expect(page.get_by_role("status").first).to_have_text("connecting…")
        again = await start_chat(port=int(server.url.rpartition(":")[2]))
        await expect(page.get_by_role("status").first).to_have_text("bot", timeout=15_000)
        await page.get_by_role("button", name="Start", exact=True).click()
        await expect(page.locator(".message.out")).to_have_count(1)
        (person,) = again.state.people.values()
        assert [message["text"] for message in person.messages.values()] == ["/start"]
    await again.close()


async def test_the_page_speaks_russian(chromium: Browser, chat: LocalChat) -> None:
    async with opened(chromium, chat, "ru-RU") as page:
        await expect(page.get_by_role("button", name="Начать", exact=True)).to_be_visible()
        (person,) = chat.state.people.values()
        assert (person.first_name, person.language_code) == ("Саша", "ru")


async def test_the_page_has_the_same_words_in_every_language(page: Page) -> None:
    shape = """async () => {
        const { LANGUAGES } = await import("/page/words.js");
        const shapeOf = (value) => {
            if (Array.isArray(value)) return value.map(shapeOf);
            if (typeof value === "object") {
                const entries = Object.entries(value).map(([key, part]) => [key, shapeOf(part)]);
                return Object.fromEntries(entries);
            }
            if (typeof value === "function") return [1, 2, 5].map((n) => typeof value(n, "b"));
            return value ? typeof value : "missing";
        };
        const shapes = Object.keys(LANGUAGES).map(async (tag) => {
            const { default: words } = await import(`/page/words/${tag.slice(0, 2)}.js`);
            return [tag, { ...shapeOf(words), problems: words.problems.map(([part]) => part) }];
        });
        return Object.fromEntries(await Promise.all(shapes));
    }"""
    shapes = await page.evaluate(shape)
    assert [language_of(tag) for tag in shapes] == list(NAMES)
    for language, words in shapes.items():
        assert words == shapes["en"], language
        assert "missing" not in str(words)


async def test_persian_runs_from_right_to_left(chromium: Browser, chat: LocalChat) -> None:
    async with opened(chromium, chat, "fa-IR") as page:
        await page.get_by_role("button", name="شروع", exact=True).click()
        own = page.locator(".message.out .bubble")
        await expect(own).to_be_visible()
        box = await own.bounding_box()
        assert box is not None
        assert box["x"] < 100  # what they write stands on the left
        await page.get_by_role("button", name="بیشتر").click()
        await page.locator("#switch-language").click()
        menu = page.locator("#language-menu")
        await expect(menu.get_by_role("menuitemradio", name="فارسی")).to_be_checked()
        box = await menu.bounding_box()
        assert box is not None
        assert 0 <= box["x"] < 60
        await looks_right(page)


async def test_a_keyboard_is_enough(page: Page) -> None:
    await page.get_by_role("button", name="Start", exact=True).focus()
    await page.keyboard.press("Enter")
    await expect(log(page).get_by_text("You said: /start")).to_be_visible()
    await page.get_by_role("button", name="Silence").focus()
    for name in ("Commands", "Attach", "Message", "Send"):
        await page.keyboard.press("Tab")
        await expect(page.locator(":focus")).to_have_attribute("aria-label", name)
