"""Making summaries in the background, where a reader found that they are missing."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from kit.leases import Lease
from kit.mongo import Collection, Database, Document, MongoError
from kit.segments.blocks import BLOCKS, block_id
from kit.segments.claims import Claims
from kit.segments.known import Known, Segments
from kit.segments.ranges import Range, block_of, ids_of, segment_of
from kit.segments.summaries import StoredSummary, Summaries

log = structlog.get_logger(__name__)

BATCH = 16
"""Segments that are made together."""
_PAUSE_SECONDS = 1.0
"""After somebody asked: what is being written may be done by then."""


def _by_ids(span: Range) -> Document:
    return {"id": {"$gte": span[0], "$lt": span[1]}}


class Maker(Protocol):
    """Makes the summaries of one kind of documents."""

    async def make(self, tenant: str, known: Known, segments: Sequence[int]) -> list[StoredSummary]:
        """Return the summaries with the stamps that ``known`` has.

        Calls nothing that writes; what else is void by what it found it gives to ``void``.
        """
        ...


class Making:
    """Makes what is missing; one process at a time, so that two do not undo each other's work."""

    def __init__(
        self,
        database: Database,
        documents: Collection,
        segments: Segments,
        summaries: Summaries,
        claims: Claims,
        maker: Maker,
        turn: Lease,
        *,
        blocks: str = BLOCKS,
        scope: Callable[[Range], Document] = _by_ids,
    ) -> None:
        """``scope`` says in which of the documents of a range there is anything to sum up."""
        self._blocks = database[blocks]
        self._documents = documents
        self._segments = segments
        self._summaries = summaries
        self._claims = claims
        self._maker = maker
        self._turn = turn
        self._scope = scope
        self._wanted: dict[tuple[str, Range], None] = {}
        self._asked = asyncio.Event()

    def want(self, tenant: str, span: Range) -> None:
        """Ask for the summaries of a range; returns at once."""
        self._wanted[tenant, span] = None
        self._asked.set()

    async def run(self) -> None:
        """Make what is asked for; until cancelled."""
        while True:
            await self._asked.wait()
            await asyncio.sleep(_PAUSE_SECONDS)
            try:
                if await self._turn.hold():
                    await self.once()
                    await self._turn.release()
            except MongoError as error:
                log.warning("cannot make summaries", cause=type(error).__name__)

    async def once(self) -> None:
        """Make everything that is asked for at this moment."""
        self._asked.clear()
        wanted = list(self._wanted)
        self._wanted.clear()
        for tenant, span in wanted:
            await self.cover(tenant, span)

    async def cover(self, tenant: str, span: Range) -> None:
        """Make the summaries of a range that are missing and can be made."""
        (known,) = await self._segments.look(tenant, [span])
        top = await self._next(tenant, span, -1)
        if top is None:
            return
        batch: list[int] = []
        at: int | None = await self._next(tenant, span)
        while at is not None:
            segment = segment_of(at)
            if not known.claimed(segment) and not _covers(known, segment, top):
                batch.append(segment)
            if len(batch) == BATCH:
                known = await self._make(tenant, span, batch)
                batch = []
                await self._turn.hold()
            at = ids_of(segment)[1]
            if segment + 1 not in known.summaries:
                # numbers may be missing, millions of them after an import
                at = await self._next(tenant, (at, span[1]))
        if batch:
            await self._make(tenant, span, batch)

    async def _make(self, tenant: str, span: Range, batch: Sequence[int]) -> Known:
        # a stamp of this making's own: of two makers the first one's work is void
        await self._claims.void(tenant, batch)
        (known,) = await self._segments.look(tenant, [span])
        quiet = [s for s in batch if not known.claimed(s)]
        if quiet:
            for row in await self._maker.make(tenant, known, quiet):
                await self._summaries.save(row)
            await self._tell(tenant, quiet)
        return (await self._segments.look(tenant, [span]))[0]

    async def _tell(self, tenant: str, segments: Sequence[int]) -> None:
        """Let every process look for the new summaries."""
        for block in {block_of(s) for s in segments}:
            mine = {"_id": block_id(tenant, block), "tenant": tenant}
            await self._blocks.update_one(mine, {"$inc": {"rev": 1}})

    async def _next(self, tenant: str, span: Range, direction: int = 1) -> int | None:
        """Return the lowest id of a range that has a document, or the highest."""
        if span[0] >= span[1]:
            return None
        query = {"tenant": tenant, **self._scope(span)}
        only = {"_id": 0, "id": 1}
        row = await self._documents.find_one(query, only, sort=[("id", direction)])
        return None if row is None else int(row["id"])


def _covers(known: Known, segment: int, top: int) -> bool:
    """Whether a segment has a summary that has seen the highest id, if that is in it."""
    summary = known.summaries.get(segment)
    return summary is not None and (segment_of(top) != segment or summary.top >= top)
