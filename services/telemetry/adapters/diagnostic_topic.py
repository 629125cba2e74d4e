"""Publishes anonymous diagnostics. The envelope around them is as anonymous as they are."""

from collections.abc import Sequence
from typing import Any

from contracts.diagnostics import AnonymousDiagnostic
from contracts.envelope import Event
from contracts.telemetry import NO_TENANT, TENANT_HANDLE_HEADER
from contracts.topics import ANONYMOUS_DIAGNOSTIC
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing, outgoing
from services.telemetry.usecases.diagnosing import AnonymisedDiagnostic


class DiagnosticTopic:
    """Implements ``usecases.diagnosing.DiagnosticOutlet``."""

    def __init__(self, publisher: Publisher, names: Names) -> None:
        self._publisher = publisher
        self._topic = names.topic(ANONYMOUS_DIAGNOSTIC)

    async def publish(self, batch: Sequence[AnonymisedDiagnostic]) -> None:
        """Return when the broker has all of them."""
        await self._publisher.send([self._record(item) for item in batch])

    def _record(self, item: AnonymisedDiagnostic) -> Outgoing:
        event = item.event
        envelope: Event[Any] = Event[AnonymousDiagnostic](
            id=event.event_id,
            source="ostro/telemetry",
            type=ANONYMOUS_DIAGNOSTIC.type,
            subject=event.event_id,
            time=event.minute,
            tenantid=NO_TENANT,
            data=event,
        )
        return outgoing(
            self._topic, event.event_id, envelope, **{TENANT_HANDLE_HEADER: item.handle}
        )
