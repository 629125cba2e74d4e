"""What one process knows of the segments of a range of ids, checked against the stamps each time.

A look costs one read of the blocks' revisions from an index; only what changed is read anew.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from kit.mongo import Database, Document
from kit.segments.blocks import BLOCKS
from kit.segments.ranges import (
    BLOCK_BITS,
    SEGMENT_BITS,
    Range,
    block_of,
    blocks_in,
    ids_of,
    place_of,
    segment_of,
    segments_in,
    without,
)
from kit.segments.summaries import Details, Summaries, Summary

_MOST_GROUPS = 300_000
"""In memory, of all tenants (about 60 MB)."""
_EMPTY = 5
"""So many groups need the room of a range without any: most projects are small."""
_MOST_DETAILS = 1_024
"""Segments whose details are in memory (about 50 MB)."""
_SEGMENTS = 1 << (BLOCK_BITS - SEGMENT_BITS)


@dataclass(frozen=True, slots=True)
class Piece:
    """A range of ids; without a summary its documents must be looked at.

    ``claimed``: that is so because somebody may write to them now.
    """

    first: int
    end: int
    summary: Summary | None = None
    claimed: bool = False

    @property
    def span(self) -> Range:
        """The range."""
        return self.first, self.end


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim, as readers see it."""

    first: int
    end: int
    owner: int | None


@dataclass(frozen=True, slots=True)
class _Block:
    rev: int
    stamps: Mapping[str, str]
    claims: tuple[Claimed, ...]


@dataclass
class Known:
    """The segments of one range, as of the last look."""

    span: Range
    blocks: dict[int, _Block] = field(default_factory=dict)
    summaries: dict[int, Summary] = field(default_factory=dict)
    """Valid ones, in order."""
    _pieces: list[Piece] | None = None

    @property
    def claims(self) -> list[Claimed]:
        """Return all claims."""
        return [c for b in self.blocks.values() for c in b.claims]

    @cached_property
    def count(self) -> int:
        """Return how many documents the summaries have."""
        return sum(summary.count for summary in self.summaries.values())

    def stamp(self, segment: int) -> str:
        """Return the segment's stamp; empty where nobody ever claimed it."""
        block = self.blocks.get(block_of(segment))
        return block.stamps.get(place_of(segment), "") if block is not None else ""

    def claimed(self, segment: int) -> bool:
        """Whether somebody may write to the segment now."""
        block = self.blocks.get(block_of(segment))
        if block is None:
            return False
        first, end = ids_of(segment)
        return any(c.first < end and c.end > first for c in block.claims)

    def pieces(self, hidden: Collection[int] = ()) -> list[Piece]:
        """Return the range in pieces, in order; nothing of what belongs to a hidden owner."""
        if self._pieces is None:
            self._pieces = list(self._cut())
        holes = [(c.first, c.end) for c in self.claims if c.owner in hidden] if hidden else []
        if not holes:
            return self._pieces
        found: list[Piece] = []
        for piece in self._pieces:
            if piece.summary is not None:
                found.append(piece)
            else:
                rest = without(piece.span, holes)
                found += [Piece(first, end, claimed=piece.claimed) for first, end in rest]
        return found

    def _cut(self) -> Iterator[Piece]:
        at, end = self.span
        last = next(reversed(self.summaries), None)
        for segment, summary in self.summaries.items():
            first, stop = ids_of(segment)
            yield from self._live(at, first)
            # beyond the highest id that any summary has seen there may be more
            at = stop if segment != last else summary.top + 1
            yield Piece(first, at, summary)
        yield from self._live(at, end)

    def _live(self, first: int, end: int) -> Iterator[Piece]:
        claims = [(ids_of(segment_of(c.first))[0], c.end) for c in self.claims]
        claimed = [c for c in claims if c[0] < end and c[1] > first]
        if claimed and end == self.span[1]:
            # who claims the highest ids comes to those beyond next
            claimed.append((max(c[0] for c in claimed), end))
        at = first
        for start, stop in without((first, end), claimed):
            if at < start:
                yield Piece(at, start, claimed=True)
            yield Piece(start, stop)
            at = stop
        if at < end:
            yield Piece(at, end, claimed=True)


def revisions(tenant: str, spans: Sequence[Range]) -> list[Document]:
    """Return the stages, of ``BLOCKS``, that read what a look at ranges needs."""
    first, stop = min(blocks_in(s).start for s in spans), max(blocks_in(s).stop for s in spans)
    return [
        {"$match": {"tenant": tenant, "block": {"$gte": first, "$lt": stop}}},
        {"$project": {"_id": 0, "block": 1, "rev": 1}},
    ]


class Segments:
    """The reader's side, for one process and one kind of documents."""

    def __init__(self, database: Database, summaries: Summaries, *, blocks: str = BLOCKS) -> None:
        self._blocks = database[blocks]
        self._summaries = summaries
        self._known: OrderedDict[tuple[str, Range], Known] = OrderedDict()
        self._size = 0
        """Of all that is known."""
        self._details: OrderedDict[tuple[str, int, str], Sequence[Details]] = OrderedDict()
        """By tenant, segment and stamp, which no two summaries share."""

    async def look(self, tenant: str, spans: Sequence[Range]) -> list[Known]:
        """Return what is known of ranges of ids at this moment."""
        if not spans:
            return []
        rows = await self._blocks.aggregate(revisions(tenant, spans)).to_list(None)
        return await self.current(tenant, spans, rows)

    async def current(
        self, tenant: str, spans: Sequence[Range], rows: Sequence[Document]
    ) -> list[Known]:
        """Return what is known of ranges, by what ``revisions`` found a moment ago."""
        revs = {r["block"]: r["rev"] for r in rows}
        return [await self._current(tenant, span, revs) for span in spans]

    def at_hand(self, tenant: str, span: Range) -> Known | None:
        """Return what was known at the last look."""
        return self._known.get((tenant, span))

    async def _current(self, tenant: str, span: Range, revs: Mapping[int, int]) -> Known:
        blocks = blocks_in(span)
        mine = {b: rev for b, rev in revs.items() if b in blocks}
        known = self._known.get((tenant, span))
        if known is None or mine != {b: block.rev for b, block in known.blocks.items()}:
            # a new object each time: others may be reading the former
            query = {"tenant": tenant, "block": {"$gte": blocks.start, "$lt": blocks.stop}}
            known = await self._refreshed(tenant, span, query, known)
            self._keep(tenant, known)
        return known

    async def _refreshed(
        self, tenant: str, span: Range, query: Document, former: Known | None
    ) -> Known:
        rows = await self._blocks.find(query).to_list(None)
        known = Known(span, {r["block"]: _block(r) for r in rows})
        if former is None:
            found = await self._summaries.within(tenant, segments_in(span))
        else:
            found = list(former.summaries.values())
            changed = [b for b, block in known.blocks.items() if former.blocks.get(b) != block]
            have = {s.segment for s in found if known.stamp(s.segment) == s.stamp}
            missing = [
                segment
                for block in changed
                for segment in range(block * _SEGMENTS, (block + 1) * _SEGMENTS)
                if segment not in have
            ]
            found += await self._summaries.of(tenant, missing) if missing else []
        valid = {
            s.segment: s
            for s in found
            if s.stamp == known.stamp(s.segment) and not known.claimed(s.segment)
        }
        known.summaries = dict(sorted(valid.items()))
        return known

    def _keep(self, tenant: str, known: Known) -> None:
        former = self._known.pop((tenant, known.span), None)
        self._size += _size(known) - (_size(former) if former is not None else 0)
        self._known[tenant, known.span] = known
        while self._size > _MOST_GROUPS and len(self._known) > 1:
            self._size -= _size(self._known.popitem(last=False)[1])

    async def details(
        self, tenant: str, summaries: Sequence[Summary]
    ) -> Mapping[int, Sequence[Details]] | None:
        """Return the details by segment; None when some were made anew: look once more."""
        found: dict[int, Sequence[Details]] = {}
        missing = []
        for summary in summaries:
            cached = self._details.get((tenant, summary.segment, summary.stamp))
            if cached is None:
                missing.append(summary)
            else:
                found[summary.segment] = cached
        read: Mapping[int, Sequence[Details]] = {}
        if missing:
            read = await self._summaries.details(tenant, missing)
            if len(read) < len(missing):
                return None
            for summary in missing:
                self._details[tenant, summary.segment, summary.stamp] = read[summary.segment]
            while len(self._details) > _MOST_DETAILS:
                self._details.popitem(last=False)
        return {**found, **read}


def _size(known: Known) -> int:
    """Return about as many groups as it takes the room of."""
    groups = sum(len(s.groups) for s in known.summaries.values()) + len(known.summaries)
    return _EMPTY + groups + sum(len(b.stamps) for b in known.blocks.values())


def _block(row: Document) -> _Block:
    claims = tuple(Claimed(c["first"], c["end"], c["owner"]) for c in row.get("claims", ()))
    return _Block(row["rev"], row["stamps"], claims)
