"""Publishes anonymous events. The envelope around them is as anonymous as they are."""

from collections.abc import Sequence
from typing import Any

from contracts.envelope import Event
from contracts.telemetry import NO_TENANT, TENANT_HANDLE_HEADER, AnonymousEvent
from contracts.topics import ANONYMOUS
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing, outgoing
from services.telemetry.usecases.anonymizing import Anonymised

_Envelope = Event[AnonymousEvent]


class AnonymousTopic:
    """Implements ``usecases.anonymizing.Outlet``."""

    def __init__(self, publisher: Publisher, names: Names) -> None:
        self._publisher = publisher
        self._topic = names.topic(ANONYMOUS)

    async def publish(self, batch: Sequence[Anonymised]) -> None:
        """Return when the broker has all of them."""
        await self._publisher.send([self._record(item) for item in batch])

    def _record(self, item: Anonymised) -> Outgoing:
        event = item.event
        subject = event.user or event.event_id
        # neither trace nor exact time nor id of the product event: each leads back to a person
        envelope: Event[Any] = _Envelope(
            id=event.event_id,
            source="ostro/telemetry",
            type=ANONYMOUS.type,
            subject=subject,
            time=event.hour,
            tenantid=NO_TENANT,
            data=event,
        )
        return outgoing(self._topic, subject, envelope, **{TENANT_HANDLE_HEADER: item.handle})
