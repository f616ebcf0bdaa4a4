"""The web application: routes, who may call, and how results and refusals are answered.

    chat = await start(port=8080)
    print(chat.url, chat.token)  # point a bot's Bot API address here, open the address in a browser
    await chat.close()

Every request must name this server as its host, and one that a browser sends must come from the
page itself, so no other website can reach the chat, whatever its name resolves to.
"""

import asyncio
import ipaddress
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from aiohttp import ClientResponse, web

from local_chat.api_error import ApiError
from local_chat.bot_api import BotApi, Check, Uploads
from local_chat.chat_api import ChatApi
from local_chat.requests import MAX_REQUEST_BYTES, Upload, read_answer, read_form
from local_chat.state import Failure, State
from local_chat.updates import Updates

logger = logging.getLogger(__name__)

PAGE = Path(__file__).parent / "page"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
NO_UPDATES = json.dumps({"ok": True, "result": []})
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
    ) -> None:
        """Lets the next calls of a method (`*`: of any) go wrong; see `state.Failure`."""
        self.state.failures.append(Failure(method, error, retry_after, times, chat_id))

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
        await _run_reply(state, bot_api, response)

    def on_delivery(update: Json, status: int, seconds: float) -> None:
        state.record_call(
            {
                "at": time.time(),
                "ms": round(1000 * seconds, 1),
                "method": "webhook",
                "parameters": update,
                "files": [],
                "status": status,
                "answer": {"ok": 200 <= status < 300},
            }
        )

    state = State(bot, Updates(on_reply, on_delivery, first_webhook_pause_s))
    kept_checks = [*checks]
    bot_api = BotApi(state, kept_checks)
    app = web.Application(middlewares=[_guard], client_max_size=MAX_REQUEST_BYTES)
    app.add_routes(ChatApi(state).routes())
    app.add_routes(_bot_routes(state, bot_api, token))
    app.router.add_get("/", _page)
    app.router.add_static("/page", PAGE)

    async def on_shutdown(_: web.Application) -> None:
        await state.updates.close()
        for queue in state.listeners | state.call_listeners:
            queue.put_nowait(None)

    app.on_shutdown.append(on_shutdown)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    bound = runner.addresses[0][1]
    name = f"[{host}]" if ":" in host else host
    return LocalChat(f"http://{name}:{bound}", token, state, kept_checks, runner)


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


def _bot_routes(state: State, bot_api: BotApi, token: str) -> list[web.RouteDef]:
    def is_token(request: web.Request) -> bool:
        return secrets.compare_digest(request.match_info["token"].encode(), token.encode())

    async def call(request: web.Request) -> web.StreamResponse:
        if not is_token(request):
            return _answer(ApiError(401, "Unauthorized"))
        method = request.match_info["method"]
        fields: Json = {}
        uploads: list[Upload] = []
        begun = time.perf_counter()
        try:
            fields, uploads = await read_form(request)
            fields = {**request.query, **fields}
            failure = _next_failure(state, method, fields)
            if failure is not None and failure.error != "drop_after":
                response = await _fail(request, failure)
            else:
                response = await _carried_out(bot_api, method, fields, uploads)
                if failure is not None:
                    response = _drop(request)
        except ApiError as error:
            response = _answer(error)
        except web.HTTPRequestEntityTooLarge:
            response = _answer(ApiError(413, "Request Entity Too Large"))
        # A poll that brings nothing happens all the time and tells nothing.
        if method.lower() != "getupdates" or response.text != NO_UPDATES:
            state.record_call(_call(method, fields, uploads, response, begun))
        return response

    async def download(request: web.Request) -> web.Response:
        if not is_token(request):
            return _answer(ApiError(401, "Unauthorized"))
        path = request.match_info["path"]
        begun = time.perf_counter()
        failure = _next_failure(state, "download", {})
        if failure is not None:
            return await _fail(request, failure)
        file = next((f for f in state.files.values() if f.path == path), None)
        if file is None:
            response = _answer(ApiError(404, "Not Found"))
        else:
            response = web.Response(body=file.data, content_type="application/octet-stream")
        state.record_call(_call("download", {"file_path": path}, [], response, begun))
        return response

    return [
        web.route("*", "/bot{token}/{method}", call),
        web.get("/file/bot{token}/{path:.+}", download),
    ]


async def _carried_out(
    bot_api: BotApi, method: str, fields: Json, uploads: list[Upload]
) -> web.Response:
    named = Uploads({upload.field: upload for upload in uploads})
    return web.json_response({"ok": True, "result": await bot_api.execute(method, fields, named)})


def _call(
    method: str, fields: Json, uploads: list[Upload], response: web.Response, begun: float
) -> Json:
    """A request and its answer, as the inspector shows them."""
    if response.content_type == "application/json" and response.text:
        answer = json.loads(response.text)
    else:
        size = len(response.body) if isinstance(response.body, bytes) else 0
        answer = f"{size} bytes"
    return {
        "at": time.time(),
        "ms": round(1000 * (time.perf_counter() - begun), 1),
        "method": method,
        "parameters": {name: _readable(value) for name, value in fields.items()},
        "files": [
            {"field": upload.field, "name": upload.name, "bytes": len(upload.data)}
            for upload in uploads
        ],
        "status": response.status,
        "answer": answer,
    }


def _readable(value: Any) -> Any:
    """Objects and lists come as JSON in a form."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _answer(error: ApiError) -> web.Response:
    body: Json = {
        "ok": False,
        "error_code": error.code,
        "description": error.description,
    }
    if error.retry_after is not None:
        body["parameters"] = {"retry_after": error.retry_after}
    return web.json_response(body, status=error.code)


def _next_failure(state: State, method: str, fields: Json) -> Failure | None:
    for failure in state.failures:
        elsewhere = failure.chat_id and str(fields.get("chat_id")) != str(failure.chat_id)
        if failure.method.lower() in ("*", method.lower()) and not elsewhere:
            failure.times -= 1
            if failure.times <= 0:
                state.failures.remove(failure)
            return failure
    return None


async def _fail(request: web.Request, failure: Failure) -> web.Response:
    if failure.error == "hang":
        await asyncio.Event().wait()  # until the other side gives up or the server stops
    if isinstance(failure.error, str):
        return _drop(request)
    if failure.retry_after is not None:
        words = f"Too Many Requests: retry after {failure.retry_after}"
    else:
        words = {
            400: "Bad Request: failed on purpose",
            403: "Forbidden: bot was blocked by the user",
            429: "Too Many Requests",
            502: "Bad Gateway",
        }.get(failure.error, "Internal Server Error")
    return _answer(ApiError(failure.error, words, failure.retry_after))


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _run_reply(state: State, bot_api: BotApi, response: ClientResponse) -> None:
    """Runs the method call that the body of a webhook's answer may hold; its result is lost."""
    begun = time.perf_counter()
    try:
        fields, uploads = await read_answer(response)
        method = fields.pop("method", None)
        if isinstance(method, str):
            answer = await _carried_out(bot_api, method, fields, uploads)
            state.record_call(_call(method, fields, uploads, answer, begun))
    except (ValueError, ApiError) as error:
        logger.warning("the webhook's answer could not be carried out: %s", error)
