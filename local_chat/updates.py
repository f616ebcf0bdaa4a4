"""The updates that wait for the bot, and the two ways it gets them: `getUpdates` and a webhook."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout

from local_chat.api_error import ApiError

Json = dict[str, Any]
# What a webhook gets when a bot does not say; the other kinds must be asked for by name.
NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
MAX_PENDING = 10_000
WEBHOOK_TIMEOUT_S = 60
LONGEST_PAUSE_S = 120.0


@dataclass(eq=False)
class Pending:
    """An update that the bot has not confirmed."""

    update: Json
    chat_id: int
    repeated: bool = False  # put back by a test: stays until delivered, whatever the offset says


@dataclass(eq=False)
class Webhook:
    """Where the bot wants its updates, and how the last delivery failed."""

    url: str
    secret_token: str = ""
    max_connections: int = 40
    last_error_date: int | None = None
    last_error_message: str | None = None


@dataclass
class Updates:
    """The queue. `on_reply` runs a method call that a webhook's answer may carry in its body;
    `on_delivery` gets each update that a webhook was called with, the status of its answer (0 for
    none), and the seconds it took.
    """

    on_reply: Callable[[ClientResponse], Awaitable[None]]
    on_delivery: Callable[[Json, int, float], None] = lambda *_: None
    first_pause_s: float = 1.0  # before a failed webhook call is repeated; doubles each time
    allowed: list[str] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    webhook: Webhook | None = None
    _last: Pending | None = None
    _next_id: int = field(default_factory=lambda: int(time.time()))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _turn: int = 0
    _closed: bool = False
    _delivery: asyncio.Task[None] | None = None

    def add(self, kind: str, body: Json, chat_id: int) -> None:
        if kind not in self.allowed if self.allowed else kind in NOT_BY_DEFAULT:
            return
        self._next_id += 1
        self._last = Pending({"update_id": self._next_id, kind: body}, chat_id)
        self.pending.append(self._last)
        del self.pending[:-MAX_PENDING]
        self._wake()

    def repeat_last(self) -> None:
        """Delivers the newest update once more, as a webhook does whose answer got lost."""
        if self._last is None:
            raise ValueError("there is no update to repeat")
        self.pending.insert(0, Pending(self._last.update, self._last.chat_id, repeated=True))
        self._wake()

    def clear(self) -> None:
        self.pending.clear()

    async def get(self, offset: int, limit: int, timeout_s: float) -> list[Json]:
        """Long polling: confirms what lies before `offset` and waits for something to answer."""
        if self.webhook is not None:
            raise ApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self._turn += 1
        turn = self._turn
        self._wake()  # ends a getUpdates that still waits
        if offset < 0:
            del self.pending[:offset]
        else:
            self.pending = [
                p for p in self.pending if p.repeated or p.update["update_id"] >= offset
            ]
        deadline = time.monotonic() + timeout_s
        while not self.pending and not self._closed and (left := deadline - time.monotonic()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)
            if turn != self._turn:
                raise ApiError(
                    409,
                    "Conflict: terminated by other getUpdates request; "
                    "make sure that only one bot instance is running",
                )
        batch = self.pending[:limit]
        for pending in batch:
            pending.repeated = False
        return [pending.update for pending in batch]

    async def set_webhook(self, webhook: Webhook | None) -> None:
        await self._stop_delivery()
        self.webhook = webhook
        if webhook is not None:
            self._delivery = asyncio.create_task(self._deliver(webhook))
        self._turn += 1
        self._wake()  # a getUpdates that waits ends with a conflict

    async def close(self) -> None:
        """Ends deliveries, and a getUpdates that waits without a result."""
        self._closed = True
        self._wake()
        await self._stop_delivery()

    async def _stop_delivery(self) -> None:
        if self._delivery is not None:
            self._delivery.cancel()
            with suppress(asyncio.CancelledError):
                await self._delivery
            self._delivery = None

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _deliver(self, webhook: Webhook) -> None:
        """Posts updates: those of one chat in order, those of different chats side by side."""
        busy: set[int] = set()
        async with (
            ClientSession(timeout=ClientTimeout(WEBHOOK_TIMEOUT_S)) as session,
            asyncio.TaskGroup() as group,
        ):
            while True:
                for pending in list(self.pending):
                    if pending.chat_id not in busy and len(busy) < webhook.max_connections:
                        busy.add(pending.chat_id)
                        group.create_task(self._post(session, webhook, pending, busy))
                await self._changed.wait()

    async def _post(
        self, session: ClientSession, webhook: Webhook, pending: Pending, busy: set[int]
    ) -> None:
        headers = {"Content-Type": "application/json"}
        if webhook.secret_token:
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook.secret_token
        pause = self.first_pause_s
        while pending in self.pending:
            begun = time.perf_counter()
            status = 0
            try:
                async with session.post(
                    webhook.url, data=json.dumps(pending.update), headers=headers
                ) as response:
                    status = response.status
                    if response.ok:
                        self.pending.remove(pending)
                        await self.on_reply(response)
                        break
                    problem = f"Wrong response from the webhook: {response.status} "
                    problem += response.reason or ""
            except TimeoutError:
                problem = "Read timeout expired"
            except ClientError as error:
                problem = f"Connection failed: {error}"
            finally:
                self.on_delivery(pending.update, status, time.perf_counter() - begun)
            webhook.last_error_date = int(time.time())
            webhook.last_error_message = problem
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        busy.discard(pending.chat_id)
        self._wake()
