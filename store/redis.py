"""The store that web and worker processes share: Redis, its keys all beginning with `paintbox:`.

What reads and then writes is a Lua script: Redis runs it as one step.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Self
from weakref import WeakValueDictionary

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.lock import Lock
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import LockError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from store import (
    KEPT_SECONDS,
    PACE_SMOOTHING,
    TALLIED_DAYS,
    Accepted,
    StoreError,
    Verdict,
    last_days,
)

PREFIX = "paintbox:"
INBOX = f"{PREFIX}inbox"
INBOX_FREE = f"{PREFIX}inbox_free"  # when each of its updates may be taken by any process
LOCK_SECONDS = 10.0  # a process that died while it held a user's lock is waited for no longer
MOST_CONNECTIONS = 50
RETRIES = 3  # of a command whose connection broke: about one second in all

# KEYS: the job, the order, the user's jobs, the finished id.
# ARGV: id, user, job, time, most of a user, most in all.
ACCEPT = """
if redis.call('EXISTS', KEYS[4]) == 1 then return 'finished' end
if redis.call('EXISTS', KEYS[1]) == 1 then return 'known' end
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[6]) then return 'full' end
local waiting = 0
for _, id in ipairs(redis.call('SMEMBERS', KEYS[3])) do
    if redis.call('HEXISTS', 'paintbox:job:' .. id, 'started') == 0 then waiting = waiting + 1 end
end
if waiting >= tonumber(ARGV[5]) then return 'too_many' end
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'user_id', ARGV[2], 'job', ARGV[3],
    'accepted', ARGV[4], 'ready', ARGV[4], 'attempts', 0)
redis.call('ZADD', KEYS[2], redis.call('INCR', 'paintbox:accepted'), ARGV[1])
redis.call('SADD', KEYS[3], ARGV[1])
return 'accepted'
"""

# KEYS: the job. ARGV: what to add to its attempts, when it started, '' or 'as it is', more fields
# and values.
CHANGE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
if tonumber(ARGV[1]) ~= 0 then
    local attempts = redis.call('HINCRBY', KEYS[1], 'attempts', ARGV[1])
    if attempts < 0 then redis.call('HSET', KEYS[1], 'attempts', 0) end
    if ARGV[2] == '' then redis.call('HDEL', KEYS[1], 'started')
    elseif ARGV[2] ~= 'as it is' then redis.call('HSET', KEYS[1], 'started', ARGV[2]) end
end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return redis.call('HGETALL', KEYS[1])
"""

# KEYS: the job. ARGV: the status message, the one before it or '', the time.
SET_STATUS = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if (redis.call('HGET', KEYS[1], 'status_id') or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'status_id', ARGV[1], 'status_sent', ARGV[3])
return 1
"""

# KEYS: the job, the finished id. ARGV: the job's JSON, seconds that the id is kept.
EXTEND = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('HEXISTS', KEYS[1], 'started') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'job', ARGV[1])
redis.call('SET', KEYS[2], 1, 'EX', ARGV[2])
return 1
"""

# KEYS: the job, the order, the finished id. ARGV: id, seconds that the id is kept.
FINISH = """
local user = redis.call('HGET', KEYS[1], 'user_id')
if not user then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('SREM', 'paintbox:jobs_of:' .. user, ARGV[1])
redis.call('SET', KEYS[3], 1, 'EX', ARGV[2])
return 1
"""

# KEYS: the means. ARGV: kind, seconds, weight of the newest.
NOTE_SECONDS = """
local mean = redis.call('HGET', KEYS[1], ARGV[1])
local seconds = tonumber(ARGV[2])
if mean then seconds = mean + tonumber(ARGV[3]) * (seconds - mean) end
redis.call('HSET', KEYS[1], ARGV[1], tostring(seconds))
"""

# KEYS: the inbox, when each of its updates is free. ARGV: seconds, then ids and bodies.
PUT_UPDATES = """
local time = redis.call('TIME')
local free = time[1] + time[2] / 1e6 + ARGV[1]
local new = {}
for i = 2, #ARGV, 2 do
    if redis.call('EXISTS', 'paintbox:update:' .. ARGV[i]) == 0
        and redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) == 1 then
        redis.call('ZADD', KEYS[2], free, ARGV[i])
        table.insert(new, ARGV[i])
    end
end
return new
"""

# KEYS: when each update of the inbox is free. ARGV: seconds, then ids.
HOLD_UPDATES = """
local time = redis.call('TIME')
local free = time[1] + time[2] / 1e6 + ARGV[1]
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'XX', free, ARGV[i]) end
"""

# KEYS: the inbox, when each of its updates is free. ARGV: seconds.
TAKE_UPDATES = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local bodies = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
    redis.call('ZADD', KEYS[2], now + ARGV[1], id)
    table.insert(bodies, {id, redis.call('HGET', KEYS[1], id)})
end
return bodies
"""

# KEYS: who leads. ARGV: this process, milliseconds.
LEAD = """
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


def client_of(url: str, **options: Any) -> Redis:
    """Commands wait for a free connection, where redis-py's own pool raises at the hundred and
    first.
    """
    pool = BlockingConnectionPool.from_url(url, max_connections=MOST_CONNECTIONS, **options)
    return Redis.from_pool(pool)


class RedisStore:
    """Made by `connect`."""

    def __init__(self, client: "Redis") -> None:
        self._redis = client
        self._accept = client.register_script(ACCEPT)
        self._change = client.register_script(CHANGE)
        self._set_status = client.register_script(SET_STATUS)
        self._extend = client.register_script(EXTEND)
        self._finish = client.register_script(FINISH)
        self._note_seconds = client.register_script(NOTE_SECONDS)
        self._lead = client.register_script(LEAD)
        self._put_updates = client.register_script(PUT_UPDATES)
        self._hold_updates = client.register_script(HOLD_UPDATES)
        self._take_updates = client.register_script(TAKE_UPDATES)
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @classmethod
    async def connect(cls, url: str) -> Self:
        retry = Retry(ExponentialBackoff(cap=1, base=0.1), RETRIES)
        store = cls(client_of(url, decode_responses=True, socket_timeout=5, retry=retry))
        with _failures_told():
            await store._redis.ping()
        return store

    async def close(self) -> None:
        await self._redis.aclose()

    @asynccontextmanager
    async def lock(self, user_id: int) -> AsyncIterator[None]:
        """In this process by turns; against other processes by a lock in Redis."""
        own = self._locks.setdefault(user_id, asyncio.Lock())
        shared = self._redis.lock(f"{PREFIX}lock:{user_id}", timeout=LOCK_SECONDS)
        async with own:
            with _failures_told():
                await shared.acquire()
            done = asyncio.Event()
            renewing = asyncio.create_task(_renew(shared, done))
            try:
                yield
            finally:
                done.set()
                await asyncio.wait({renewing})
                with suppress(LockError, RedisError):  # it ends by itself
                    await shared.release()

    async def user(self, user_id: int) -> str | None:
        with _failures_told():
            user = await self._redis.get(f"{PREFIX}user:{user_id}")
        return None if user is None else str(user)

    async def save(self, user_id: int, user: str | None, update_id: int) -> None:
        with _failures_told():
            async with self._redis.pipeline(transaction=True) as both:
                if user is None:
                    both.delete(f"{PREFIX}user:{user_id}")
                else:
                    both.set(f"{PREFIX}user:{user_id}", user)
                _strike_out_update(both, update_id)
                await both.execute()

    async def is_handled(self, update_id: int) -> bool:
        with _failures_told():
            return bool(await self._redis.exists(f"{PREFIX}update:{update_id}"))

    async def put_updates(self, bodies: Mapping[int, str], seconds: float) -> set[int]:
        pairs = [part for pair in bodies.items() for part in pair]
        with _failures_told():
            return {
                int(new) for new in await self._put_updates([INBOX, INBOX_FREE], [seconds, *pairs])
            }

    async def hold_updates(self, update_ids: Sequence[int], seconds: float) -> None:
        with _failures_told():
            await self._hold_updates([INBOX_FREE], [seconds, *update_ids])

    async def take_updates(self, seconds: float) -> list[str]:
        with _failures_told():
            taken = await self._take_updates([INBOX, INBOX_FREE], [seconds])
        return [str(body) for _, body in sorted(taken, key=lambda pair: int(pair[0]))]

    async def strike_out_update(self, update_id: int) -> None:
        with _failures_told():
            async with self._redis.pipeline(transaction=True) as both:
                _strike_out_update(both, update_id)
                await both.execute()

    async def forget(self, user_id: int) -> list[str]:
        with _failures_told():
            await self._redis.delete(f"{PREFIX}user:{user_id}", _results_of(user_id))
            job_ids = [str(job_id) for job_id in await self._redis.smembers(_jobs_of(user_id))]
        return [job_id for job_id in job_ids if await self.finish(job_id)]

    async def accept(
        self, job_id: str, user_id: int, job: str, per_user: int, in_all: int
    ) -> Verdict:
        keys = [_job_key(job_id), f"{PREFIX}jobs", _jobs_of(user_id), _finished_key(job_id)]
        with _failures_told():
            verdict: Verdict = await self._accept(
                keys, [job_id, user_id, job, time.time(), per_user, in_all]
            )
        return verdict

    async def extend(self, job_id: str, job: str, instead_of: str) -> bool:
        keys = [_job_key(job_id), _finished_key(instead_of)]
        with _failures_told():
            return bool(await self._extend(keys, [job, KEPT_SECONDS]))

    async def note_progress(self, job_id: str, job: str) -> None:
        await self._changed(job_id, 0, "", "job", job)

    async def job(self, job_id: str) -> Accepted | None:
        with _failures_told():
            return _accepted(await self._redis.hgetall(_job_key(job_id)))

    async def jobs(self, user_id: int | None = None) -> list[Accepted]:
        with _failures_told():
            job_ids = await self._job_ids(user_id)
            async with self._redis.pipeline(transaction=False) as pipeline:
                for job_id in job_ids:
                    pipeline.hgetall(_job_key(job_id))
                found = [_accepted(fields) for fields in await pipeline.execute()]
        return [job for job in found if job]

    async def _job_ids(self, user_id: int | None) -> list[str]:
        """In the order of acceptance."""
        if user_id is None:
            return [str(job_id) for job_id in await self._redis.zrange(f"{PREFIX}jobs", 0, -1)]
        job_ids = [str(job_id) for job_id in await self._redis.smembers(_jobs_of(user_id))]
        if not job_ids:
            return []
        places = await self._redis.zmscore(f"{PREFIX}jobs", job_ids)
        by_place = sorted(zip(places, job_ids, strict=True), key=lambda pair: pair[0] or 0)
        return [job_id for _, job_id in by_place]

    async def begin(self, job_id: str) -> Accepted | None:
        return await self._changed(job_id, 1, time.time())

    async def hand_back(self, job_id: str) -> None:
        await self._changed(job_id, -1, "")

    async def make_ready(self, job_id: str) -> None:
        await self._changed(job_id, 0, "", "ready", time.time())

    async def count_attempt(self, job_id: str, by: int) -> None:
        await self._changed(job_id, by, "as it is")

    async def set_status(self, job_id: str, message_id: int | None, instead_of: int | None) -> bool:
        new, before = ("" if number is None else number for number in (message_id, instead_of))
        with _failures_told():
            return bool(await self._set_status([_job_key(job_id)], [new, before, time.time()]))

    async def _changed(self, job_id: str, *arguments: str | float) -> Accepted | None:
        with _failures_told():
            fields = await self._change([_job_key(job_id)], arguments)
        return _accepted(dict(zip(fields[::2], fields[1::2], strict=True)))

    async def finish(self, job_id: str) -> bool:
        keys = [_job_key(job_id), f"{PREFIX}jobs", _finished_key(job_id)]
        with _failures_told():
            return bool(await self._finish(keys, [job_id, KEPT_SECONDS]))

    async def note_result(self, user_id: int, result: str, kept: int) -> None:
        with _failures_told():
            async with self._redis.pipeline(transaction=True) as both:
                both.lpush(_results_of(user_id), result)
                both.ltrim(_results_of(user_id), 0, kept - 1)
                await both.execute()

    async def results(self, user_id: int) -> list[str]:
        with _failures_told():
            return [str(result) for result in await self._redis.lrange(_results_of(user_id), 0, -1)]

    async def note_seconds(self, kind: str, seconds: float) -> None:
        with _failures_told():
            await self._note_seconds([f"{PREFIX}pace"], [kind, seconds, PACE_SMOOTHING])

    async def mean_seconds(self) -> dict[str, float]:
        with _failures_told():
            means = await self._redis.hgetall(f"{PREFIX}pace")
        return {str(kind): float(seconds) for kind, seconds in means.items()}

    async def count(self, what: str, amount: float = 1) -> None:
        key = f"{PREFIX}tally:{last_days(1)[0]}"
        with _failures_told():
            async with self._redis.pipeline() as pipe:
                pipe.hincrbyfloat(key, what, amount)
                pipe.expire(key, TALLIED_DAYS * 24 * 3600)
                await pipe.execute()

    async def tallies(self, days: int) -> dict[str, dict[str, float]]:
        tallies: dict[str, dict[str, float]] = {}
        with _failures_told():
            for day in last_days(days):
                if found := await self._redis.hgetall(f"{PREFIX}tally:{day}"):
                    tallies[day] = {str(what): float(found[what]) for what in sorted(found)}
        return tallies

    async def leads(self, process: str, seconds: float) -> bool:
        with _failures_told():
            return bool(await self._lead([f"{PREFIX}leader"], [process, int(seconds * 1000)]))

    async def is_writable(self) -> bool:
        with _failures_told():
            await self._redis.set(f"{PREFIX}written", time.time())
        return True


async def _renew(lock: Lock, done: asyncio.Event) -> None:
    """Keeps the lock until it is done with. It is not cancelled: a command of redis-py may take
    that for a failure of its own, and the lock would be kept for ever.
    """
    with suppress(LockError):
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), LOCK_SECONDS / 4)
                return
            with suppress(RedisConnectionError, RedisTimeoutError):
                await lock.reacquire()


@contextmanager
def _failures_told() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreError(f"Redis: {error}") from error


def _strike_out_update(pipeline: Pipeline, update_id: int) -> None:
    pipeline.hdel(INBOX, str(update_id))
    pipeline.zrem(INBOX_FREE, update_id)
    pipeline.set(f"{PREFIX}update:{update_id}", 1, ex=KEPT_SECONDS)


def _job_key(job_id: str) -> str:
    return f"{PREFIX}job:{job_id}"


def _jobs_of(user_id: int) -> str:
    return f"{PREFIX}jobs_of:{user_id}"


def _results_of(user_id: int) -> str:
    return f"{PREFIX}results_of:{user_id}"


def _finished_key(job_id: str) -> str:
    return f"{PREFIX}finished:{job_id}"


def _accepted(found: Mapping[str | bytes, str | bytes]) -> Accepted | None:
    if not found:
        return None
    fields = {str(name): str(value) for name, value in found.items()}
    status_id, started = fields.get("status_id"), fields.get("started")
    return Accepted(
        id=fields["id"],
        user_id=int(fields["user_id"]),
        job=fields["job"],
        accepted=float(fields["accepted"]),
        ready=float(fields["ready"]),
        status_id=int(status_id) if status_id else None,
        status_sent_at=float(fields.get("status_sent", 0)),
        attempts=int(fields["attempts"]),
        started=float(started) if started else None,
    )
