"""What is counted of a collection, and the summaries of its segments: what shows, in groups."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from contracts.ids import project_of
from kit.mongo import Collection, Document
from kit.segments.known import Known
from kit.segments.ranges import Range, runs, segment_of
from kit.segments.summaries import Key, Member, StoredSummary, stored

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing here asks when a thing was changed, and changes do not claim."""


@dataclass(frozen=True)
class Counted:
    """One collection. ``by``: a field that never changes, whose values part what shows."""

    collection: str
    blocks: str
    summaries: str
    shown: Document = field(default_factory=dict)
    """What a document has while it shows, beside its tenant and project."""
    by: str | None = None
    values: Sequence[str] = ()

    def scope(self, span: Range, value: str | None = None) -> Document:
        """Return the filter of what shows in a range of ids of one project, without the tenant."""
        query = {"project": project_of(span[0]), **self.shown}
        return query | {"id": {"$gte": span[0], "$lt": span[1]}} | self.having(value)

    def having(self, value: str | None) -> Document:
        """Return the filter of a value."""
        return {} if self.by is None or value is None else {self.by: value}

    def key(self, row: Document) -> Key:
        """Return the key of a document's group."""
        return () if self.by is None else (self.values.index(row[self.by]),)


class ShownSummaries:
    """Implements ``Maker``."""

    def __init__(self, documents: Collection, counted: Counted) -> None:
        self._documents = documents
        self._counted = counted

    async def make(self, tenant: str, known: Known, segments: Sequence[int]) -> list[StoredSummary]:
        """Return the summaries with the stamps that ``known`` has."""
        # all of it is in the index
        only = {"_id": 0, "id": 1} | ({self._counted.by: 1} if self._counted.by else {})
        members: dict[int, list[Member]] = {segment: [] for segment in segments}
        for span in runs(segments):
            query = {"tenant": tenant, **self._counted.scope(span)}
            async for row in self._documents.find(query, only):
                ident, key = row["id"], self._counted.key(row)
                members[segment_of(ident)].append(Member(ident, ident, key, _NEVER))
        return [stored(tenant, s, known.stamp(s), found) for s, found in members.items()]
