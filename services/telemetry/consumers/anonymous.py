"""Topic ``ostro.telemetry.anonymous.v2``: one consumer group per processor."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from contracts.telemetry import TENANT_HANDLE_HEADER, AnonymousEvent
from contracts.topics import ANONYMOUS
from kit.clock import Clock
from kit.kafka.records import (
    REPLAY_FORCED_HEADER,
    REPLAY_GROUP_HEADER,
    Poison,
    Record,
    decode,
)
from services.telemetry.usecases.anonymizing import Anonymised
from services.telemetry.usecases.delivery import Delivery

TOO_OLD = "older than the processor's memory; replay with --force"


class _Envelope(TypedDict):
    """What is needed of ``Event``; to validate the rest takes a quarter of the time."""

    type: str
    tenantid: str
    data: AnonymousEvent


_ADAPTER = TypeAdapter(_Envelope)


class AnonymousEvents:
    """Decodes anonymous events for one processor; what it cannot read or send is poison."""

    def __init__(
        self, delivery: Delivery[AnonymousEvent], remembers: timedelta, clock: Clock
    ) -> None:
        self._delivery = delivery
        self._remembers = remembers
        self._clock = clock

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Return when the processor has the batch; the rest is poison for the group's DLQ."""
        poison: list[Poison] = []
        by_id: dict[str, Record] = {}
        refused = await self._delivery.deliver(self._read(records, poison, by_id))
        return [
            *poison,
            *(Poison(by_id[event], reason) for event, reason in refused.items() if event in by_id),
        ]

    def _read(
        self, records: Sequence[Record], poison: list[Poison], by_id: dict[str, Record]
    ) -> Iterator[Anonymised]:
        for record in records:
            item = read(record)
            if isinstance(item, Poison):
                poison.append(item)
            elif self._too_old_to_repeat(record, item):
                poison.append(Poison(record, TOO_OLD))
            else:
                by_id.setdefault(item.event.event_id, record)
                yield item

    def _too_old_to_repeat(self, record: Record, item: Anonymised) -> bool:
        """Whether it is a replayed letter whose id the processor no longer knows again.

        Others pass whatever their age: it is the first time that they are sent, as far as we know.
        """
        if REPLAY_GROUP_HEADER not in record.headers or REPLAY_FORCED_HEADER in record.headers:
            return False
        return self._clock.now() - item.event.hour > self._remembers


def read(record: Record) -> Anonymised | Poison:
    """Return the event with its handle, or why it is none."""
    event = decode(record, _ADAPTER)
    if isinstance(event, Poison):
        return event
    if event["type"] != ANONYMOUS.type:
        return Poison(record, "unknown type")
    handle = record.headers.get(TENANT_HANDLE_HEADER)
    if not handle:
        return Poison(record, "no tenant handle")
    return Anonymised(event["data"], handle.decode("utf-8", "replace"))
