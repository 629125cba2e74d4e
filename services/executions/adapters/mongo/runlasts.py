"""The newest run of each case in the cycles that somebody writes to, looked up run by run."""

import asyncio
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kit.mongo import Collection as MongoCollection
from kit.segments.known import Piece
from kit.segments.ranges import Range
from services.executions.adapters.mongo.runqueries import Query, scope_of
from services.executions.adapters.mongo.runsought import Sought
from services.executions.usecases.testexecutions import ExecutionFilter


@dataclass(frozen=True, slots=True)
class Lasts:
    """The newest runs that a filter finds in these cycles; other cycles have none in live ranges.

    Runs without a cycle stand alone; those in live ranges are among them.
    """

    cycles: frozenset[int]
    ids: Sequence[int]
    """In order."""

    def within(self, span: Range) -> Sequence[int]:
        """Return those in a range."""
        return self.ids[bisect_left(self.ids, span[0]) : bisect_left(self.ids, span[1])]


NONE = Lasts(frozenset(), ())


class RunLasts:
    """Looks at every run of the cycles that have runs in live ranges."""

    def __init__(self, executions: MongoCollection) -> None:
        self._executions = executions

    async def of(
        self, tenant: str, wanted: ExecutionFilter, hidden: Collection[int], lives: Sequence[Piece]
    ) -> Lasts:
        """Return the newest runs in what is being written."""
        sought = Sought.of(wanted, ())
        found = await asyncio.gather(
            *(self._cycles(tenant, scope_of(tenant, wanted, hidden, p.span)) for p in lives)
        )
        cycles = set[int | None]().union(*found)
        alone = None in cycles
        named = frozenset(c for c in cycles if c is not None)
        rows = await self._newest(tenant, named) if named else []
        if alone:
            for live in lives:
                query = scope_of(tenant, wanted, hidden, live.span)
                rows += await self._alone(tenant, query | {"cycle": None})
        ids = [ident for ident, end, version in rows if sought.takes(end, version)]
        return Lasts(named, sorted(ids))

    async def _cycles(self, tenant: str, query: Query) -> set[int | None]:
        match = {"tenant": tenant, **query}
        pipeline: list[Query] = [{"$match": match}, {"$group": {"_id": "$cycle"}}]
        return {r["_id"] for r in await self._executions.aggregate(pipeline).to_list(None)}

    async def _newest(
        self, tenant: str, cycles: Collection[int]
    ) -> list[tuple[int, int, int | None]]:
        newest = {"id": "$id", "end": {"$toLong": "$end"}, "version": "$jira_version"}
        pipeline: list[Query] = [
            {"$match": {"tenant": tenant, "cycle": {"$in": sorted(cycles)}}},
            # documents compare by their first field first
            {"$group": {"_id": {"cycle": "$cycle", "case": "$case"}, "run": {"$max": newest}}},
        ]
        rows = self._executions.aggregate(pipeline, allowDiskUse=True)
        return [(r["run"]["id"], r["run"]["end"], r["run"].get("version")) async for r in rows]

    async def _alone(self, tenant: str, query: Query) -> list[tuple[int, int, int | None]]:
        shown = {"_id": 0, "id": 1, "end": {"$toLong": "$end"}, "version": "$jira_version"}
        pipeline: list[Query] = [{"$match": {"tenant": tenant, **query}}, {"$project": shown}]
        rows = self._executions.aggregate(pipeline)
        return [(r["id"], r["end"], r.get("version")) async for r in rows]
