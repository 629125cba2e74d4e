"""A look at all that decides about a page of executions, in one round trip.

It reads as if one after the other: the page itself as the last look has it, the hidden cycles, the
revisions of the blocks, and how many runs are where no summary was at the last look.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from kit.mongo import Collection as MongoCollection
from kit.mongo import Document
from kit.segments.blocks import BLOCKS
from kit.segments.known import Known, Segments, revisions
from kit.segments.ranges import Range
from services.executions.adapters.mongo import uploads
from services.executions.adapters.mongo.runqueries import query_of
from services.executions.usecases.testexecutions import ExecutionFilter
from services.executions.usecases.visibility import Hidden

_Stages = Sequence[Document]
_Part = tuple[str, _Stages]
"""Stages, and the collection that they are of."""
_MORE = 1_000
"""Rows beyond those of a page that come with the first answer."""


@dataclass(frozen=True)
class Ahead:
    """A page as of the last look, to be read with the next one."""

    known: Known
    stages: _Stages
    limit: int


@dataclass(frozen=True)
class Look:
    """What a look found."""

    known: Sequence[Known]
    hidden: Collection[int]
    live: int | None
    """So many runs the filter finds in the only piece without a summary; None: count them."""
    page: Sequence[Any] | None
    """What was read ahead, if it holds: nobody wrote since the last look, and nothing is hidden."""


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
        ahead: Ahead | None = None,
    ) -> Look:
        """Return what is known of ranges of ids at this moment; notes the hidden cycles."""
        if not spans:
            return Look((), (), None, None)
        last = self.last(tenant, spans) if counting else None
        live = _live(last) if last is not None else None
        parts: list[_Part] = [] if ahead is None else [(self._executions.name, ahead.stages)]
        parts += _hidden(tenant, hidden)
        parts.append((BLOCKS, revisions(tenant, spans)))
        if live is not None:
            found: _Stages = [{"$match": query_of(tenant, wanted, (), live)}, {"$count": "live"}]
            parts.append((self._executions.name, found))
        rows = await self._read(parts, 0 if ahead is None else ahead.limit)
        known = await self._segments.current(tenant, spans, [r for r in rows if "rev" in r])
        if hidden.known is None:
            hidden.known = [r["hidden"] for r in rows if "hidden" in r]
        count, page = None, None
        if live is not None and known[0] is last:
            count = sum(r["live"] for r in rows if "live" in r)
        if ahead is not None and known[0] is ahead.known and not hidden.known:
            page = [r for r in rows if "_id" in r]
        if count and hidden.known:
            # they may be of hidden cycles
            count = None
        return Look(known, hidden.known, count, page)

    def last(self, tenant: str, spans: Sequence[Range]) -> Known | None:
        """Return what was known of the only range at the last look."""
        return self._segments.at_hand(tenant, spans[0]) if len(spans) == 1 else None

    async def _read(self, parts: Sequence[_Part], limit: int) -> Sequence[Document]:
        """Read one after the other, in one round trip."""
        (first, pipeline), *others = parts
        unions = [{"$unionWith": {"coll": name, "pipeline": stages}} for name, stages in others]
        found = self._database[first].aggregate([*pipeline, *unions], batchSize=limit + _MORE)
        return await found.to_list(None)


def _hidden(tenant: str, hidden: Hidden) -> list[_Part]:
    if hidden.known is not None:
        return []
    shown = {"_id": 0, "hidden": "$cycle"}
    return [(uploads.COLLECTION, [{"$match": uploads.hiding(tenant)}, {"$project": shown}])]


def _live(known: Known) -> Range | None:
    """Return the only piece without a summary."""
    found = [piece.span for piece in known.pieces() if piece.summary is None]
    return found[0] if len(found) == 1 else None
