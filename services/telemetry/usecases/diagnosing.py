"""Turns diagnostics into anonymous ones, a batch at a time; whose they are decides the gate."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.diagnostics import OPERATOR, AnonymousDiagnostic, Diagnostic
from contracts.envelope import Event
from contracts.telemetry import ProcessorName
from kit.clock import Clock
from services.telemetry.domain.anonymizer import Dropped, DropReason
from services.telemetry.domain.diagnostics import anonymize, screen
from services.telemetry.metrics import ANONYMISED_DIAGNOSTICS, DROPPED_DIAGNOSTICS
from services.telemetry.usecases.anonymizing import Handles, Tenants
from services.telemetry.usecases.consent import Consents
from services.telemetry.usecases.gate import Closed, Gate, TenantOf
from services.telemetry.usecases.keys import Keys


@dataclass(frozen=True, slots=True)
class AnonymisedDiagnostic:
    """An anonymous diagnostic and the handle that consent is looked up by."""

    event: AnonymousDiagnostic
    handle: str


class DiagnosticOutlet(Protocol):
    """Where anonymous diagnostics go."""

    async def publish(self, batch: Sequence[AnonymisedDiagnostic]) -> None:
        """Return when the broker has all of them; raise ``Unavailable``."""
        ...


class Diagnosing:
    """Default deny: what cannot be anonymised is forgotten and counted."""

    def __init__(
        self, keys: Keys, handles: Handles, tenants: Tenants, outlet: DiagnosticOutlet, clock: Clock
    ) -> None:
        self._keys = keys
        self._handles = handles
        self._tenants = tenants
        self._outlet = outlet
        self._clock = clock

    async def run(self, events: Sequence[Event[Diagnostic]]) -> None:
        """Publish what may be known of them; idempotent by their ids."""
        results = [await self._one(event) for event in events]
        batch = [result for result in results if isinstance(result, AnonymisedDiagnostic)]
        if batch:
            await self._outlet.publish(batch)
        # counted last: a failed batch comes again
        ANONYMISED_DIAGNOSTICS.inc(len(batch))
        for result in results:
            if isinstance(result, Dropped):
                DROPPED_DIAGNOSTICS.labels(result.reason.value).inc()

    async def _one(self, event: Event[Diagnostic]) -> AnonymisedDiagnostic | Dropped:
        refused = screen(event, self._clock.now())
        if refused is not None:
            return refused
        tenant = event.tenantid
        # asked before a key is made: a name that nobody has must not get one
        if tenant != OPERATOR and await self._tenants.tenant(tenant) is None:
            return Dropped(DropReason.UNKNOWN_TENANT)
        key = await self._keys.key(tenant, self._keys.epoch(event.time))
        if key is None:
            return Dropped(DropReason.KEY_DESTROYED)
        result = anonymize(event, key)
        if isinstance(result, Dropped):
            return result
        return AnonymisedDiagnostic(result, await self._handles.handle(tenant))


class DiagnosticGate(Gate):
    """The gate of tenants; what concerns none is the operator's own, and his setting decides."""

    def __init__(
        self, names: TenantOf, consents: Consents, tenants: Tenants, *, own_errors: bool
    ) -> None:
        super().__init__(names, consents, tenants)
        self._own_errors = own_errors

    async def closed(
        self, handles: Collection[str], processor: ProcessorName
    ) -> Mapping[str, Closed]:
        """Return the handles that must not be sent, and why."""
        names = await self._names.tenants(handles)
        own = {handle for handle in handles if names.get(handle) == OPERATOR}
        closed = dict(await super().closed(set(handles) - own, processor))
        if not self._own_errors:
            closed |= dict.fromkeys(own, Closed.OPERATORS_OWN)
        return closed
