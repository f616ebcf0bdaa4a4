"""What a bot says of itself, and what it may know of a chat."""

import re
from typing import Any

from local_chat.api_error import bad_request
from local_chat.bot_api.chats import chat_of
from local_chat.formatting import utf16_length
from local_chat.state import State

Json = dict[str, Any]


async def get_chat(state: State, chat_id: str = "") -> Json:
    return {
        **chat_of(state, chat_id).chat(),
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        ),
    }


async def set_my_commands(
    state: State, commands: list[Json], scope: Json | None = None, language_code: str = ""
) -> bool:
    if len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command", "")).lstrip("/")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", "")).strip()) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    kept = [
        {"command": str(c["command"]).lstrip("/"), "description": str(c["description"]).strip()}
        for c in commands
    ]
    state.commands[_scope(scope), _language(language_code)] = kept
    state.publish("profile")
    return True


async def get_my_commands(
    state: State, scope: Json | None = None, language_code: str = ""
) -> list[Json]:
    return state.commands.get((_scope(scope), _language(language_code)), [])


async def delete_my_commands(
    state: State, scope: Json | None = None, language_code: str = ""
) -> bool:
    state.commands.pop((_scope(scope), _language(language_code)), None)
    state.publish("profile")
    return True


async def set_my_name(state: State, name: str = "", language_code: str = "") -> bool:
    return _set_text(state, "name", name, 64, language_code)


async def get_my_name(state: State, language_code: str = "") -> Json:
    name = state.text("name", language_code)
    return {"name": name or state.bot["first_name"]}


async def set_my_description(state: State, description: str = "", language_code: str = "") -> bool:
    return _set_text(state, "description", description, 512, language_code)


async def get_my_description(state: State, language_code: str = "") -> Json:
    return {"description": state.text("description", language_code)}


async def set_my_short_description(
    state: State, short_description: str = "", language_code: str = ""
) -> bool:
    return _set_text(state, "short_description", short_description, 120, language_code)


async def get_my_short_description(state: State, language_code: str = "") -> Json:
    return {"short_description": state.text("short_description", language_code)}


async def set_chat_menu_button(
    state: State, chat_id: int = 0, menu_button: Json | None = None
) -> bool:
    button = menu_button or {"type": "default"}
    if button.get("type") not in ("default", "commands", "web_app"):
        raise bad_request("MenuButton has unsupported type")
    state.menu_buttons[chat_id] = button
    return True


async def get_chat_menu_button(state: State, chat_id: int = 0) -> Json:
    everyone = state.menu_buttons.get(0, {"type": "default"})
    return state.menu_buttons.get(chat_id, everyone)


def _set_text(state: State, kind: str, text: str, longest: int, language_code: str) -> bool:
    if utf16_length(text) > longest:
        raise bad_request(f"{kind.replace('_', ' ')} is too long")
    state.texts[kind, _language(language_code)] = text
    state.publish("profile")
    return True


def _scope(scope: Json | None) -> str:
    """A name for the scope: its type, and whom it is for."""
    scope = scope or {}
    return (
        " ".join(str(scope[key]) for key in ("type", "chat_id", "user_id") if key in scope)
        or "default"
    )


def _language(code: str) -> str:
    if not re.fullmatch(r"([a-z]{2})?", code):
        raise bad_request("invalid language code specified")
    return code
