"""Claims: who writes says so before, and when it has written.

A claim gives its segments a new stamp in the same write, so a summary that was made before, or is
being made, is void for good. While the claim stands the segments are counted document by document.
A process shares its claims: the segment that new ids fall into is claimed once, not once a write.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from kit.clock import Clock
from kit.ids import Ids
from kit.mongo import Database, DuplicateKey, MongoError, is_transient
from kit.segments.blocks import BLOCKS, StoredClaim, block_id
from kit.segments.ranges import (
    BLOCK_BITS,
    Range,
    block_of,
    blocks_in,
    ids_of,
    place_of,
    segment_of,
    segments_in,
    segments_of,
)

log = structlog.get_logger(__name__)

TERM = timedelta(minutes=2)
"""How long a claim of a process stands without a renewal."""
GRACE = timedelta(minutes=1)
"""So much longer it is heeded: clocks may differ by less than that."""
_RENEW_SECONDS = 60.0
"""Nobody begins to write under a claim with less left."""
_IDLE_SECONDS = 1.0
_LOOK_SECONDS = 0.5
_SWEEP_SECONDS = 30.0


@dataclass(slots=True)
class _Held:
    """A claim of this process; times are the loop's."""

    token: str
    until: float
    writers: int = 0
    idle_since: float = 0.0
    doubtful: bool = False
    """A write under it was given up without an answer, and may still be done: only time ends it."""


class Claims:
    """The writer's side, for one process and one kind of documents."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, *, blocks: str = BLOCKS) -> None:
        self._blocks = database[blocks]
        self._clock = clock
        self._ids = ids
        self._held: dict[tuple[str, int], _Held] = {}
        self._taking: dict[tuple[str, int], asyncio.Lock] = {}

    async def take(
        self, tenant: str, span: Range, token: str, owner: int | None = None, *, ends: bool = False
    ) -> None:
        """Claim a range; repeats do no harm. ``ends``: the claim dies with its process."""
        until = self._clock.now() + TERM if ends else None
        for block in blocks_in(span):
            part = _part(span, block)
            claim = StoredClaim(token=token, first=part[0], end=part[1], owner=owner, until=until)
            stamps = {f"stamps.{place_of(s)}": token for s in segments_in(part)}
            one = {"_id": block_id(tenant, block), "tenant": tenant}
            fresh = {**one, "claims.token": {"$ne": token}}
            change = {
                "$inc": {"rev": 1},
                "$set": {**stamps, "block": block},
                "$push": {"claims": dict(claim)},
            }
            with contextlib.suppress(DuplicateKey):
                # a duplicate: the claim is there already, or the block was made a moment ago
                await self._blocks.update_one(fresh, change, upsert=True)
                continue
            await self._blocks.update_one(fresh, change)

    async def end(self, tenant: str, span: Range, token: str) -> None:
        """End a claim; its segments get a new stamp, whether it was there or not."""
        for block in blocks_in(span):
            stamp = self._ids.token()
            stamps = {f"stamps.{place_of(s)}": stamp for s in segments_in(_part(span, block))}
            await self._blocks.update_one(
                {"_id": block_id(tenant, block), "tenant": tenant},
                {"$inc": {"rev": 1}, "$set": stamps, "$pull": {"claims": {"token": token}}},
            )

    async def stands(self, tenant: str, ident: int, token: str) -> bool:
        """Whether a claim covers an id's block still."""
        one = {
            "_id": block_id(tenant, block_of(segment_of(ident))),
            "tenant": tenant,
            "claims.token": token,
        }
        return await self._blocks.find_one(one, {"_id": 1}) is not None

    async def void(self, tenant: str, segments: Iterable[int]) -> None:
        """Give segments a new stamp: what was or is being made of them counts no more."""
        by_block: dict[int, dict[str, str]] = {}
        stamp = self._ids.token()
        for segment in segments:
            by_block.setdefault(block_of(segment), {})[f"stamps.{place_of(segment)}"] = stamp
        for block, stamps in by_block.items():
            await self._blocks.update_one(
                {"_id": block_id(tenant, block), "tenant": tenant},
                {"$inc": {"rev": 1}, "$set": {**stamps, "block": block}},
                upsert=True,
            )

    @contextlib.asynccontextmanager
    async def writing(self, tenant: str, idents: Iterable[int]) -> AsyncIterator[None]:
        """Claim the segments of these ids for as long as the block lasts, or a little longer."""
        segments = segments_of(idents)
        held = [await self._share(tenant, segment) for segment in segments]
        try:
            yield
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) or is_transient(error):
                for one in held:
                    one.doubtful = True
            raise
        finally:
            now = asyncio.get_running_loop().time()
            late = [s for s, one in zip(segments, held, strict=True) if now > one.until]
            for one in held:
                one.writers -= 1
                one.idle_since = now
            if late:
                # this process slept; the claim may have been ended for it before it wrote
                await asyncio.shield(self.void(tenant, late))

    async def _share(self, tenant: str, segment: int) -> _Held:
        key = (tenant, segment)
        lock = self._taking.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                loop = asyncio.get_running_loop()
                one = self._held.get(key)
                if one is None or one.until - loop.time() < _RENEW_SECONDS:
                    until = loop.time() + TERM.total_seconds()
                    fresh = _Held(self._ids.token(), until, idle_since=loop.time())
                    await self.take(tenant, ids_of(segment), fresh.token, ends=True)
                    if one is not None:
                        await self._passed_on(tenant, segment, one)
                    one = self._held[key] = fresh
                one.writers += 1
                return one
        finally:
            if not lock.locked():
                self._taking.pop(key, None)

    async def _passed_on(self, tenant: str, segment: int, former: _Held) -> None:
        if former.writers == 0 and not former.doubtful:
            await self._pull(tenant, segment, former.token)
        # else it stands until its time is over: somebody writes under it, or may do so

    async def run(self) -> None:
        """End claims that nobody writes under any more; until cancelled."""
        swept = float("-inf")
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self.once()
                now = asyncio.get_running_loop().time()
                if now - swept > _SWEEP_SECONDS:
                    await self.sweep()
                    swept = now
            except MongoError as error:
                log.warning("cannot end claims", cause=type(error).__name__)

    async def once(self, *, idle_seconds: float = _IDLE_SECONDS) -> None:
        """End those that are idle; one write each."""
        now = asyncio.get_running_loop().time()
        for key, one in list(self._held.items()):
            if one.writers == 0 and now - one.idle_since >= idle_seconds:
                # from here on nobody shares it
                del self._held[key]
                if not one.doubtful:
                    await self._pull(*key, one.token)

    async def close(self) -> None:
        """End all of this process's claims, after the last request."""
        with contextlib.suppress(MongoError):
            await self.once(idle_seconds=-1)

    async def _pull(self, tenant: str, segment: int, token: str) -> None:
        await self._blocks.update_one(
            {"_id": block_id(tenant, block_of(segment)), "tenant": tenant},
            {"$inc": {"rev": 1}, "$pull": {"claims": {"token": token}}},
        )

    async def sweep(self) -> int:
        """End the claims of dead processes; return how many (exempt: of all tenants)."""
        before = self._clock.now() - GRACE
        rows = await self._blocks.find({"claims.until": {"$lt": before}}).to_list(1_000)
        count = 0
        for row in rows:
            for claim in row["claims"]:
                if claim["until"] is not None and claim["until"] < before:
                    # stamps anew: it may have written a moment ago
                    await self.end(row["tenant"], (claim["first"], claim["end"]), claim["token"])
                    count += 1
        return count


def _part(span: Range, block: int) -> Range:
    return max(span[0], block << BLOCK_BITS), min(span[1], (block + 1) << BLOCK_BITS)
