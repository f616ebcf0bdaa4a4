"""The truth about updates, accepted jobs and users: one small interface, in SQLite or in Redis.

An update is in the store until it is handled, a job from the moment it is accepted until its answer
is sent. docket only runs the jobs; whatever it forgets is put into it again from here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

PEOPLE, WAITED = "people", "waited"  # what is tallied beside jobs' kinds and outcomes; seconds
TALLIED_DAYS = 31  # for which tallies are kept

KEPT_SECONDS = 2 * 24 * 3600  # ids of finished jobs and handled updates; Telegram retries for a day
PACE_SMOOTHING = 0.2  # weight of the newest job in the mean seconds of a job

Verdict = Literal["accepted", "known", "finished", "too_many", "full"]


class StoreError(Exception):
    """The store cannot be read or written now; what was asked for may not have happened."""


@dataclass(frozen=True)
class Accepted:
    """A job that waits or runs. `job` is its JSON; times are seconds since 1970."""

    id: str
    user_id: int
    job: str
    accepted: float
    ready: float  # when it became the first of its user's jobs, or was accepted
    status_id: int | None  # the status message
    status_sent_at: float
    attempts: int  # that did not come to an orderly end
    started: float | None


class Store(Protocol):
    """Every method raises `StoreError` when it could not do its work."""

    def lock(self, user_id: int) -> AbstractAsyncContextManager[None]:
        """Held while an update of this user is handled; those who wait get it in their order."""

    async def user(self, user_id: int) -> str | None:
        """The JSON of a user, None for somebody never seen before."""

    async def save(self, user_id: int, user: str | None, update_id: int) -> None:
        """Keeps the user (None: nothing of them), strikes the update out of the inbox and remembers
        that it is handled: all or nothing.
        """

    async def is_handled(self, update_id: int) -> bool: ...

    async def put_updates(self, bodies: Mapping[int, str], seconds: float) -> set[int]:
        """Writes updates, by their ids, into the inbox, and holds them for so long; returns the ids
        of those that are new: neither in it nor handled.
        """

    async def hold_updates(self, update_ids: Sequence[int], seconds: float) -> None:
        """Holds what this process has put or taken for so long from now."""

    async def take_updates(self, seconds: float) -> list[str]:
        """The bodies, by their ids' order, of updates in the inbox that no process holds; from now
        on this one does.
        """

    async def strike_out_update(self, update_id: int) -> None:
        """Of an update that nobody can handle nothing else is kept."""

    async def forget(self, user_id: int) -> list[str]:
        """Erases the user and their results; strikes out their jobs, whose ids it returns."""

    async def accept(
        self, job_id: str, user_id: int, job: str, per_user: int, in_all: int
    ) -> Verdict:
        """Writes a job down, unless it was before, or too many wait: of this user, or in all."""

    async def extend(self, job_id: str, job: str, instead_of: str) -> bool:
        """Changes a job that has not begun, so that it does the work of another one as well, whose
        id counts as finished; False where it has begun or is struck out.
        """

    async def note_progress(self, job_id: str, job: str) -> None:
        """Changes a job in work, unless it is struck out."""

    async def job(self, job_id: str) -> Accepted | None: ...

    async def jobs(self, user_id: int | None = None) -> list[Accepted]:
        """All jobs, or one user's, in the order in which they were accepted."""

    async def begin(self, job_id: str) -> Accepted | None:
        """Notes that work begins, and returns the job; None when it was struck out."""

    async def hand_back(self, job_id: str) -> None:
        """Takes the last beginning back: the job waits again."""

    async def make_ready(self, job_id: str) -> None:
        """Notes that the job is now the first of its user's."""

    async def count_attempt(self, job_id: str, by: int) -> None:
        """Adds to the attempts of a job in work, unless it is struck out."""

    async def set_status(self, job_id: str, message_id: int | None, instead_of: int | None) -> bool:
        """Gives the job this status message; False when it is struck out, or has another one now
        than `instead_of`.
        """

    async def finish(self, job_id: str) -> bool:
        """Strikes the job out and remembers its id; whether it was still there."""

    async def note_result(self, user_id: int, result: str, kept: int) -> None:
        """Remembers the newest result of a user, and forgets what was before the last `kept`."""

    async def results(self, user_id: int) -> list[str]:
        """The newest first."""

    async def note_seconds(self, kind: str, seconds: float) -> None:
        """How long a job of this kind took, for the running mean."""

    async def mean_seconds(self) -> dict[str, float]: ...

    async def count(self, what: str, amount: float = 1) -> None:
        """Adds to today's tally, which tells nothing of a person."""

    async def tallies(self, days: int) -> dict[str, dict[str, float]]:
        """By days (ISO 8601, UTC), the newest first, those of the last `days`; of none, nothing."""

    async def leads(self, process: str, seconds: float) -> bool:
        """Whether this process is the one that does, for so long, what only one should do."""

    async def is_writable(self) -> bool:
        """True, found out by writing."""

    async def close(self) -> None: ...


async def open_store(redis_url: str | None, data_dir: Path | None) -> Store:
    """In Redis, else in a file in this folder, else in memory for as long as the process lives."""
    if redis_url:
        from store.redis import RedisStore

        return await RedisStore.connect(redis_url)
    from store.sqlite import SqliteStore

    return await SqliteStore.connect(data_dir / "paintbox.sqlite3" if data_dir else None)


def last_days(number: int) -> list[str]:
    """Today in UTC and the days before it, as ISO 8601 has them."""
    today = datetime.now(UTC).date()
    return [(today - timedelta(days=ago)).isoformat() for ago in range(number)]


async def until_written(write: Callable[[], Awaitable[T]]) -> T:
    """Calls `write`, again each second while it raises `StoreError`; returns what it returns."""
    while True:
        try:
            return await write()
        except StoreError as error:
            log.warning("the store is waited for: %s", error)
            await asyncio.sleep(1)
