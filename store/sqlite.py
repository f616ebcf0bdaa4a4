"""The store of a single process: one SQLite file, or memory."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self, TypeVar
from weakref import WeakValueDictionary

from store import (
    KEPT_SECONDS,
    PACE_SMOOTHING,
    TALLIED_DAYS,
    Accepted,
    StoreError,
    Verdict,
    last_days,
)

T = TypeVar("T")

COLUMNS = "id, user_id, job, accepted, ready, status_id, status_sent, attempts, started"
# What made each version of the file out of the one before; `user_version` says how many it has.
# The first also takes over files that were written before they had a number.
MIGRATIONS = (
    """
CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL,
    job TEXT NOT NULL,
    accepted REAL NOT NULL,
    ready REAL NOT NULL,
    status_id INTEGER,
    status_sent REAL NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    started REAL
);
CREATE INDEX IF NOT EXISTS jobs_of_users ON jobs (user_id);
CREATE TABLE IF NOT EXISTS finished (id TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS finished_at ON finished (at);
CREATE TABLE IF NOT EXISTS inbox (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS updates (id INTEGER PRIMARY KEY, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS updates_at ON updates (at);
CREATE TABLE IF NOT EXISTS results (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    result TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS results_of_users ON results (user_id);
CREATE TABLE IF NOT EXISTS pace (kind TEXT PRIMARY KEY, seconds REAL NOT NULL);
""",
    """
CREATE TABLE tallies (
    day TEXT NOT NULL,
    what TEXT NOT NULL,
    amount REAL NOT NULL,
    PRIMARY KEY (day, what)
);
""",
)


class SqliteStore:
    """Made by `connect`. All statements run in one thread of their own, each call in a transaction.

    A transaction is on the disk before its call returns, so that a power cut loses nothing either.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._has_taken = False  # the updates that an earlier process left
        self._connection: sqlite3.Connection

    @classmethod
    async def connect(cls, path: Path | None) -> Self:
        store = cls(path)
        await asyncio.get_running_loop().run_in_executor(store._thread, store._open)
        return store

    def _open(self) -> None:
        try:
            if self._path:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path or ":memory:", isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{self._path}: {error}") from error
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _migrate(connection)
        except (StoreError, sqlite3.Error) as error:
            connection.close()
            raise StoreError(f"{self._path}: {error}") from error
        self._connection = connection

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: self._connection.close()
        )
        self._thread.shutdown()

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def transaction() -> T:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    result = work(self._connection)
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise StoreError(f"{self._path}: {error}") from error
            return result

        return await asyncio.get_running_loop().run_in_executor(self._thread, transaction)

    @asynccontextmanager
    async def lock(self, user_id: int) -> AsyncIterator[None]:
        lock = self._locks.setdefault(user_id, asyncio.Lock())
        async with lock:
            yield

    async def user(self, user_id: int) -> str | None:
        query = "SELECT state FROM users WHERE id = ?"
        row = await self._do(lambda db: db.execute(query, (user_id,)).fetchone())
        return str(row[0]) if row else None

    async def save(self, user_id: int, user: str | None, update_id: int) -> None:
        def work(db: sqlite3.Connection) -> None:
            if user is None:
                db.execute("DELETE FROM users WHERE id = ?", (user_id,))
            else:
                db.execute("INSERT OR REPLACE INTO users VALUES (?, ?)", (user_id, user))
            _strike_out_update(db, update_id)

        await self._do(work)

    async def is_handled(self, update_id: int) -> bool:
        query = "SELECT 1 FROM updates WHERE id = ?"
        return bool(await self._do(lambda db: db.execute(query, (update_id,)).fetchone()))

    async def put_updates(self, bodies: Mapping[int, str], seconds: float) -> set[int]:
        add = (
            "INSERT INTO inbox SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM updates WHERE id = ?1)"
            " ON CONFLICT DO NOTHING"
        )

        def work(db: sqlite3.Connection) -> set[int]:
            return {
                number
                for number, body in bodies.items()
                if db.execute(add, (number, body)).rowcount
            }

        return await self._do(work)

    async def hold_updates(self, update_ids: Sequence[int], seconds: float) -> None:
        return  # there is no other process

    async def take_updates(self, seconds: float) -> list[str]:
        """All that is there at first, and nothing later."""
        if self._has_taken:
            return []
        query = "SELECT body FROM inbox ORDER BY id"
        rows = await self._do(lambda db: db.execute(query).fetchall())
        self._has_taken = True
        return [str(row[0]) for row in rows]

    async def strike_out_update(self, update_id: int) -> None:
        await self._do(lambda db: _strike_out_update(db, update_id))

    async def forget(self, user_id: int) -> list[str]:
        def work(db: sqlite3.Connection) -> list[str]:
            rows = db.execute("SELECT id FROM jobs WHERE user_id = ?", (user_id,)).fetchall()
            db.execute("DELETE FROM users WHERE id = ?", (user_id,))
            db.execute("DELETE FROM results WHERE user_id = ?", (user_id,))
            for (job_id,) in rows:
                _strike_out(db, job_id)
            return [str(job_id) for (job_id,) in rows]

        return await self._do(work)

    async def accept(
        self, job_id: str, user_id: int, job: str, per_user: int, in_all: int
    ) -> Verdict:
        now = time.time()

        def work(db: sqlite3.Connection) -> Verdict:
            if db.execute("SELECT 1 FROM finished WHERE id = ?", (job_id,)).fetchone():
                return "finished"
            if db.execute("SELECT 1 FROM jobs WHERE id = ?", (job_id,)).fetchone():
                return "known"
            count = "SELECT count(*) FROM jobs"
            if db.execute(count).fetchone()[0] >= in_all:
                return "full"
            waiting = f"{count} WHERE user_id = ? AND started IS NULL"
            if db.execute(waiting, (user_id,)).fetchone()[0] >= per_user:
                return "too_many"
            db.execute(
                "INSERT INTO jobs (id, user_id, job, accepted, ready) VALUES (?, ?, ?, ?, ?)",
                (job_id, user_id, job, now, now),
            )
            return "accepted"

        return await self._do(work)

    async def extend(self, job_id: str, job: str, instead_of: str) -> bool:
        change = "UPDATE jobs SET job = ? WHERE id = ? AND started IS NULL"

        def work(db: sqlite3.Connection) -> bool:
            if not db.execute(change, (job, job_id)).rowcount:
                return False
            db.execute("INSERT OR REPLACE INTO finished VALUES (?, ?)", (instead_of, time.time()))
            return True

        return await self._do(work)

    async def note_progress(self, job_id: str, job: str) -> None:
        change = "UPDATE jobs SET job = ? WHERE id = ?"
        await self._do(lambda db: db.execute(change, (job, job_id)))

    async def job(self, job_id: str) -> Accepted | None:
        return await self._do(lambda db: _job(db, job_id))

    async def jobs(self, user_id: int | None = None) -> list[Accepted]:
        where, values = ("", ()) if user_id is None else (" WHERE user_id = ?", (user_id,))
        query = f"SELECT {COLUMNS} FROM jobs{where} ORDER BY number"  # noqa: S608 constants only
        rows = await self._do(lambda db: db.execute(query, values).fetchall())
        return [Accepted(*row) for row in rows]

    async def begin(self, job_id: str) -> Accepted | None:
        change = "UPDATE jobs SET attempts = attempts + 1, started = ? WHERE id = ?"

        def work(db: sqlite3.Connection) -> Accepted | None:
            db.execute(change, (time.time(), job_id))
            return _job(db, job_id)

        return await self._do(work)

    async def hand_back(self, job_id: str) -> None:
        change = "UPDATE jobs SET attempts = max(attempts - 1, 0), started = NULL WHERE id = ?"
        await self._do(lambda db: db.execute(change, (job_id,)))

    async def make_ready(self, job_id: str) -> None:
        change = "UPDATE jobs SET ready = ? WHERE id = ?"
        await self._do(lambda db: db.execute(change, (time.time(), job_id)))

    async def count_attempt(self, job_id: str, by: int) -> None:
        change = "UPDATE jobs SET attempts = max(attempts + ?, 0) WHERE id = ?"
        await self._do(lambda db: db.execute(change, (by, job_id)))

    async def set_status(self, job_id: str, message_id: int | None, instead_of: int | None) -> bool:
        change = "UPDATE jobs SET status_id = ?, status_sent = ? WHERE id = ? AND status_id IS ?"
        values = (message_id, time.time(), job_id, instead_of)
        return await self._do(lambda db: db.execute(change, values).rowcount > 0)

    async def finish(self, job_id: str) -> bool:
        return await self._do(lambda db: _strike_out(db, job_id))

    async def note_result(self, user_id: int, result: str, kept: int) -> None:
        add = "INSERT INTO results (user_id, result) VALUES (?, ?)"
        forget = (
            "DELETE FROM results WHERE user_id = ? AND number NOT IN "
            "(SELECT number FROM results WHERE user_id = ? ORDER BY number DESC LIMIT ?)"
        )

        def work(db: sqlite3.Connection) -> None:
            db.execute(add, (user_id, result))
            db.execute(forget, (user_id, user_id, kept))

        await self._do(work)

    async def results(self, user_id: int) -> list[str]:
        query = "SELECT result FROM results WHERE user_id = ? ORDER BY number DESC"
        rows = await self._do(lambda db: db.execute(query, (user_id,)).fetchall())
        return [str(row[0]) for row in rows]

    async def note_seconds(self, kind: str, seconds: float) -> None:
        change = (
            "INSERT INTO pace VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET seconds = seconds + ? * (excluded.seconds - seconds)"
        )
        await self._do(lambda db: db.execute(change, (kind, seconds, PACE_SMOOTHING)))

    async def mean_seconds(self) -> dict[str, float]:
        return dict(await self._do(lambda db: db.execute("SELECT * FROM pace").fetchall()))

    async def count(self, what: str, amount: float = 1) -> None:
        days = last_days(TALLIED_DAYS)
        change = (
            "INSERT INTO tallies VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET amount = amount + excluded.amount"
        )

        def add(db: sqlite3.Connection) -> None:
            db.execute(change, (days[0], what, amount))
            db.execute("DELETE FROM tallies WHERE day < ?", (days[-1],))

        await self._do(add)

    async def tallies(self, days: int) -> dict[str, dict[str, float]]:
        query = "SELECT day, what, amount FROM tallies WHERE day >= ? ORDER BY day DESC, what"
        first = last_days(days)[-1]
        tallies: dict[str, dict[str, float]] = {}
        for day, what, amount in await self._do(lambda db: db.execute(query, (first,)).fetchall()):
            tallies.setdefault(day, {})[what] = amount
        return tallies

    async def leads(self, process: str, seconds: float) -> bool:
        return True  # there is no other process

    async def is_writable(self) -> bool:
        change = "INSERT OR REPLACE INTO updates VALUES (-1, ?)"
        await self._do(lambda db: db.execute(change, (time.time(),)))
        return True


def _migrate(db: sqlite3.Connection) -> None:
    """Brings the file to the newest version, each step whole or not at all; raises `StoreError`
    for one that a later Paintbox wrote.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise StoreError(f"its file has version {version}, this Paintbox knows {len(MIGRATIONS)}")
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")


def _job(db: sqlite3.Connection, job_id: str) -> Accepted | None:
    query = f"SELECT {COLUMNS} FROM jobs WHERE id = ?"  # noqa: S608 constants only
    row = db.execute(query, (job_id,)).fetchone()
    return Accepted(*row) if row else None


def _strike_out_update(db: sqlite3.Connection, update_id: int) -> None:
    now = time.time()
    db.execute("DELETE FROM inbox WHERE id = ?", (update_id,))
    db.execute("INSERT OR IGNORE INTO updates VALUES (?, ?)", (update_id, now))
    db.execute("DELETE FROM updates WHERE at < ?", (now - KEPT_SECONDS,))


def _strike_out(db: sqlite3.Connection, job_id: str) -> bool:
    now = time.time()
    db.execute("DELETE FROM finished WHERE at < ?", (now - KEPT_SECONDS,))
    if db.execute("DELETE FROM jobs WHERE id = ?", (job_id,)).rowcount == 0:
        return False
    db.execute("INSERT OR REPLACE INTO finished VALUES (?, ?)", (job_id, now))
    return True
