"""The web application: routes, who may call, and how results and refusals are answered.

    chat = await start(port=8080)
    print(chat.url, chat.token)  # point a bot's Bot API address here, open the address in a browser
    await chat.close()

Every request must name this server as its host, and one that a browser sends must come from the
page itself, so no other website can reach the chat, whatever its name resolves to.
"""

import ipaddress
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from aiohttp import ClientResponse, web

from local_chat.api_error import ApiError
from local_chat.bot_api import BotApi, Check
from local_chat.bot_calls import BotCalls
from local_chat.chat_api import ChatApi
from local_chat.requests import MAX_REQUEST_BYTES
from local_chat.state import Failure, State
from local_chat.updates import Updates

PAGE = Path(__file__).parent / "page"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob: data:; media-src 'self' blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Json = dict[str, Any]


@dataclass
class LocalChat:
    """A running server. `url` is where the page is and what a bot takes for Telegram's address."""

    url: str
    token: str
    state: State
    checks: list[Check]  # see `BotApi`
    _runner: web.AppRunner

    def fail_next(
        self,
        method: str,
        error: int | Literal["drop", "drop_after", "hang"],
        *,
        retry_after: int | None = None,
        times: int = 1,
        chat_id: int | None = None,
        body: str | None = None,
    ) -> None:
        """Lets the next calls of a method (`*`: of any) go wrong; see `state.Failure`."""
        self.state.failures.append(Failure(method, error, retry_after, times, chat_id, body))

    def repeat_last_update(self) -> None:
        """Delivers the newest update once more under the same `update_id`."""
        self.state.updates.repeat_last()

    async def close(self) -> None:
        await self._runner.cleanup()


async def start(
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    token: str | None = None,
    bot_name: str = "Local bot",
    bot_username: str = "local_bot",
    first_webhook_pause_s: float = 1.0,
    checks: Sequence[Check] = (),
) -> LocalChat:
    """Serves on a loopback address; port 0 takes a free one. Without a token, makes one up.

    What a bot asks for has to pass the `checks` besides the server's own rules; see `BotApi`.
    Raises `ValueError` for an address that others can reach and `OSError` for a port in use.
    """
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"{host} can be reached from other machines")
    token = token or f"{secrets.randbelow(9 * 10**8) + 10**8}:{secrets.token_urlsafe(26)}"
    bot_id = int(token.partition(":")[0])
    bot = {"id": bot_id, "is_bot": True, "first_name": bot_name, "username": bot_username}

    async def on_reply(response: ClientResponse) -> None:
        await calls.run_reply(response)

    def on_delivery(update: Json, status: int, seconds: float) -> None:
        state.record_call(_delivery(update, status, seconds))

    state = State(bot, Updates(on_reply, on_delivery, first_webhook_pause_s))
    kept_checks = [*checks]
    calls = BotCalls(state, BotApi(state, kept_checks), token)
    runner = web.AppRunner(_application(state, calls), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    bound = runner.addresses[0][1]
    name = f"[{host}]" if ":" in host else host
    return LocalChat(f"http://{name}:{bound}", token, state, kept_checks, runner)


def _delivery(update: Json, status: int, seconds: float) -> Json:
    """A call of the bot's webhook, as the inspector shows it."""
    return {
        "at": time.time(),
        "ms": round(1000 * seconds, 1),
        "method": "webhook",
        "parameters": update,
        "files": [],
        "status": status,
        "answer": {"ok": 200 <= status < 300},
    }


def _application(state: State, calls: BotCalls) -> web.Application:
    app = web.Application(middlewares=[_guard], client_max_size=MAX_REQUEST_BYTES)
    app.add_routes(ChatApi(state).routes())
    app.add_routes(calls.routes())
    app.router.add_get("/", _page)
    app.router.add_static("/page", PAGE)

    async def on_shutdown(_: web.Application) -> None:
        await state.updates.close()
        for queue in state.listeners | state.call_listeners:
            queue.put_nowait(None)

    app.on_shutdown.append(on_shutdown)
    return app


async def _page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns other websites away and answers refusals of the chat API as JSON."""
    if not _is_own_host(request.host) or not _is_own_site(request):
        return web.json_response({"error": "this server only talks to this machine"}, status=403)
    try:
        response = await handler(request)
    except ApiError as error:
        response = web.json_response({"error": error.description}, status=error.code)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = web.json_response({"error": error.reason}, status=error.status)
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


def _is_own_host(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_own_site(request: web.Request) -> bool:
    """Whether a browser's request comes from the page; programs send neither of these headers."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    opens_the_page = request.method == "GET" and request.path == "/"
    if site not in ("same-origin", "none") and not opens_the_page:
        return False
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        return False
    # A form of another website could send these without the browser asking first.
    posts_to_page = request.method == "POST" and request.path.startswith("/chat/")
    return not posts_to_page or request.content_type in ("application/json", "multipart/form-data")
