"""Projections: a local copy of another service's state topic, one document per aggregate.

A row is ``{_id: record key, tenant, seq, ...state}``. Rows only move forward (``seq`` is the
aggregate's revision), so repeats and reordering do no harm.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from pymongo import DeleteOne, UpdateOne

from contracts.envelope import Event
from contracts.topics import Topic
from kit.kafka.records import Poison, Record, decode
from kit.mongo import Database, bulk_upsert

EventAdapter = TypeAdapter[Event[Any]]


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
        newest: dict[str, dict[str, UpdateOne | DeleteOne]] = {}
        for record in records:
            if record.key is None:
                poison.append(Poison(record, "no key"))
                continue
            row_id = record.key.decode("utf-8", "replace")
            writes = newest.setdefault(record.topic.name, {})
            if record.value is None:
                writes[row_id] = DeleteOne({"_id": row_id})
                continue
            event = decode(record, self._adapters[record.topic.name])
            if isinstance(event, Poison):
                poison.append(event)
            elif event.type == record.topic.type:
                writes[row_id] = _forward(row_id, event)
        for topic, by_row in newest.items():
            await bulk_upsert(self._database[self._collections[topic]], list(by_row.values()))
        return poison


def _forward(row_id: str, event: Event[Any]) -> UpdateOne:
    state = event.data.model_dump(mode="python")
    return UpdateOne(
        {"_id": row_id, "seq": {"$lt": event.sequence}},
        {"$set": {**state, "tenant": event.tenantid, "seq": event.sequence}},
        upsert=True,
    )
