"""What people write, are called and send never gets into the log, whatever goes wrong."""

import asyncio
import sqlite3
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from local_chat.client import join
from store import open_store
from tests.conftest import UNHURRIED, start_chat
from tests.test_reliability import running

MARK = "Mamihlapinatapai"
# What another version, or somebody with the file in their hands, may have written.
OF_ANOTHER_VERSION = f"""
INSERT INTO users VALUES (71, '{{"mode": "{MARK}", "own_styles": {{"{MARK}": ["{MARK}"]}}}}');
INSERT INTO jobs (id, user_id, job, accepted, ready) VALUES ('7', 7, '{{"photo": "{MARK}"}}', 0, 0);
"""
ANN = {"id": 71, "is_bot": False, "first_name": MARK, "last_name": MARK, "username": MARK}
CHAT = {"id": 71, "type": "private", "first_name": MARK}
UPDATES: list[tuple[str, Any]] = [
    ("news", {"title": MARK, "from": ANN}),
    ("message", {"text": MARK}),
    ("message", {"text": MARK, "message_id": 1, "date": MARK, "chat": {"id": 71, "title": MARK}}),
    ("message", {"message_id": MARK, "from": {"id": 71, "first_name": [MARK]}}),
    ("message", {"message_id": 1, "date": 0, "chat": CHAT, "from": ANN, "text": MARK}),
    ("message", {"message_id": 2, "date": 0, "chat": CHAT, "from": ANN, "news": {"text": MARK}}),
    ("callback_query", {"id": MARK, "data": MARK, "from": {"id": MARK}}),
    ("callback_query", {"id": MARK, "data": f"{MARK}@", "from": ANN, "chat_instance": MARK}),
    ("inline_query", {"id": "1", "query": {"text": f"\n{MARK}"}, "from": {"id": 71}}),
    ("edited_message", MARK),
    (MARK, MARK),
]
# The first photo's handler fails over what it is given, as it would over an unforeseen content.
TROUBLE = f"""
{UNHURRIED}
import handlers.turn, users
submit = handlers.turn.submit
async def fails(*_):
    handlers.turn.submit = submit
    from aiogram.types import User
    User.model_validate({{"id": "{MARK}", "first_name": ["{MARK}, input_type="]}})
handlers.turn.submit = fails
"""


def marked_photo() -> bytes:
    data = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = MARK  # description and artist
    Image.new("RGB", (200, 160), "red").save(data, "JPEG", exif=exif, comment=MARK.encode())
    return data.getvalue()


async def test_what_people_write_is_never_logged(tmp_path: Path, capfd: Any) -> None:
    """A real process at its most talkative, through handlers, errors and what it cannot read."""
    chat = await start_chat()
    await (await open_store(None, tmp_path)).close()
    with closing(sqlite3.connect(tmp_path / "paintbox.sqlite3")) as file:
        file.executescript(OF_ANOTHER_VERSION)
    photo = marked_photo()
    environment = {"LOG_LEVEL": "DEBUG", "DATA_DIR": str(tmp_path)}
    async with (
        join(chat.url, MARK, "en") as ann,
        running(chat, code=TROUBLE, **environment) as process,
    ):
        await ann.say(f"/start {MARK}")
        await ann.press(await ann.next_message(60), "❄️ Summer to winter")
        await ann.next_message()
        await ann.send_photo(photo, caption=MARK)  # its handler fails
        await ann.next_message()
        await ann.send_photo(photo, photo, caption=MARK)
        await ann.send_document(photo, f"{MARK}.jpg", caption=f"starry {MARK}")
        await ann.send_document(MARK.encode(), f"{MARK}.jpg", caption=MARK)
        chat.fail_next("sendMessage", 400, chat_id=ann.id)
        await ann.say(MARK)
        await ann.send_other("contact", phone_number="1", first_name=MARK)
        await ann.ask_inline(MARK)
        chat.state.updates.allowed = []
        for kind, body in UPDATES:
            chat.state.updates.add(kind, body, 71)
        await ann.say("/forget")
        await ann.wait_for(lambda message: "erased" in message.text, 60)
        await asyncio.sleep(1)
        process.terminate()
        await process.wait()
    await chat.close()
    told = capfd.readouterr().err
    for words in ("is of an unknown kind", "input_value=<hidden>", "another version", " failed"):
        assert words in told
    lines = [line for line in told.splitlines() if MARK in line]
    assert lines == []
    assert not [file_id for file_id in chat.state.files if file_id in told]
