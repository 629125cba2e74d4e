"""Totals, pages and walks of test executions from the summaries of their segments.

What somebody writes to is looked at as ever; the rest costs no look at a document that is not
shown. Segments without a summary yet are asked for and looked at until they have one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from contracts.ids import project_range
from kit.http.pages import OffsetPage
from kit.mongo import Collection as MongoCollection
from kit.mongo import Document
from kit.segments.known import Known, Piece, Segments
from kit.segments.ranges import Range
from services.executions.adapters.mongo.runlasts import NONE, Lasts, RunLasts
from services.executions.adapters.mongo.runlooks import Ahead, RunLooks
from services.executions.adapters.mongo.runqueries import SHOWN, query_of
from services.executions.adapters.mongo.runsought import AllDetails, Sought
from services.executions.usecases.testexecutions import ExecutionFilter
from services.executions.usecases.visibility import Hidden

Want = Callable[[str, Range], None]
"""Asks for the summaries of a range of ids of a tenant."""
Rows = Sequence[Any]

_TRIES = 3
_MANY_LIVE = 20_000
"""So many runs without a summary are not grouped here."""
_MISSED = 512
"""So many runs without a summary are worth making one."""
_AT_ONCE = 8


class CannotTell(Exception):
    """Too little is summarised, or it changes too fast: look at everything."""


@dataclass(frozen=True)
class _View:
    """One request's pieces, in order."""

    tenant: str
    wanted: ExecutionFilter
    hidden: Sequence[int]
    """Hidden cycles that may have runs in the pieces: to be left out run by run."""
    sought: Sought
    pieces: Sequence[Piece]
    lasts: Lasts
    details: AllDetails
    live: int | None
    """What is found in the pieces without a summary, if that was counted."""
    only: Known | None
    """What the pieces were cut from, where it is one thing and nothing is hidden."""
    page: Rows | None
    """The documents, if they were read ahead."""


class RunTotals:
    """Reads of one process."""

    def __init__(self, executions: MongoCollection, segments: Segments, want: Want) -> None:
        self._executions = executions
        self._segments = segments
        self._want = want
        self._lasts = RunLasts(executions)
        self._looks = RunLooks(executions, segments)

    async def page(
        self, tenant: str, wanted: ExecutionFilter, hidden: Hidden, page: OffsetPage
    ) -> tuple[int, Rows]:
        """Return the total and one offset page, by id; raise ``CannotTell``."""
        for _ in range(_TRIES):
            ahead = self._ahead(tenant, wanted, page)
            view = await self._view(tenant, wanted, hidden, ahead=ahead)
            if view is None:
                continue
            if view.page is not None:
                return await self._total(view), view.page
            counts, rows = await self._answer(view, page)
            if rows is not None:
                return sum(counts), rows
        raise CannotTell

    def _ahead(self, tenant: str, wanted: ExecutionFilter, page: OffsetPage) -> Ahead | None:
        """Return the page as of the last look, if nobody wrote then.

        It holds if the next look finds the same: who writes claims before.
        """
        spans = [project_range(p) for p in wanted.projects]
        last, sought = self._looks.last(tenant, spans), Sought.of(wanted, ())
        if last is None or last.claims or not sought.plain:
            return None
        view = _View(tenant, wanted, (), sought, last.pieces(), NONE, {}, None, last, None)
        early = self._early(view, page)
        window = _window(view, early, page) if early is not None else []
        if len(window) != 1:
            return None
        piece, skip, end = window[0]
        stages: list[Document] = [
            {"$match": query_of(tenant, wanted, (), piece.span)},
            {"$sort": {"id": 1}},
            {"$skip": skip},
            {"$limit": end - skip},
            {"$project": SHOWN},
        ]
        return Ahead(last, stages, end - skip)

    async def _answer(self, view: _View, page: OffsetPage) -> tuple[Sequence[int], Rows | None]:
        early = self._early(view, page)
        if early is not None:
            return await asyncio.gather(self._counts(view), self._rows(view, early, page))
        counts = await self._counts(view)
        return counts, await self._rows(view, counts, page)

    async def walk(
        self, tenant: str, wanted: ExecutionFilter, hidden: Hidden, start: int, limit: int
    ) -> Rows:
        """Return the first ``limit`` runs from an id on; raise ``CannotTell``."""
        for _ in range(_TRIES):
            view = await self._view(tenant, wanted, hidden, start, counting=False)
            if view is None:
                continue
            found: list[Any] = []
            async for some in self._walked(view, start, limit):
                if some is None:
                    break
                found += some
                if len(found) >= limit:
                    return found[:limit]
            else:
                return found
        raise CannotTell

    async def _view(
        self,
        tenant: str,
        wanted: ExecutionFilter,
        hidden: Hidden,
        start: int = 0,
        *,
        counting: bool = True,
        ahead: Ahead | None = None,
    ) -> _View | None:
        spans = [s for p in sorted(wanted.projects) if (s := project_range(p))[1] > start]
        look = await self._looks.at(
            tenant, wanted, hidden, spans, counting=counting and not wanted.only_last, ahead=ahead
        )
        owned = {c.owner for k in look.known for c in k.claims}
        pieces = [p for k in look.known for p in k.pieces(look.hidden) if p.end > start]
        others = [cycle for cycle in look.hidden if cycle not in owned]
        lasts = NONE
        if wanted.only_last:
            lasts = await self._live_lasts(tenant, wanted, others, pieces)
        sought = Sought.of(wanted, {*look.hidden, *lasts.cycles})
        some = []
        if counting and sought.dated:
            found = (p.summary for p in pieces)
            some = [s for s in found if s is not None and sought.takes_details(s)]
        details = await self._segments.details(tenant, some)
        if details is None:
            return None
        only = look.known[0] if len(look.known) == 1 and not look.hidden else None
        return _View(
            tenant, wanted, others, sought, pieces, lasts, details, look.live, only, look.page
        )

    async def _live_lasts(
        self, tenant: str, wanted: ExecutionFilter, hidden: Collection[int], pieces: Sequence[Piece]
    ) -> Lasts:
        lives = [p for p in pieces if p.summary is None]
        counts = await self._live_counts(tenant, ExecutionFilter(), (), lives)
        self._ask(tenant, wanted, lives, counts)
        if sum(counts) > _MANY_LIVE:
            raise CannotTell
        some = [p for p, count in zip(lives, counts, strict=True) if count]
        return await self._lasts.of(tenant, wanted, hidden, some) if some else NONE

    async def _total(self, view: _View) -> int:
        few = view.live is not None and view.live < _MISSED
        if view.only is not None and view.live is not None and few and view.sought.everything:
            return view.only.count + view.live
        return sum(await self._counts(view))

    async def _counts(self, view: _View) -> list[int]:
        """Count what is found in each piece."""
        if view.wanted.only_last:
            return [self._summed(view, p) + len(view.lasts.within(p.span)) for p in view.pieces]
        lives = [p for p in view.pieces if p.summary is None]
        # more than none is found only where nothing is hidden, so in the one piece
        counts: Sequence[int] = [view.live or 0] * len(lives)
        if view.live is None:
            counts = await self._live_counts(view.tenant, view.wanted, view.hidden, lives)
        self._ask(view.tenant, view.wanted, lives, counts)
        live = iter(counts)
        return [next(live) if p.summary is None else self._summed(view, p) for p in view.pieces]

    def _early(self, view: _View, page: OffsetPage) -> list[int] | None:
        """Return the counts as far as the page goes, if no live piece is among them."""
        counts: list[int] = []
        left = page.start_at + page.max_results
        for piece in view.pieces:
            if left <= 0:
                return counts + [0] * (len(view.pieces) - len(counts))
            if piece.summary is None:
                return None
            lasts = len(view.lasts.within(piece.span)) if view.wanted.only_last else 0
            counts.append(self._summed(view, piece) + lasts)
            left -= counts[-1]
        return counts

    def _summed(self, view: _View, piece: Piece) -> int:
        return 0 if piece.summary is None else view.sought.count(piece.summary, view.details)

    async def _live_counts(
        self, tenant: str, wanted: ExecutionFilter, hidden: Sequence[int], lives: Sequence[Piece]
    ) -> list[int]:
        queries = [query_of(tenant, wanted, hidden, p.span) for p in lives]
        if len(queries) > _AT_ONCE:
            # the ends of many projects, where nearly always nothing is
            anything = {"tenant": tenant, "$or": [{"id": q["id"]} for q in queries]}
            if await self._executions.find_one(anything, {"_id": 0, "id": 1}) is None:
                return [0] * len(queries)
        return await asyncio.gather(*(self._executions.count_documents(q) for q in queries))

    def _ask(
        self, tenant: str, wanted: ExecutionFilter, lives: Sequence[Piece], counts: Sequence[int]
    ) -> None:
        """Ask for summaries where many runs have none and nobody writes."""
        missed = zip(lives, counts, strict=True)
        for first in {p.first for p, count in missed if count >= _MISSED and not p.claimed}:
            spans = map(project_range, wanted.projects)
            self._want(tenant, next(s for s in spans if s[0] <= first < s[1]))

    async def _rows(self, view: _View, counts: Sequence[int], page: OffsetPage) -> Rows | None:
        """Return the documents of a page; None when summaries were made anew meanwhile."""
        window = _window(view, counts, page)
        summarised = [p.summary for p, _, _ in window if p.summary is not None]
        details = await self._segments.details(view.tenant, summarised)
        if details is None:
            return None
        found: list[Any] = []
        for piece, skip, end in window:
            if piece.summary is None and not view.wanted.only_last:
                found += await self._found(view, piece.span, skip, end - skip)
            else:
                ids = self._ids(view, piece, details)[skip:end]
                found += await self._by_ids(view.tenant, ids)
        return found

    def _ids(self, view: _View, piece: Piece, details: AllDetails) -> list[int]:
        ids = [] if piece.summary is None else view.sought.ids(piece.summary, details)
        return sorted([*ids, *view.lasts.within(piece.span)])

    async def _walked(self, view: _View, start: int, limit: int) -> AsyncIterator[Rows | None]:
        """Yield runs by id, some at a time; None as ``_rows`` does."""
        pending: list[int] = []
        changed = view.wanted.updated_after is not None
        for piece in view.pieces:
            if _unchanged(piece, view):
                continue
            # of what a summary has when was changed is not known: asked by ids, some at a time, the
            # first change of a segment may be forty questions away
            looked_at = piece.summary is None or (changed and view.sought.plain)
            if looked_at and not view.wanted.only_last:
                yield await self._by_ids(view.tenant, pending, view)
                pending = []
                yield await self._found(view, (max(start, piece.first), piece.end), 0, limit)
                continue
            details: AllDetails | None = {}
            if piece.summary is not None and view.sought.groups(piece.summary):
                details = await self._segments.details(view.tenant, [piece.summary])
            if details is None:
                yield None
                return
            pending += [i for i in self._ids(view, piece, details) if i >= start]
            while len(pending) >= limit:
                some, pending = pending[:limit], pending[limit:]
                yield await self._by_ids(view.tenant, some, view)
        yield await self._by_ids(view.tenant, pending, view)

    async def _found(self, view: _View, span: Range, skip: int, limit: int) -> Rows:
        query = query_of(view.tenant, view.wanted, view.hidden, span)
        rows = self._executions.find(query, SHOWN).sort("id", 1).skip(skip).limit(limit)
        return await rows.to_list(limit)

    async def _by_ids(self, tenant: str, ids: Sequence[int], view: _View | None = None) -> Rows:
        if not ids:
            return []
        query: dict[str, Any] = {"tenant": tenant, "id": {"$in": list(ids)}}
        if view is not None and view.wanted.updated_after is not None:
            query["updated_on"] = {"$gt": view.wanted.updated_after}
        # without the two, a page of 101 is answered in two batches
        found = self._executions.find(query, SHOWN).sort("id", 1)
        return await found.limit(len(ids)).batch_size(len(ids)).to_list(None)


_Window = list[tuple[Piece, int, int]]
"""Pieces, and which of what is found in each: from, to."""


def _window(view: _View, counts: Sequence[int], page: OffsetPage) -> _Window:
    """Return where the page is, by the counts of the pieces."""
    start, stop = page.start_at, page.start_at + page.max_results
    window = [
        (piece, max(0, start - end + count), min(count, stop - end + count))
        for piece, count, end in zip(view.pieces, counts, accumulate(counts), strict=True)
        if count and end > start and end - count < stop
    ]
    return _joined(window) if view.sought.plain else window


def _joined(window: _Window) -> _Window:
    """Join neighbours, which one query reads at once."""
    found: _Window = []
    for piece, skip, end in window:
        if found and found[-1][0].end == piece.first:
            former, first, count = found.pop()
            joined = Piece(former.first, piece.end)
            found.append((joined, first, count + end - skip))
        else:
            found.append((Piece(piece.first, piece.end), skip, end))
    return found


def _unchanged(piece: Piece, view: _View) -> bool:
    after = view.wanted.updated_after
    if piece.summary is None or after is None or view.lasts.within(piece.span):
        return False
    return piece.summary.changed is None or piece.summary.changed <= after
