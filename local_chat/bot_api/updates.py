"""Who the bot is, and how it gets its updates."""

import re
from typing import Any
from urllib.parse import urlsplit

from local_chat.api_error import bad_request
from local_chat.state import State
from local_chat.updates import Webhook

Json = dict[str, Any]

WEBHOOK_PORTS = {None, 80, 88, 443, 8443}


async def get_me(state: State) -> Json:
    return {
        **state.bot,
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": True,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


async def get_updates(
    state: State,
    offset: int = 0,
    limit: int = 100,
    timeout: int = 0,  # noqa: ASYNC109 the Bot API's name
    allowed_updates: list[str] | None = None,
) -> list[Json]:
    if allowed_updates is not None:
        state.updates.allowed = allowed_updates
    return await state.updates.get(offset, min(max(limit, 1), 100), min(timeout, 50))


async def set_webhook(
    state: State,
    url: str = "",
    secret_token: str = "",
    max_connections: int = 40,
    allowed_updates: list[str] | None = None,
    drop_pending_updates: bool = False,
) -> bool:
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret_token):
        raise bad_request("secret token contains unallowed characters")
    if url and not (urlsplit(url).scheme == "https" or _is_loopback(url)):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if url and not _is_loopback(url) and urlsplit(url).port not in WEBHOOK_PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    if not 1 <= max_connections <= 100:
        raise bad_request("max_connections must be between 1 and 100")
    if drop_pending_updates:
        state.updates.clear()
    if allowed_updates is not None:
        state.updates.allowed = allowed_updates
    webhook = Webhook(url, secret_token, max_connections) if url else None
    await state.updates.set_webhook(webhook)
    return True


async def delete_webhook(state: State, drop_pending_updates: bool = False) -> bool:
    return await set_webhook(state, drop_pending_updates=drop_pending_updates)


async def get_webhook_info(state: State) -> Json:
    updates = state.updates
    webhook = updates.webhook
    info: Json = {
        "url": webhook.url if webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(updates.pending),
    }
    if webhook is not None:
        info["max_connections"] = webhook.max_connections
        if webhook.last_error_date is not None:
            info["last_error_date"] = webhook.last_error_date
            info["last_error_message"] = webhook.last_error_message
    if updates.allowed:
        info["allowed_updates"] = updates.allowed
    return info


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
