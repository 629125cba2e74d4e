"""Letters: what stands in a DLQ, and what can be told of one without showing its content."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.topics import TOPICS, Subscription, Topic
from kit.kafka import dead_letters as dlq
from kit.kafka.client import Names

_KNOWN = ("ce_id", "ce_type", "ce_tenantid", "ce_sequence", "content-type", "traceparent")


@dataclass(frozen=True)
class Queue:
    """One DLQ of the registry."""

    topic: Topic
    subscription: Subscription
    name: str
    """Physical name."""


@dataclass(frozen=True)
class Letter:
    """One dead letter. ``headers`` are the record's own, without those of the DLQ."""

    queue: Queue
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    notes: Mapping[str, str]
    """The ``dlq-`` headers."""

    @property
    def id(self) -> str:
        """Name it by queue and offset."""
        return f"{self.queue.name}/{self.offset}"

    @property
    def reason(self) -> str:
        """Why it could not be processed; names fields, never values."""
        return self.notes.get(dlq.REASON, "unknown")

    @property
    def was_cut(self) -> bool:
        """Whether its value was too large to park."""
        return dlq.CUT in self.notes

    @property
    def original_key(self) -> bytes | None:
        """The key that the record had."""
        return None if dlq.KEYLESS in self.notes else self.key


def queues(names: Names, *, topic: str | None = None, group: str | None = None) -> list[Queue]:
    """Return the DLQs of the registry; ``topic`` may name the origin or the DLQ itself."""
    found = [
        Queue(t, s, names.dead_letters(t, s))
        for t in TOPICS
        for s in t.subscriptions
        if s.dead_letters
    ]
    return [
        q
        for q in found
        if topic in {None, q.name, q.topic.name, names.topic(q.topic)}
        and group in {None, q.subscription.group}
    ]


def letter_from(queue: Queue, raw: Any) -> Letter:
    """Wrap one of aiokafka's ConsumerRecords."""
    headers = {name: value or b"" for name, value in raw.headers}
    return Letter(
        queue,
        raw.offset,
        raw.timestamp,
        raw.key,
        raw.value,
        {k: v for k, v in headers.items() if not k.startswith(dlq.PREFIX)},
        {k: v.decode("utf-8", "replace") for k, v in headers.items() if k.startswith(dlq.PREFIX)},
    )


def describe(letter: Letter, *, payload: bool = False) -> list[str]:
    """Return lines about one letter; key, unknown headers and value only with ``payload``."""
    lines = [
        letter.id,
        f"  reason   {letter.reason}",
        f"  origin   {letter.notes.get(dlq.ORIGIN, 'unknown')}",
        f"  group    {letter.queue.subscription.group}",
        f"  parked   {letter.notes.get(dlq.AT, 'unknown')}",
        f"  version  {letter.notes.get(dlq.SERVICE_VERSION, 'unknown')}",
        f"  key      {_shown(letter.original_key, payload)}",
        f"  value    {_value(letter, payload)}",
    ]
    for name, value in letter.headers.items():
        lines.append(f"  header   {name}: {_shown(value, payload or name in _KNOWN)}")
    return lines


def _value(letter: Letter, payload: bool) -> str:
    if letter.was_cut:
        size = letter.notes[dlq.CUT]
        return f"left out: {size} bytes are more than a letter holds; read it at its origin"
    return "none (a tombstone)" if letter.value is None else _shown(letter.value, payload)


def _shown(value: bytes | None, content: bool) -> str:
    if value is None:
        return "none"
    if not content:
        return f"{len(value)} bytes"
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"{len(value)} bytes: {value!r}"
