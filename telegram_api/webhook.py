"""The web server: Telegram's webhook, `/health/live`, `/health/ready` and `/metrics`.

It is open to the whole internet. What is not Telegram's is turned away before its body is read; a
client that dawdles over its headers or its body is dropped, and costs the others nothing meanwhile.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial

from aiogram import Bot
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from metrics import UPDATES
from settings import Settings
from store import StoreError
from telegram_api.inbox import Take, stored
from telegram_api.sending import until_answered

log = logging.getLogger(__name__)

WEBHOOK_PATH = "/telegram"
MAX_UPDATE_BYTES = 2**20  # the longest message with all its entities has a fraction of it
HEADERS_SECONDS = 30.0  # for a request's headers, and for an idle connection to stay open
BODY_SECONDS = 10.0
LINGER_SECONDS = 1.0  # how long the body of a request turned away is swallowed
CHECK_SECONDS = 5.0  # for all readiness checks; they are not made more often either

Check = Callable[[], Awaitable[bool]]


def webhook(take: Take, secret: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The webhook's handler: 200 once `take` has returned, 503 where it raised, and Telegram brings
    the update again; so `take` returns when the update can no longer get lost.
    """

    async def receive(request: web.Request) -> web.Response:
        told = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        if not hmac.compare_digest(told.encode(errors="surrogateescape"), secret.encode()):
            raise _closing(web.HTTPUnauthorized())
        if request.content_type != "application/json" or "Content-Encoding" in request.headers:
            raise _closing(web.HTTPUnsupportedMediaType())
        if (request.content_length or 0) > MAX_UPDATE_BYTES:
            raise _closing(web.HTTPRequestEntityTooLarge(MAX_UPDATE_BYTES))
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            raise _closing(web.HTTPRequestTimeout()) from None
        try:
            update = stored(json.loads(body))
        except (ValueError, RecursionError) as error:
            log.error("an update that cannot be read: %s", type(error).__name__)
            raise web.HTTPBadRequest from None
        try:
            await take([update])
        except StoreError as error:
            log.warning("update %s has to be brought again: %s", update.id, error)
            UPDATES.labels("refused").inc()
            raise web.HTTPServiceUnavailable from None
        return web.Response()

    return receive


def _closing(refusal: web.HTTPException) -> web.HTTPException:
    """Ends the connection as well: what is turned away has nothing more to say."""
    refusal.force_close()
    return refusal


def readiness(checks: Mapping[str, Check]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler of `/health/ready`: 200 when every check holds, else 503, and each by name."""
    lock = asyncio.Lock()
    checked_at = -CHECK_SECONDS
    state: dict[str, bool] = {}

    async def holds(check: Check) -> bool:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return await check()
        except Exception as error:
            log.warning("not ready: %s", error)
            return False

    async def answer(_: web.Request) -> web.Response:
        nonlocal checked_at, state
        async with lock:  # anybody may ask, so it must cost the same however often they do
            if time.monotonic() - checked_at >= CHECK_SECONDS:
                results = await asyncio.gather(*map(holds, checks.values()))
                state = dict(zip(checks, results, strict=True))
                checked_at = time.monotonic()
        return web.json_response(state, status=200 if all(state.values()) else 503)

    return answer


async def _live(_: web.Request) -> web.Response:
    return web.Response(text="alive")


async def _metrics(_: web.Request) -> web.Response:
    body = await asyncio.to_thread(generate_latest)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def make_app(checks: Mapping[str, Check], with_metrics: bool) -> web.Application:
    app = web.Application(client_max_size=MAX_UPDATE_BYTES)
    app.router.add_get("/health/live", _live)
    app.router.add_get("/health/ready", readiness(checks))
    if with_metrics:
        app.router.add_get("/metrics", _metrics)
    return app


@asynccontextmanager
async def listening(
    app: web.Application, host: str, port: int, shutdown_seconds: float = 0
) -> AsyncIterator[int]:
    """Serves `app` until the block ends, and says at which port (0 takes a free one).

    Requests in work then get `shutdown_seconds` to end. Raises `OSError` for a port in use.
    """
    logging.getLogger("aiohttp.server").addFilter(_is_our_fault)
    _allow_many_connections()
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=HEADERS_SECONDS,  # aiohttp starts it with the connection
        lingering_time=LINGER_SECONDS,
        auto_decompress=False,  # Telegram packs nothing, others might pack bombs
        shutdown_timeout=shutdown_seconds,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _is_our_fault(record: logging.LogRecord) -> bool:
    """Strangers' broken requests must not fill the logs."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _allow_many_connections() -> None:
    """As many open files as the system lets us have; each half-open connection costs one."""
    with suppress(ImportError):  # Windows has no such limit
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def serve_webhook(
    bot: Bot,
    take: Take,
    allowed_updates: list[str],
    settings: Settings,
    checks: Mapping[str, Check],
    stop: asyncio.Event,
) -> None:
    """Takes updates over HTTP until `stop`. The webhook stays in place for the next start."""
    assert settings.webhook_host is not None
    secret = webhook_secret(bot.token)
    app = make_app(checks, settings.metrics)
    app.router.add_post(WEBHOOK_PATH, webhook(take, secret))
    async with listening(
        app, settings.webapp_host, settings.webapp_port, settings.shutdown_seconds
    ) as port:
        url = str(settings.webhook_host).rstrip("/") + WEBHOOK_PATH
        set_it = partial(bot.set_webhook, url, secret_token=secret, allowed_updates=allowed_updates)
        await until_answered(set_it, stop)
        log.info("listening on port %s for %s", port, url)
        await stop.wait()


def webhook_secret(token: str) -> str:
    """A secret that every start derives alike and that does not give the token away."""
    return hmac.new(token.encode(), b"paintbox webhook", hashlib.sha256).hexdigest()
