"""Topic ``ostro.telemetry.diagnostic.v1``, group ``telemetry.diagnostics``; its anonymous form.

Nothing of the first is ever dead-lettered or logged: what cannot be read is counted and gone.
"""

import contextlib
from collections.abc import Sequence

import orjson
from pydantic import TypeAdapter

from contracts.diagnostics import OPERATOR, AnonymousDiagnostic, Diagnostic
from contracts.envelope import Event
from contracts.telemetry import NO_TENANT, TENANT_HANDLE_HEADER
from contracts.topics import ANONYMOUS_DIAGNOSTIC, DIAGNOSTIC
from kit.kafka.records import Poison, Record, decode
from kit.observability.metrics import DROPPED
from services.telemetry.domain.anonymizer import DropReason
from services.telemetry.domain.diagnostics import Kind, unknown_fields
from services.telemetry.metrics import DROPPED_DIAGNOSTICS, DROPPED_FIELDS
from services.telemetry.usecases.delivery import Delivery
from services.telemetry.usecases.diagnosing import AnonymisedDiagnostic, Diagnosing

GROUP = "telemetry.diagnostics"

_RAW = TypeAdapter(Event[Diagnostic])
_ANONYMOUS = TypeAdapter(Event[AnonymousDiagnostic])


class Diagnostics:
    """Decodes diagnostics, one by one."""

    def __init__(self, diagnosing: Diagnosing) -> None:
        self._diagnosing = diagnosing

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Anonymise the batch. Returns no poison: any amount of nonsense must not stop the rest."""
        read = [_read(record) for record in records]
        await self._diagnosing.run([event for event in read if isinstance(event, Event)])
        for reason in read:
            if isinstance(reason, DropReason):
                DROPPED_DIAGNOSTICS.labels(reason.value).inc()
                DROPPED.labels(GROUP, DIAGNOSTIC.name).inc()
        return []


def _read(record: Record) -> Event[Diagnostic] | DropReason:
    event = decode(record, _RAW)
    if isinstance(event, Poison):
        return DropReason.UNDECODABLE
    if event.type != DIAGNOSTIC.type:
        return DropReason.UNKNOWN_TYPE
    # Pydantic reads a little more than orjson does, and has left out the rest
    with contextlib.suppress(orjson.JSONDecodeError):
        DROPPED_FIELDS.inc(unknown_fields(orjson.loads(record.value or b"")["data"]))
    if event.tenantid == NO_TENANT:
        # our own work on anonymous records concerns no tenant that anybody could name
        return event.model_copy(update={"tenantid": OPERATOR})
    return event


class AnonymousDiagnostics:
    """Decodes anonymous diagnostics for BugSnag; what it cannot read or send is poison."""

    def __init__(self, deliveries: dict[Kind, Delivery[AnonymousDiagnostic]]) -> None:
        self._deliveries = deliveries

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Return when BugSnag has the batch; the rest is poison for the group's DLQ."""
        poison: list[Poison] = []
        items: dict[Kind, list[AnonymisedDiagnostic]] = {kind: [] for kind in self._deliveries}
        by_id: dict[str, Record] = {}
        for record in records:
            item = _read_anonymous(record)
            if isinstance(item, Poison):
                poison.append(item)
            elif (kind := Kind.of(item.event)) in items:  # those of another kind are turned off
                items[kind].append(item)
                by_id.setdefault(item.event.event_id, record)
        for kind, delivery in self._deliveries.items():
            refused = await delivery.deliver(items[kind])
            poison += [
                Poison(by_id[event], why) for event, why in refused.items() if event in by_id
            ]
        return poison


def _read_anonymous(record: Record) -> AnonymisedDiagnostic | Poison:
    event = decode(record, _ANONYMOUS)
    if isinstance(event, Poison):
        return event
    if event.type != ANONYMOUS_DIAGNOSTIC.type:
        return Poison(record, "unknown type")
    handle = record.headers.get(TENANT_HANDLE_HEADER)
    if not handle:
        return Poison(record, "no tenant handle")
    return AnonymisedDiagnostic(event.data, handle.decode("utf-8", "replace"))
