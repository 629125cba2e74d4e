"""Totals and offset pages of what shows, without a look at each document: by ``kit/segments``.

What somebody writes to, or what has no summary yet, is counted in the index. So whoever makes a
document show, or show no more, does it within ``writing``. Why: docs/adr/0024-segments.md.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from pymongo import ASCENDING

from contracts.ids import project_of, project_range
from kit.http.pages import OffsetPage
from kit.mongo import Database, Document
from kit.segments.claims import Claims
from kit.segments.known import Known, Piece, Segments, revisions
from kit.segments.ranges import SEGMENT_IDS, Range
from kit.segments.summaries import Summary
from services.testcases.adapters.mongo.totalsummaries import Counted

_MISSED = 512
"""So many without a summary are worth making one."""
_AT_ONCE = 8
"""More pieces are counted in two questions."""
_BY_ID = [("project", ASCENDING), ("id", ASCENDING)]
"""Order by id: ids of one project are one range, and the indexes have the project first."""


@dataclass(frozen=True)
class _Sought:
    """What a page is of; ``value`` is one of ``Counted.values``."""

    tenant: str
    projects: Sequence[int]
    value: str | None


class Totals:
    """What lists of one collection ask, and the claims of who writes to it; one per process."""

    def __init__(
        self,
        database: Database,
        counted: Counted,
        claims: Claims,
        segments: Segments,
        want: Callable[[str, Range], None],
    ) -> None:
        self._documents = database[counted.collection]
        self._blocks = database[counted.blocks]
        self._counted = counted
        self._claims = claims
        self._segments = segments
        self._want = want

    def writing(self, tenant: str, ids: Iterable[int]) -> AbstractAsyncContextManager[None]:
        """Say that these documents come to show, or cease to, within the block."""
        return self._claims.writing(tenant, ids)

    async def page(
        self,
        tenant: str,
        projects: Collection[int],
        page: OffsetPage,
        fields: Mapping[str, int] | None = None,
        value: str | None = None,
    ) -> tuple[int, Sequence[Document]]:
        """Return how many show and one page of them, by id."""
        sought = _Sought(tenant, sorted(projects), value)
        if not page.start_at:
            counted, rows = await asyncio.gather(
                self._counts(sought), self._rows(sought, 0, 0, page.max_results, fields)
            )
            return sum(counted[1]), rows
        pieces, counts = await self._counts(sought)
        left = page.start_at
        for piece, count in zip(pieces, counts, strict=True):
            if left < count:
                first, skip = await self._begin(sought, piece, left)
                rows = await self._rows(sought, first, skip, page.max_results, fields)
                return sum(counts), rows
            left -= count
        return sum(counts), []

    async def _counts(self, sought: _Sought) -> tuple[Sequence[Piece], Sequence[int]]:
        """Return the pieces, by id, and how many show in each."""
        known, live = await self._look(sought)
        pieces = [piece for one in known for piece in one.pieces()]
        lives = [piece for piece in pieces if piece.summary is None]
        found = iter(await self._live(sought, lives) if live is None else [live])
        counts = [
            next(found) if piece.summary is None else self._summed(sought, piece.summary)
            for piece in pieces
        ]
        for piece, count in zip(pieces, counts, strict=True):
            if piece.summary is None and count >= _MISSED and not piece.claimed:
                self._want(sought.tenant, project_range(project_of(piece.first)))
        return pieces, counts

    async def _look(self, sought: _Sought) -> tuple[Sequence[Known], int | None]:
        """Return what is known at this moment, and what shows in the only piece without a summary.

        That is None where there is not one such piece, or another one than at the last look.
        """
        spans = [project_range(project) for project in sought.projects]
        last = self._segments.at_hand(sought.tenant, spans[0]) if len(spans) == 1 else None
        lives = [p for p in last.pieces() if p.summary is None] if last is not None else []
        if len(lives) != 1:
            return await self._segments.look(sought.tenant, spans), None
        shown = {"tenant": sought.tenant, **self._counted.scope(lives[0].span, sought.value)}
        counted: list[Document] = [{"$match": shown}, {"$count": "live"}]
        pipeline = [
            *revisions(sought.tenant, spans),
            # read after them: who writes claims before
            {"$unionWith": {"coll": self._counted.collection, "pipeline": counted}},
        ]
        rows = await self._blocks.aggregate(pipeline).to_list(None)
        revs = [row for row in rows if "rev" in row]
        known = await self._segments.current(sought.tenant, spans, revs)
        if known[0] is not last:
            return known, None
        return known, sum(row["live"] for row in rows if "live" in row)

    def _groups(self, sought: _Sought, summary: Summary) -> Iterable[int]:
        if sought.value is None:
            return range(len(summary.groups))
        if not summary.groups:
            return ()
        return summary.by(0).get(self._counted.values.index(sought.value), ())

    def _summed(self, sought: _Sought, summary: Summary) -> int:
        if sought.value is None:
            return summary.count
        return sum(summary.groups[number].count for number in self._groups(sought, summary))

    async def _live(self, sought: _Sought, lives: Sequence[Piece]) -> Sequence[int]:
        """Count in the index."""
        tenant, value = sought.tenant, sought.value
        scopes = [self._counted.scope(piece.span, value) for piece in lives]
        if len(lives) <= _AT_ONCE:
            count = self._documents.count_documents
            return await asyncio.gather(*(count({"tenant": tenant, **s}) for s in scopes))
        # of most projects all has no summary, or what has none is the empty end
        whole, ends = [], []
        for piece, scope in zip(lives, scopes, strict=True):
            project = project_of(piece.first)
            if piece.span == project_range(project):
                whole.append(project)
            else:
                ends.append(scope)
        among: Document = {"project": {"$in": whole}, **self._counted.shown}
        queries = [among | self._counted.having(value)] if whole else []
        queries += [{"$or": ends}] if ends else []
        counts = [0] * len(lives)
        firsts = [piece.first for piece in lives]
        for rows in await asyncio.gather(*(self._by_segment(tenant, q) for q in queries)):
            for row in rows:
                counts[bisect_right(firsts, row["low"]) - 1] += row["count"]
        return counts

    async def _by_segment(self, tenant: str, query: Document) -> Sequence[Document]:
        segment = {"$trunc": {"$divide": ["$id", SEGMENT_IDS]}}
        group = {"_id": segment, "low": {"$min": "$id"}, "count": {"$sum": 1}}
        pipeline = [{"$match": {"tenant": tenant, **query}}, {"$group": group}]
        return await self._documents.aggregate(pipeline).to_list(None)

    async def _begin(self, sought: _Sought, piece: Piece, skip: int) -> tuple[int, int]:
        """Return an id, and how many from there on come before the page."""
        if piece.summary is not None:
            details = await self._segments.details(sought.tenant, [piece.summary])
            if details is not None:  # else it is void by now; the index knows as well
                parts = details[piece.summary.segment]
                groups = self._groups(sought, piece.summary)
                return sorted(i for n in groups for i in parts[n].ids)[skip], 0
        return piece.first, skip

    async def _rows(
        self, sought: _Sought, first: int, skip: int, most: int, fields: Mapping[str, int] | None
    ) -> Sequence[Document]:
        query = {
            "tenant": sought.tenant,
            "project": {"$in": [p for p in sought.projects if p >= project_of(first)]},
            "id": {"$gte": first},
            **self._counted.shown,
            **self._counted.having(sought.value),
        }
        rows = self._documents.find(query, fields).sort(_BY_ID).skip(skip).limit(most)
        return await rows.to_list(most)
