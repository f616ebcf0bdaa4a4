"""Updates that wait to be handled. Telegram is told that we have one as soon as it is written down.

Handling may take long: at 30 messages a second, answers wait for their turn. Writing down takes as
long as the disk does, and those that come meanwhile are written together. Whatever a process leaves
in the inbox is handled by the next one.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from metrics import UPDATES, UPDATES_WAITING
from store import Store, StoreError

log = logging.getLogger(__name__)

AT_ONCE = 64  # updates handled at the same time; most of them wait for Telegram
MOST_BYTES = 2**24  # of updates that wait: some 20,000
LEASE_SECONDS = 10.0  # updates of a process not heard of for so long are taken over by others
RETRY_SECONDS = 1.0  # while the store is away


class StoredUpdate(NamedTuple):
    """An update in the inbox."""

    id: int
    user_id: int  # 0 where nobody sent it
    body: str  # JSON


Take = Callable[[Sequence[StoredUpdate]], Awaitable[object]]  # raises `StoreError`


def stored(update: object) -> StoredUpdate:
    """What is kept of an update, as read from JSON; raises `ValueError` for anything else.

    Whether the rest of it makes sense shows when it is handled.
    """
    number = update.get("update_id") if isinstance(update, dict) else None
    if not isinstance(update, dict) or type(number) is not int or not 0 <= number < 2**63:
        raise ValueError("this is no update")
    user_id = 0
    for content in update.values():
        match content:
            case {"from": {"id": int(user_id)}}:
                break
    return StoredUpdate(number, user_id, json.dumps(update, separators=(",", ":")))


class Inbox:
    """Hands each update to `handle` once, as JSON: those of a user one after the other, in the
    order of their coming, everybody's in turns.

    `handle` keeps what it did and strikes the update out, by `Store.save`. One for which it raises
    `StoreError` is handled again; for anything else that it raises it is struck out here.
    """

    def __init__(self, store: Store, handle: Callable[[str], Awaitable[object]]) -> None:
        self.store, self.handle = store, handle
        self._lines: dict[int, deque[StoredUpdate]] = {}  # by user, the one in work first
        self._turns: deque[int] = deque()  # users who have updates, but none in work
        self._in_work: set[asyncio.Task[None]] = set()
        self._bytes = 0
        self._takes = True
        self._unwritten: list[StoredUpdate] = []
        self._writing: asyncio.Task[None] | None = None
        self._pen = asyncio.Lock()

    async def put(self, updates: Sequence[StoredUpdate]) -> None:
        """Returns when these updates cannot get lost any more; those known already are passed over.

        Raises `StoreError` when they cannot be kept, or too many wait: they have to come again.
        """
        if self._bytes > MOST_BYTES:
            raise StoreError("too many updates wait")
        self._unwritten += updates
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await asyncio.shield(self._writing)

    async def _write(self) -> None:
        async with self._pen:
            updates = {update.id: update for update in self._unwritten}
            self._unwritten, self._writing = [], None
            bodies = {update.id: update.body for update in updates.values()}
            new = await self.store.put_updates(bodies, LEASE_SECONDS)
            self._line_up([update for update in updates.values() if update.id in new])

    async def take_over(self) -> None:
        """Goes on with what other processes, or an earlier one, have left."""
        left = await self.store.take_updates(LEASE_SECONDS)
        self._line_up([stored(json.loads(body)) for body in left])

    async def keep_hold(self) -> None:
        """Keeps others from taking over our updates while we live, and takes over theirs if not."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            try:
                await self.store.hold_updates(self._ids(), LEASE_SECONDS)
                await self.take_over()
            except StoreError as error:
                log.warning("the inbox cannot be looked at: %s", error)

    async def finish(self) -> None:
        """Until those in work are done; the others stay where they are, for the next process."""
        self._takes = False
        if self._in_work:
            await asyncio.wait(self._in_work)

    async def close(self) -> None:
        """Breaks off what is still in work: it is handled from its beginning next time."""
        self._takes = False
        for task in self._in_work:
            task.cancel()
        if self._in_work:
            await asyncio.wait(self._in_work)
        try:
            await self.store.hold_updates(self._ids(), 0)
        except StoreError as error:
            log.warning("the inbox is left as it is: %s", error)

    def _ids(self) -> list[int]:
        return [update.id for line in self._lines.values() for update in line]

    def _line_up(self, updates: list[StoredUpdate]) -> None:
        for update in updates:
            line = self._lines.setdefault(update.user_id, deque())
            if not line:
                self._turns.append(update.user_id)
            line.append(update)
            self._bytes += len(update.body)
            UPDATES_WAITING.inc()
        self._begin()

    def _begin(self) -> None:
        while self._takes and self._turns and len(self._in_work) < AT_ONCE:
            user_id = self._turns.popleft()
            task = asyncio.create_task(self._work_on(self._lines[user_id][0]))
            self._in_work.add(task)
            task.add_done_callback(partial(self._done, user_id))

    def _done(self, user_id: int, task: asyncio.Task[None]) -> None:
        self._in_work.discard(task)
        if task.cancelled():
            return
        line = self._lines[user_id]
        self._bytes -= len(line.popleft().body)
        UPDATES_WAITING.dec()
        if line:
            self._turns.append(user_id)
        else:
            del self._lines[user_id]
        self._begin()

    async def _work_on(self, update: StoredUpdate) -> None:
        while True:
            try:
                outcome = await self._once(update)
            except StoreError as error:
                log.warning("update %s is handled again: %s", update.id, error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                UPDATES.labels(outcome).inc()
                return

    async def _once(self, update: StoredUpdate) -> str:
        try:
            await self.handle(update.body)
        except StoreError:
            raise
        except Exception:
            log.exception("update %s failed", update.id)
            await self.store.strike_out_update(update.id)
            return "failed"
        return "handled"
