"""Records as we see them: a typed, immutable view of what aiokafka returns, and what we send."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from contracts.envelope import Event
from contracts.topics import Topic
from kit.kafka.client import Names

D = TypeVar("D")

SEQUENCE_HEADER = "ce_sequence"
"""Revision of the aggregate; on tombstones, which have no envelope to hold it."""
TENANT_HEADER = "ce_tenantid"
REPLAY_GROUP_HEADER = "ostro-replay-group"
"""On a replayed dead letter: the only group that processes the record, others skip it."""
REPLAY_FORCED_HEADER = "ostro-replay-forced"
"""Beside it: process the record although its repetition may be noticed."""


@dataclass(frozen=True, slots=True)
class Record:
    """One consumed record. ``topic`` is the registry entry, ``value`` None is a tombstone."""

    topic: Topic
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    timestamp: int
    """Milliseconds since the epoch, by the producer."""

    @property
    def origin(self) -> str:
        """Where it stands: ``topic/partition/offset``."""
        return f"{self.topic.name}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that can never be processed, and why (no content of it)."""

    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to send. ``topic`` is the physical name."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = field(default=())


def records_from(raw: Iterable[Any], names: Names) -> list[Record]:
    """Wrap aiokafka's ConsumerRecords; the last of repeated headers wins."""
    return [
        Record(
            names.logical(r.topic),
            r.partition,
            r.offset,
            r.key,
            r.value,
            {name: value or b"" for name, value in r.headers},
            r.timestamp,
        )
        for r in raw
    ]


def decode(record: Record, adapter: TypeAdapter[D]) -> D | Poison:
    """Validate one value on its bytes. The reason of a poison names fields, never values."""
    if record.value is None:
        return Poison(record, "unexpected tombstone")
    try:
        return adapter.validate_json(record.value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "value"
        return Poison(record, f"{where}: {first['type']}")


def encode(event: Event[Any]) -> bytes:
    """Serialise an event; unset optional fields stay in, so that readers see explicit nulls."""
    return event.model_dump_json().encode()


def outgoing(topic: str, key: str, event: Event[Any], **headers: str) -> Outgoing:
    """Build the record of an event; copies of id, type and tenant stand in headers."""
    pairs = {
        "ce_id": event.id,
        "ce_type": event.type,
        TENANT_HEADER: event.tenantid,
        "content-type": "application/json",
        **headers,
    }
    if event.traceparent:
        pairs["traceparent"] = event.traceparent
    return Outgoing(
        topic, key.encode(), encode(event), tuple((k, v.encode()) for k, v in pairs.items())
    )


def tombstone(topic: str, key: str, sequence: int, **headers: str) -> Outgoing:
    """Build the record that says an aggregate is gone; ``sequence`` is its last revision.

    With it a stale state that comes later (a replayed dead letter) cannot bring the row back.
    """
    pairs = {SEQUENCE_HEADER: str(sequence), **headers}
    return Outgoing(topic, key.encode(), None, tuple((k, v.encode()) for k, v in pairs.items()))


def is_for(record: Record, group: str) -> bool:
    """Whether a group is meant to process the record: replays are for one group alone."""
    only = record.headers.get(REPLAY_GROUP_HEADER)
    return only is None or only == group.encode()


def tenant_of(record: Record) -> str | None:
    """Return the tenant that the record's headers name."""
    found = record.headers.get(TENANT_HEADER)
    return None if found is None else found.decode("utf-8", "replace")
