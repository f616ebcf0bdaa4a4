"""All that is said to Telegram: at its pace, and again where it did not get through.

Telegram takes 30 messages a second from a bot, one a second in a chat and 20 a minute in a group
(https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this). `Sending` stands
between the bot and the network and keeps to that, waits as long as a 429 says, and repeats what a
server's fault or a lost connection took away.
"""

import asyncio
import json
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, cast
from weakref import WeakValueDictionary

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import GetFile, Response, SendChatAction, TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp import ClientConnectorError, ClientError, ClientResponseError, ConnectionTimeoutError
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import RedisError

from metrics import TELEGRAM_ERRORS

log = logging.getLogger(__name__)

IN_ALL = 1 / 30  # seconds from one message to the next
IN_CHAT = 1.0
IN_GROUP = 3.0
PATIENCE = 300.0  # seconds after which a call is not repeated any more

LATELY = 60.0  # seconds

CODES: dict[type[TelegramAPIError], str] = {
    TelegramBadRequest: "400",
    TelegramUnauthorizedError: "401",
    TelegramForbiddenError: "403",
    TelegramNotFound: "404",
    TelegramConflictError: "409",
    TelegramEntityTooLarge: "413",
    TelegramRetryAfter: "429",
    TelegramServerError: "5xx",
    TelegramNetworkError: "network",
}

_dispensable = ContextVar("dispensable", default=False)
_patience: ContextVar[float | None] = ContextVar("patience", default=None)
_at_most_once = ContextVar("at most once", default=False)
_at_once = ContextVar("at once", default=False)


class GivenUp(TelegramAPIError):
    """A call that was made `only_if_free` would have had to wait, or to be repeated."""


@contextmanager
def only_if_free() -> Iterator[None]:
    """Calls made within raise `GivenUp` where they would have to wait or to be repeated: for
    progress, which must not stand in the way of results.
    """
    token = _dispensable.set(True)
    try:
        yield
    finally:
        _dispensable.reset(token)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Calls and downloads made within are repeated for so long only."""
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


def is_away(error: TelegramAPIError) -> bool:
    """Whether the same call may succeed later: Telegram refused nothing for good."""
    temporary = (
        TelegramNetworkError,
        TelegramServerError,
        TelegramRetryAfter,
        TelegramUnauthorizedError,  # of all calls: it is about the token, as the next two
        TelegramNotFound,
        TelegramConflictError,
    )
    return isinstance(error, temporary) and not isinstance(error, TelegramEntityTooLarge)


async def until_answered(call: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    """Makes a call without which nothing goes, again and again while Telegram is away."""

    async def answered() -> None:
        while True:
            try:
                await call()
            except (TelegramServerError, TelegramNetworkError, TelegramRetryAfter) as error:
                log.warning("Telegram is waited for: %s", error)
                await asyncio.sleep(min(getattr(error, "retry_after", 1), PATIENCE))
            else:
                return

    answering, stopping = asyncio.create_task(answered()), asyncio.create_task(stop.wait())
    await asyncio.wait({answering, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in (answering, stopping):
        task.cancel()
    await asyncio.wait({answering, stopping})
    if not answering.cancelled():
        answering.result()


@contextmanager
def at_most_once() -> Iterator[None]:
    """Calls made within are not repeated where they may have been carried out already."""
    token = _at_most_once.set(True)
    try:
        yield
    finally:
        _at_most_once.reset(token)


@contextmanager
def at_once() -> Iterator[None]:
    """Calls made within do not wait for Telegram's pace: what hardly ever shows anything."""
    token = _at_once.set(True)
    try:
        yield
    finally:
        _at_once.reset(token)


class Pace:
    """Hands out the moments at which messages may leave, first come first served.

    For each key it knows when the next one may. With Redis all processes share that; while Redis
    does not answer, each keeps its own.
    """

    RESERVE = """
    local time = redis.call('TIME')
    local now = time[1] + time[2] / 1e6
    local moment = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
    if moment - now > tonumber(ARGV[2]) then return '-1' end
    local after = moment + ARGV[1]
    local milliseconds = math.max(1, math.ceil((after - now) * 1000))
    redis.call('SET', KEYS[1], string.format('%.6f', after), 'PX', milliseconds)
    return string.format('%.6f', moment - now)
    """

    def __init__(self, redis: Redis | None = None) -> None:
        self._reserve_in_redis = redis.register_script(self.RESERVE) if redis else None
        self._next: dict[str, float] = {}

    async def reserve(self, key: str, interval: float, patience: float = 1e9) -> float | None:
        """Takes the next moment for `key` and keeps the `interval` after it free; both in seconds.

        Returns how many seconds to wait, or `None`, with nothing taken, for more than `patience`.
        """
        if self._reserve_in_redis:
            try:
                wait = float(
                    await self._reserve_in_redis([f"paintbox:pace:{key}"], [interval, patience])
                )
            except RedisError as error:
                log.warning("the pace is not shared with other processes: %s", error)
            else:
                return wait if wait >= 0 else None
        now = time.monotonic()
        moment = max(now, self._next.get(key, 0))
        if moment - now > patience:
            return None
        self._next[key] = moment + interval
        if len(self._next) > 10_000:
            self._next = {key: after for key, after in self._next.items() if after > now}
        return moment - now


class Sending(BaseRequestMiddleware):
    """Lets each call go when it may, and repeats it where that helps and does no harm.

    Refusals come through at once, faults and lost connections after `patience` seconds. A call that
    sends a picture, or is made `at_most_once`, is not repeated where it may have arrived. An edit
    that changes nothing returns True, as where an earlier try of it got through. A chat action that
    would have to wait returns True as well: nobody misses it.

    `answered_at` is when Telegram last answered anything, in seconds of the monotonic clock.
    """

    def __init__(self, pace: Pace | None, patience: float = PATIENCE) -> None:
        self.answered_at = -float("inf")
        self._pace = pace
        self._patience = patience
        self._turns: WeakValueDictionary[int | str, asyncio.Lock] = WeakValueDictionary()
        self._shapes: dict[
            str, type
        ] = {}  # of answers: pydantic builds those that nobody keeps anew

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        if method.__api_method__ == "getUpdates":  # polling has a patience of its own
            return await self._once(make_request, bot, method)
        dispensable = _dispensable.get() or isinstance(method, SendChatAction)
        own = _patience.get()
        deadline = time.monotonic() + (self._patience if own is None else own)
        pauses = _pauses(deadline)
        once = _at_most_once.get() or _sends_picture(method)
        while True:
            if not await self._turn(method, dispensable, deadline):
                return self._given_up(method)
            try:
                return await self._once(make_request, bot, method)
            except TelegramRetryAfter as error:
                if dispensable:
                    return self._given_up(method)
                is_long = time.monotonic() + error.retry_after > deadline
                await self._hold(method, error.retry_after, waits=not is_long)
                if is_long:
                    raise
            except TelegramBadRequest as error:
                if "message is not modified" not in error.message:
                    raise
                return cast(Response[TelegramType], True)
            except (TelegramServerError, TelegramNetworkError) as error:
                if isinstance(error, TelegramEntityTooLarge):
                    raise
                if dispensable:
                    return self._given_up(method)
                pause = next(pauses, None)
                if pause is None or (once and may_have_arrived(error)):
                    raise
                log.info("%s again in %.1f s: %s", method.__api_method__, pause, error.message)
                await asyncio.sleep(pause)

    async def _once(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        self._shapes[method.__api_method__] = Response[method.__returning__]  # type: ignore[name-defined]
        try:
            answer = await make_request(bot, method)
        except TelegramAPIError as error:
            TELEGRAM_ERRORS.labels(method.__api_method__, _code(error)).inc()
            if not isinstance(error, TelegramNetworkError):
                self.answered_at = time.monotonic()
            raise
        except ClientDecodeError:  # its words hold the answer, and with it what people wrote
            TELEGRAM_ERRORS.labels(method.__api_method__, "unreadable").inc()
            words = "the answer is not the Bot API's"
            raise TelegramNetworkError(method=method, message=words) from None
        self.answered_at = time.monotonic()
        return answer

    def _given_up(self, method: TelegramMethod[TelegramType]) -> Response[TelegramType]:
        if isinstance(method, SendChatAction):
            return cast(Response[TelegramType], True)
        raise GivenUp(method, "there is no room for it now")

    async def _turn(self, method: TelegramMethod[Any], dispensable: bool, deadline: float) -> bool:
        """Waits until the call may go. False: it is dispensable, and would have to wait.

        Raises `TelegramRetryAfter` where a 429 keeps it from its chat beyond the deadline.
        """
        chat = _chat_shown(method)
        if self._pace is None or chat is None or _at_once.get():
            return True
        key, interval = f"chat:{chat}", IN_GROUP if _is_group(chat) else IN_CHAT
        turn = self._turns.setdefault(chat, asyncio.Lock())
        if dispensable:
            return (
                not turn.locked()
                and await self._pace.reserve(key, interval, patience=0) is not None
                and await self._pace.reserve("all", IN_ALL, patience=0) is not None
            )
        async with turn:
            # The chat's moment is taken last: else messages would gather while all have to wait.
            left = max(0.0, deadline - time.monotonic()) + interval
            if (wait := await self._pace.reserve(key, 0, left)) is None:
                raise TelegramRetryAfter(method, "the chat has to rest", math.ceil(left))
            await asyncio.sleep(wait)
            for name, seconds in (("all", IN_ALL), (key, interval)):
                await asyncio.sleep(await self._pace.reserve(name, seconds) or 0)
        return True

    async def _hold(self, method: TelegramMethod[Any], seconds: float, waits: bool) -> None:
        """Keeps everything else from the chat as well: calls during a 429's time prolong it."""
        chat = _chat_shown(method)
        if self._pace is None or chat is None:
            await asyncio.sleep(seconds if waits else 0)
        else:
            wait = await self._pace.reserve(f"chat:{chat}", 0) or 0
            await self._pace.reserve(f"chat:{chat}", max(0, seconds - wait))


def _chat_shown(method: TelegramMethod[Any]) -> int | str | None:
    """The chat in which the call shows something; no other calls are limited."""
    shows = method.__api_method__.startswith(("send", "edit", "copy", "forward"))
    if not shows or isinstance(method, SendChatAction):
        return None
    return cast("int | str | None", getattr(method, "chat_id", None))


def _is_group(chat: int | str) -> bool:
    return isinstance(chat, str) or chat < 0


def _sends_picture(method: TelegramMethod[Any]) -> bool:
    name = method.__api_method__
    return name.startswith(("send", "copy", "forward")) and name != "sendMessage"


def may_have_arrived(error: TelegramAPIError) -> bool:
    """Whether the call may have been carried out: its answer was lost, not its question."""
    no_connection = (ClientConnectorError, ConnectionTimeoutError)
    return isinstance(error, TelegramNetworkError) and not isinstance(
        error.__cause__, no_connection
    )


def _code(error: TelegramAPIError) -> str:
    return next((code for kind, code in CODES.items() if isinstance(error, kind)), "other")


def _pauses(deadline: float) -> Iterator[float]:
    """Seconds to wait before each repetition, until the deadline."""
    pause = 0.5
    while time.monotonic() + pause < deadline:
        yield pause * random.uniform(0.75, 1.25)  # noqa: S311 no secret
        pause = min(2 * pause, 30)


class Session(AiohttpSession):
    """Knows the Bot API's answers from those of a proxy in front of it, be they HTML or JSON."""

    def check_response(
        self, bot: Bot, method: TelegramMethod[TelegramType], status_code: int, content: str
    ) -> Response[TelegramType]:
        """Raises `ClientDecodeError` for what is not the Bot API's."""
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ClientDecodeError("no JSON", error, content) from None
        match answer:
            case {"ok": True, "result": result} if result is not None:
                return super().check_response(bot, method, HTTPStatus.OK, content)
            case {"ok": False, "error_code": 429, "parameters": {"retry_after": int()}}:
                return super().check_response(bot, method, 429, content)
            case {"ok": False, "error_code": 429}:  # it does not say for how long
                raise TelegramServerError(method, "too many requests")
            case {"ok": False, "error_code": int(code), "description": str()} if code >= 400:
                return super().check_response(bot, method, code, content)
        raise ClientDecodeError("not the Bot API's JSON", ValueError(), answer)


def make_bot(token: SecretStr, api_url: str | None, pace: Pace | None) -> Bot:
    """A bot that talks to `api_url` (Telegram's own without one), at a `pace` if there is one."""
    server = TelegramAPIServer.from_base(api_url) if api_url else PRODUCTION
    session = Session(api=server)
    session.middleware(Sending(pace))
    return Bot(
        token.get_secret_value(),
        session=session,
        default=DefaultBotProperties(parse_mode=ParseMode.HTML),
    )


async def is_reachable(bot: Bot) -> bool:
    """Whether Telegram has answered lately, or does now, within five seconds."""
    sending = next(step for step in bot.session.middleware if isinstance(step, Sending))
    if time.monotonic() - sending.answered_at > LATELY:
        with only_if_free(), suppress(TelegramAPIError):
            await bot.get_me(request_timeout=5)
    return time.monotonic() - sending.answered_at <= LATELY


async def download(bot: Bot, file_id: str, patience: float | None = None) -> bytes:
    """The bytes of a file that somebody sent.

    Raises `TelegramAPIError`; its words, unlike aiohttp's, do not hold the link with the token.
    """
    own = _patience.get() if patience is None else patience
    pauses = _pauses(time.monotonic() + (PATIENCE if own is None else own))
    while True:
        try:
            file = await bot.download(file_id)
            assert file is not None  # without a destination aiogram always makes one
            return file.read()
        except (ClientError, TimeoutError) as error:
            status = error.status if isinstance(error, ClientResponseError) else None
            pause = next(pauses, None) if status is None or status >= 500 or status == 429 else None
            if pause is None:
                words = f"the file did not come: {status or type(error).__name__}"
                is_refused = status is not None and status < 500 and status != 429
                kind = TelegramBadRequest if is_refused else TelegramNetworkError
                raise kind(GetFile(file_id=file_id), words) from None
        log.info("download again in %.1f s", pause)
        await asyncio.sleep(pause)
