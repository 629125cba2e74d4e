"""How many requests an API token may make in a minute, over all processes of one service.

Each minute of a token has one counter document. A process takes permits from it in batches, so
that most requests cost no round trip, and no number of processes together passes the limit.
Batches begin small, grow with use and shrink as the minute's permits run out.
"""

import asyncio
import math
from collections import OrderedDict
from dataclasses import dataclass, field

from pymongo import ASCENDING, IndexModel, ReturnDocument

from kit.auth.principal import Principal
from kit.clock import Clock
from kit.errors import TooManyRequests
from kit.mongo import Collection, Database, Document, DuplicateKey, MongoError
from kit.observability.metrics import UNCOUNTED_REQUESTS

PERMITS = "token_permits"
INDEXES = {PERMITS: [IndexModel([("until", ASCENDING)], name="until", expireAfterSeconds=0)]}
"""Counters of minutes long gone are swept. Exempt from the tenant-first rule: a sweeper's."""

_MINUTE = 60
_KEPT_MILLISECONDS = 10 * _MINUTE * 1000
_FIRST_BATCH = 8
_LARGEST_SHARE = 50
_MOST_TOKENS = 10_000
_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Quota:
    """What the headers of an answer say; ``reset`` in seconds."""

    limit: int
    remaining: int
    reset: int


@dataclass(slots=True)
class _Minute:
    """One token's minute, as this process knows it."""

    number: int
    limit: int
    held: int = 0
    taken: int = 0
    """By all processes, when we last asked."""
    batch: int = _FIRST_BATCH
    waiting: int = 0
    uncounted_until: float = field(default=float("-inf"))
    """MongoDB did not answer: nobody is counted until then (time of the loop)."""
    refill: asyncio.Task[None] | None = None

    @property
    def remaining(self) -> int:
        return self.held + max(0, self.limit - self.taken)


class RateLimiter:
    """Permits of the tokens that one process serves."""

    def __init__(self, database: Database, limit: int, clock: Clock) -> None:
        self._permits: Collection = database[PERMITS]
        self._limit = limit
        self._clock = clock
        self._minutes: OrderedDict[tuple[str, str], _Minute] = OrderedDict()

    async def admit(self, principal: Principal, lower: int | None = None) -> Quota:
        """Take one permit; raise ``OverLimit`` when the minute has none left.

        ``lower`` is the token's own limit. Does not suspend while permits are held. With MongoDB
        away requests pass uncounted: whatever they want will meet the database itself.
        """
        limit = self._limit if lower is None else min(lower, self._limit)
        key = principal.tenant, principal.token_id
        while True:
            now = self._clock.now().timestamp()
            minute = self._minute(key, int(now) // _MINUTE, limit)
            reset = max(1, math.ceil((minute.number + 1) * _MINUTE - now))
            if minute.held > 0:
                minute.held -= 1
                return Quota(limit, minute.remaining, reset)
            if minute.taken >= limit:
                raise OverLimit(Quota(limit, 0, reset))
            if asyncio.get_running_loop().time() < minute.uncounted_until:
                UNCOUNTED_REQUESTS.inc()
                return Quota(limit, minute.remaining, reset)
            await self._refilled(key, minute)

    def _minute(self, key: tuple[str, str], number: int, limit: int) -> _Minute:
        found = self._minutes.get(key)
        if found is None or found.number != number or found.limit != limit:
            found = self._minutes[key] = _Minute(number, limit)
            self._minutes.move_to_end(key)
            while len(self._minutes) > _MOST_TOKENS:
                self._minutes.popitem(last=False)
        return found

    async def _refilled(self, key: tuple[str, str], minute: _Minute) -> None:
        minute.waiting += 1
        try:
            if minute.refill is None:
                # a task of its own: a cancelled request must not take the others down with it
                minute.refill = asyncio.create_task(self._refill(key, minute))
            await asyncio.shield(minute.refill)
        finally:
            minute.waiting -= 1

    async def _refill(self, key: tuple[str, str], minute: _Minute) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._take(key, minute)
        except (TimeoutError, MongoError):
            minute.uncounted_until = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        finally:
            minute.refill = None

    async def _take(self, key: tuple[str, str], minute: _Minute) -> None:
        left, share = minute.limit - minute.taken, minute.limit // _LARGEST_SHARE
        # permits for those who wait do not lie idle, so their number has no cap
        wanted = max(1, minute.waiting, min(minute.batch, share, left // 4))
        minute.batch = min(2 * minute.batch, max(1, share))
        before = await self._reserve(key, minute, wanted)
        minute.taken = max(before, min(minute.limit, before + wanted))
        minute.held += minute.taken - before

    async def _reserve(self, key: tuple[str, str], minute: _Minute, wanted: int) -> int:
        """Count up to the limit, never beyond it; return what was taken before."""
        tenant, token = key
        taken = {"$ifNull": ["$taken", 0]}
        counted = {"$max": [taken, {"$min": [minute.limit, {"$add": [taken, wanted]}]}]}
        # by the server's time: a clock that is wrong must not have a counter swept too early
        until = {"$add": ["$$NOW", _KEPT_MILLISECONDS]}
        for attempt in (1, 2):
            try:
                row: Document | None = await self._permits.find_one_and_update(
                    {"_id": f"{tenant}/{token}/{minute.number}"},
                    [{"$set": {"taken": counted, "until": until}}],
                    upsert=True,
                    return_document=ReturnDocument.BEFORE,
                )
            except DuplicateKey:
                # two processes began the minute at once; now it is there
                if attempt == 2:
                    raise
            else:
                return int(row["taken"]) if row is not None else 0
        raise AssertionError


class OverLimit(TooManyRequests):
    """The token has made its requests of this minute; ``quota`` is what the headers say."""

    def __init__(self, quota: Quota) -> None:
        super().__init__(
            f"The token may make {quota.limit} requests a minute.", retry_after=quota.reset
        )
        self.quota = quota
