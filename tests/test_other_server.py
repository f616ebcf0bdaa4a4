"""The real bot against a Bot API server by others: lo-bot-api-emulator 0.3.6.

That server judges requests (methods, fields, lengths, keyboards, uploads) and plays a queue of
updates; it keeps no chats. Where it knows less than Telegram, `Emulator` stands between: it lacks
`editMessageMedia`, which it is made to judge as the sending of the same picture; the methods of the
bot's descriptions; `link_preview_options`, `quote_parse_mode` and captions on more than the first
picture of an album, which are taken away before it judges.
"""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from lo_bot_api_emulator import ApiRefusal, LoBotApiEmulator  # type: ignore[import-untyped]
from lo_bot_api_emulator.journal import verdict  # type: ignore[import-untyped]
from PIL import Image

from tests.conftest import PHOTOS, running_bot

Json = dict[str, Any]

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "1234567:synthetic-token-of-the-tests-000000"
BUTTONS = 12  # with different words: the menus, the presets, some of those under a result
ADDED: dict[str, Any] = {
    "getMyDescription": {"description": ""},
    "getMyShortDescription": {"short_description": ""},
    "setMyDescription": True,
    "setMyShortDescription": True,
}


@dataclass(frozen=True)
class Call:
    """A request of the bot that the emulator took, and its answer."""

    method: str
    fields: Json
    result: Any


class Emulator(LoBotApiEmulator):  # type: ignore[misc]
    """Remembers what it took and what it refused."""

    def __init__(self, journal: Path) -> None:
        super().__init__(journal=journal)
        self.calls: list[Call] = []
        self.refusals: list[str] = []
        self.news = asyncio.Event()

    def validate(self, method: str, fields: Json, uploads: Json) -> Any:
        try:
            result = self._judged(method, fields, uploads)
        except ApiRefusal as refusal:
            self.refusals.append(f"{method}: {refusal.description}")
            raise
        finally:
            self.news.set()
        self.calls.append(Call(method, fields, result))
        return result

    def _judged(self, method: str, fields: Json, uploads: Json) -> Any:
        if method in ADDED:
            return ADDED[method]
        fields = {key: _known(key, value) for key, value in fields.items()}
        fields.pop("link_preview_options", None)
        if method != "editMessageMedia":
            return super().validate(method, fields, uploads)
        media = json.loads(fields["media"])
        kind = media.pop("type")
        sent = {key: value for key, value in fields.items() if key not in ("media", "message_id")}
        sent |= {kind: media.pop("media")} | media
        message = super().validate(f"send{kind.title()}", sent, uploads)
        return message | {"message_id": int(fields["message_id"])}

    async def said(
        self, *methods: str, after: int = 0, besides: Call | None = None, timeout_s: float = 30
    ) -> Call:
        """The first call of one of these methods after so many calls, which does not change the
        message that came `besides`.
        """
        message_id = besides and besides.result["message_id"]
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    assert not self.refusals
                    for call in self.calls[after:]:
                        if call.method not in methods:
                            continue
                        if besides is None or call.result["message_id"] != message_id:
                            return call
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            made = [call.method for call in self.calls[after:]]
            raise TimeoutError(f"waited {timeout_s} s for {methods}, there came {made}") from None


def _known(field: str, value: Any) -> Any:
    """A parameter without what only Telegram knows."""
    if field == "reply_parameters":
        reply = json.loads(value)
        reply.pop("quote_parse_mode", None)
        return json.dumps(reply)
    if field == "media" and value.startswith("["):
        first, *rest = json.loads(value)
        return json.dumps([first, *({"type": m["type"], "media": m["media"]} for m in rest)])
    return value


def buttons(call: Call) -> dict[str, str]:
    """What the buttons under a message say, and their callback data."""
    rows = json.loads(call.fields.get("reply_markup", "{}")).get("inline_keyboard", [])
    return {b["text"]: b["callback_data"] for row in rows for b in row if "callback_data" in b}


@dataclass
class Person:
    """Writes to the bot and presses its buttons."""

    emulator: Emulator
    id: int
    first_name: str
    language_code: str
    ids: Any = field(default_factory=lambda: count(1000))

    def message(self, **content: Any) -> Json:
        user = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        chat = {"id": self.id, "type": "private", "first_name": self.first_name}
        user["language_code"] = self.language_code
        return {"message_id": next(self.ids), "from": user, "chat": chat, "date": 1, **content}

    async def send(self, message: Json) -> int:
        """Returns how many calls the bot had made before."""
        before = len(self.emulator.calls)
        await self.emulator.enqueue_update({"message": message}, token=TOKEN)
        return before

    async def press(self, call: Call, text: str, answered: Json) -> int:
        """Presses a button under a message that answers another."""
        (data,) = [data for name, data in buttons(call).items() if text in name]
        before = len(self.emulator.calls)
        bot = {"id": 7, "is_bot": True, "first_name": "Fixture"}
        message = {**call.result, "from": bot, "chat": answered["chat"]}
        query = {
            "id": str(next(self.ids)),
            "from": answered["from"],
            "chat_instance": "1",
            "data": data,
            "message": {**message, "reply_to_message": answered},
        }
        await self.emulator.enqueue_update({"callback_query": query}, token=TOKEN)
        return before

    def sees(self) -> list[Call]:
        calls = [c for c in self.emulator.calls if c.fields.get("chat_id") == str(self.id)]
        return [call for call in calls if isinstance(call.result, dict)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def emulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    emulator = Emulator(folder / "journal.jsonl")
    runner = web.AppRunner(emulator.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        settings = {"TELEGRAM_API_URL": url, "DATA_DIR": str(folder), "SHUTDOWN_SECONDS": "3"}
        async with running_bot(BOT_TOKEN=TOKEN, **settings):
            await emulator.said("setMyCommands")
            yield emulator
    finally:
        await runner.cleanup()


def photo_of(emulator: Emulator) -> Json:
    """A photo that Telegram has."""
    data = io.BytesIO()
    with Image.open(PHOTOS / "summer_rice_fields.jpg") as image:
        image.resize((320, 240)).save(data, "JPEG")
    emulator.assets["photo-of-ann"] = {"data": data.getvalue(), "size": data.tell()}
    size = {"file_id": "photo-of-ann", "file_unique_id": "p", "width": 320, "height": 240}
    return {"photo": [size | {"file_size": data.tell()}]}


async def test_the_conversation(emulator: Emulator) -> None:
    ann = Person(emulator, 77, "Ann", "en")
    command = {"type": "bot_command", "offset": 0, "length": 6}
    before = await ann.send(ann.message(text="/start", entities=[command]))
    greeting = await emulator.said("sendPhoto", after=before)
    assert "Ann" in greeting.fields["caption"]

    photo = ann.message(**photo_of(emulator))
    before = await ann.send(photo)
    question = await emulator.said("sendMessage", after=before)
    before = await ann.press(question, "❄️", photo)
    await emulator.said("answerCallbackQuery", after=before)
    # The question itself turns into a sheet of styles.
    result = await emulator.said("editMessageMedia", after=before, besides=question)
    (file_id,) = [size["file_id"] for size in result.result["photo"]]
    with Image.open(io.BytesIO(emulator.assets[file_id]["data"])) as winter:
        assert winter.size == (320, 240)

    for text in ("/help", "/language", "hello"):
        before = await ann.send(ann.message(text=text))
        assert (await emulator.said("sendMessage", after=before)).fields["text"]
    judged = verdict(emulator.journal, require_response=True, require_methods=["getFile"])
    assert judged["ok"], judged


async def test_the_buttons_that_come_up(emulator: Emulator) -> None:
    """Presses each once, in Russian, whose words are longer."""
    anna = Person(emulator, 78, "Анна", "ru")
    photo = anna.message(**photo_of(emulator))
    await anna.send(anna.message(text="/start"))
    before = await anna.send(photo)
    await emulator.said("sendMessage", after=before)
    pressed: set[str] = set()
    async with asyncio.timeout(60):
        while len(pressed) < BUTTONS:
            new = [(call, text) for call in anna.sees() for text in {*buttons(call)} - pressed]
            if not new:
                await asyncio.sleep(0.1)  # a picture is on its way, with more of them
                continue
            call, text = new[0]
            pressed.add(text)
            before = await anna.press(call, text, photo)
            await emulator.said("answerCallbackQuery", after=before)
    judged = verdict(emulator.journal, require_methods=["sendMessage", "sendMediaGroup"])
    assert judged["ok"], judged
