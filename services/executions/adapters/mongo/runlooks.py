"""A look at all that decides about a page of executions, in one round trip.

It reads as if one after the other: the hidden cycles, the revisions of the blocks, and how many
runs are where no summary was at the last look.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kit.mongo import Collection as MongoCollection
from kit.mongo import Document
from kit.segments.blocks import BLOCKS
from kit.segments.known import Known, Segments, revisions
from kit.segments.ranges import Range
from services.executions.adapters.mongo import uploads
from services.executions.adapters.mongo.runqueries import query_of
from services.executions.usecases.testexecutions import ExecutionFilter
from services.executions.usecases.visibility import Hidden


@dataclass(frozen=True)
class Look:
    """What a look found."""

    known: Sequence[Known]
    hidden: Collection[int]
    live: int | None
    """So many runs the filter finds in the only piece without a summary; None: count them."""


class RunLooks:
    """Looks for one process."""

    def __init__(self, executions: MongoCollection, segments: Segments) -> None:
        self._executions = executions
        self._database = executions.database
        self._segments = segments

    async def at(
        self,
        tenant: str,
        wanted: ExecutionFilter,
        hidden: Hidden,
        spans: Sequence[Range],
        *,
        counting: bool,
    ) -> Look:
        """Return what is known of ranges of ids at this moment; notes the hidden cycles."""
        if not spans:
            return Look((), (), None)
        last = self.last(tenant, spans) if counting else None
        guess = _live(last) if last is not None else None
        counted: list[Document] = []
        if guess is not None:
            found = [{"$match": query_of(tenant, wanted, (), guess)}, {"$count": "live"}]
            counted.append({"$unionWith": {"coll": self._executions.name, "pipeline": found}})
        rows = await self._read(tenant, hidden, spans, counted)
        known = await self._segments.current(tenant, spans, [r for r in rows if "rev" in r])
        left_out = await hidden.cycles()
        live = None
        if guess is not None and known[0] is last:
            live = sum(r["live"] for r in rows if "live" in r)
            if live and left_out:
                # they may be of hidden cycles
                live = None
        return Look(known, left_out, live)

    def last(self, tenant: str, spans: Sequence[Range]) -> Known | None:
        """Return what was known of the only range at the last look."""
        return self._segments.at_hand(tenant, spans[0]) if len(spans) == 1 else None

    async def _read(
        self,
        tenant: str,
        hidden: Hidden,
        spans: Sequence[Range],
        counted: Sequence[Document],
    ) -> Sequence[Document]:
        blocks = revisions(tenant, spans)
        if hidden.known is not None:
            return await self._database[BLOCKS].aggregate([*blocks, *counted]).to_list(None)
        pipeline: list[Document] = [
            {"$match": uploads.hiding(tenant)},
            {"$project": {"_id": 0, "hidden": "$cycle"}},
            {"$unionWith": {"coll": BLOCKS, "pipeline": blocks}},
            *counted,
        ]
        rows = await self._database[uploads.COLLECTION].aggregate(pipeline).to_list(None)
        hidden.known = [r["hidden"] for r in rows if "hidden" in r]
        return rows


def _live(known: Known) -> Range | None:
    """Return the only piece without a summary."""
    found = [piece.span for piece in known.pieces() if piece.summary is None]
    return found[0] if len(found) == 1 else None
