"""Projections: a local copy of another service's state topic, one document per aggregate.

A row is ``{_id: record key, tenant, seq, ...state}``. Rows only move forward (``seq`` is the
aggregate's revision), so repeats and reordering do no harm. A tombstone leaves a stub
``{_id, seq, gone_at}``: without a tenant no query finds it, and no stale state can replace it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from pymongo import ASCENDING, IndexModel, ReplaceOne, UpdateOne

from contracts.envelope import Event
from contracts.topics import DLQ_RETENTION, Topic
from kit.kafka.records import SEQUENCE_HEADER, Poison, Record, decode
from kit.mongo import Database, Document, bulk_upsert

EventAdapter = TypeAdapter[Event[Any]]

GONE_INDEX = IndexModel(
    [("gone_at", ASCENDING)],
    name="gone",
    partialFilterExpression={"gone_at": {"$exists": True}},
    expireAfterSeconds=int((DLQ_RETENTION + timedelta(days=1)).total_seconds()),
)
"""Stubs go when no dead letter can be older. Exempt from the tenant-first rule: a sweeper's."""

# the newest known state stays as the stub's revision when the tombstone does not say its own
_GONE = [{"$replaceWith": {"_id": "$_id", "seq": "$seq", "gone_at": "$$NOW"}}]


@dataclass
class _Pending:
    """What a batch does to one collection, by row."""

    rows: dict[str, Document] = field(default_factory=dict)
    unnumbered: dict[str, UpdateOne] = field(default_factory=dict)

    def state(self, row_id: str, sequence: int, state: Document) -> None:
        """Keep the newest of the batch, whatever its order."""
        known = self.rows.get(row_id)
        if known is None or known["seq"] < sequence:
            self.rows[row_id] = {**state, "_id": row_id, "seq": sequence}

    def gone(self, row_id: str, sequence: int | None, at: datetime) -> None:
        """The same for a tombstone, which also ends a state of its own revision."""
        known = self.rows.get(row_id)
        if known is not None and sequence is None:
            sequence = int(known["seq"])
        if sequence is None:
            self.unnumbered[row_id] = UpdateOne({"_id": row_id}, _GONE)
        elif known is None or known["seq"] <= sequence:
            self.rows[row_id] = {"_id": row_id, "seq": sequence, "gone_at": at}

    def writes(self) -> list[ReplaceOne[Document]]:
        """Only forward: a row that is newer already refuses the upsert as a duplicate."""
        return [
            ReplaceOne(
                {"_id": row["_id"], "seq": {"$lte" if "gone_at" in row else "$lt": row["seq"]}},
                row,
                upsert=True,
            )
            for row in self.rows.values()
        ]


class Projection:
    """Applies the records of one consumer group to one collection per topic."""

    def __init__(self, database: Database, collections: Mapping[Topic, str]) -> None:
        self._database = database
        self._collections = {topic.name: name for topic, name in collections.items()}
        self._adapters: dict[str, EventAdapter] = {
            topic.name: TypeAdapter(Event[topic.payload])  # type: ignore[name-defined]
            for topic in collections
        }

    async def apply(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Store the newest state of each aggregate of the batch; return what cannot be read."""
        poison: list[Poison] = []
        pending: dict[str, _Pending] = {}
        for record in records:
            fault = self._take(record, pending.setdefault(record.topic.name, _Pending()))
            if fault is not None:
                poison.append(fault)
        for topic, found in pending.items():
            collection = self._database[self._collections[topic]]
            await bulk_upsert(collection, list(found.unnumbered.values()))
            await bulk_upsert(collection, found.writes())
        return poison

    def _take(self, record: Record, pending: _Pending) -> Poison | None:
        row_id = _row_id(record)
        if row_id is None:
            return Poison(record, "key: missing or not UTF-8")
        if record.value is None:
            at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
            pending.gone(row_id, _sequence(record), at)
            return None
        event = decode(record, self._adapters[record.topic.name])
        if isinstance(event, Poison):
            return event
        if event.type == record.topic.type:
            state = {**event.data.model_dump(mode="python"), "tenant": event.tenantid}
            pending.state(row_id, event.sequence, state)
        return None


def _row_id(record: Record) -> str | None:
    try:
        return record.key.decode() if record.key else None
    except UnicodeDecodeError:
        return None


def _sequence(record: Record) -> int | None:
    text = record.headers.get(SEQUENCE_HEADER, b"")
    return int(text) if text.isdigit() else None
