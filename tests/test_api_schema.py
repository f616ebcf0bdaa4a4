"""The local Bot API beside the published one, and the check that all tests run under."""

import inspect
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiogram
import pytest
from aiohttp import ClientSession, FormData

from local_chat.bot_api import BotApi, Uploads
from local_chat.client import join
from local_chat.server import LocalChat
from local_chat.state import State
from local_chat.updates import Updates
from tests import bot_api_schema
from tests.bot_api_schema import METHODS, SCHEMA
from tests.conftest import start_chat

BUTTON = {"text": "Go", "callback_data": "go"}


@pytest.fixture
async def chat() -> AsyncIterator[LocalChat]:
    server = await start_chat()
    yield server
    await server.close()


def test_every_test_checks_what_bots_send() -> None:
    """By tests/conftest.py; test_local_chat.py also tries what `start` itself refuses."""
    for path in Path(__file__).parent.glob("*.py"):
        if path.name not in ("conftest.py", "test_local_chat.py"):
            assert not re.search(r"local_chat\.server import .*\bstart\b", path.read_text("utf-8"))


def test_the_schema_is_of_the_version_that_aiogram_speaks() -> None:
    assert SCHEMA["bot_api"] == aiogram.__api_version__, "make api-schema"


def test_the_server_knows_published_methods_and_parameters_only() -> None:
    async def on_reply(_: Any) -> None: ...

    known = BotApi(State({}, Updates(on_reply))).methods
    assert set(known) == {name.lower() for name in METHODS}, "make api-schema"
    for name, schema in METHODS.items():
        signature = inspect.signature(known[name.lower()]).parameters.values()
        parameters = {p.name for p in signature if p.annotation is not Uploads}
        assert parameters <= set(schema.get("properties", {})), name


@pytest.mark.parametrize(
    ("method", "parameters", "reason"),
    [
        ("sendMessage", {"text": "x", "colour": "red"}, "'colour' was unexpected"),
        ("sendMessage", {"text": 5}, "5 is not of type 'string' at $.text"),
        (
            "sendMessage",
            {"text": "x", "reply_markup": {"inline_keyboard": [BUTTON]}},
            "$.reply_markup",
        ),
        (
            "sendMessage",
            {"text": "x", "reply_markup": {"inline_keyboard": [[{**BUTTON, "icon": "x"}]]}},
            "$.reply_markup",
        ),
        ("sendPhoto", {"photo": "x", "file_name": "x"}, "'file_name' was unexpected"),
        ("sendMediaGroup", {"media": [{"type": "photo"}]}, "$.media[0]"),
        ("editMessageMedia", {"media": {"type": "photo", "media": "x", "text": "x"}}, "$.media"),
        ("sendChatAction", {"action": "paint"}, "'paint' is not one of"),
        ("getMe", {"chat_id": 5}, "unexpected"),
    ],
)
async def test_unknown_fields_and_wrong_types_are_refused(
    chat: LocalChat, method: str, parameters: dict[str, Any], reason: str
) -> None:
    async with join(chat.url) as person:
        await person.say("/start")
        url = f"{chat.url}/bot{chat.token}/{method}"
        addressed = {} if method == "getMe" else {"chat_id": person.id}
        async with person.session.post(url, json={**addressed, **parameters}) as response:
            answer = await response.json()
    assert answer["error_code"] == 400
    assert "not in the published Bot API" in answer["description"]
    (violation,) = bot_api_schema.violations
    bot_api_schema.violations.clear()
    assert reason in violation


async def test_a_file_that_no_parameter_names_is_refused(chat: LocalChat) -> None:
    form = FormData({"chat_id": "5", "photo": "attach://other"})
    form.add_field("picture", b"x", filename="x.png")
    async with (
        ClientSession() as session,
        session.post(f"{chat.url}/bot{chat.token}/sendPhoto", data=form) as response,
    ):
        assert "picture" in (await response.json())["description"]
    bot_api_schema.violations.clear()
