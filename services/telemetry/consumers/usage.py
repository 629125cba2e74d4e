"""Topic ``ostro.usage.event.v1``, group ``telemetry.anonymizer``.

Nothing of this topic is ever dead-lettered or logged: what cannot be read is counted and gone.
"""

from collections.abc import Sequence

import orjson
from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.topics import USAGE
from contracts.usage import ProductEvent
from kit.kafka.records import Poison, Record, decode
from kit.observability.metrics import DROPPED
from services.telemetry.domain.anonymizer import DropReason
from services.telemetry.metrics import DROPPED_EVENTS, DROPPED_FIELDS
from services.telemetry.usecases.suppression import Anonymizer

GROUP = "telemetry.anonymizer"

_ADAPTER = TypeAdapter(Event[ProductEvent])
_KNOWN_FIELDS = frozenset(ProductEvent.model_fields)


class UsageEvents:
    """Decodes product events, one by one."""

    def __init__(self, anonymizing: Anonymizer) -> None:
        self._anonymizing = anonymizing

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Anonymise the batch. Returns no poison: any amount of nonsense must not stop the rest."""
        read = [self._read(record) for record in records]
        await self._anonymizing.run([event for event in read if isinstance(event, Event)])
        for reason in read:
            if isinstance(reason, DropReason):
                DROPPED_EVENTS.labels(reason.value).inc()
                DROPPED.labels(GROUP, USAGE.name).inc()
        return []

    def _read(self, record: Record) -> Event[ProductEvent] | DropReason:
        event = decode(record, _ADAPTER)
        if isinstance(event, Poison):
            return DropReason.UNDECODABLE
        if event.type != USAGE.type:
            return DropReason.UNKNOWN_TYPE
        _count_unknown_fields(record.value or b"")
        return event


def _count_unknown_fields(value: bytes) -> None:
    try:
        names = orjson.loads(value)["data"].keys()
    except orjson.JSONDecodeError:
        return  # Pydantic reads a little more than orjson does, and has left out the rest
    unknown = len(names - _KNOWN_FIELDS)
    if unknown:
        DROPPED_FIELDS.inc(unknown)
