"""Turns product events into anonymous ones, a batch at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.envelope import Event
from contracts.telemetry import AnonymousEvent
from contracts.usage import ProductEvent
from kit.clock import Clock
from kit.directory.view import TenantView
from services.telemetry.domain.anonymizer import Dropped, DropReason, anonymize, screen
from services.telemetry.domain.pseudonyms import epoch_of
from services.telemetry.domain.rules import Context
from services.telemetry.metrics import ANONYMISED, DROPPED_EVENTS


class Keys(Protocol):
    """The random keys of pseudonyms."""

    async def key(self, tenant: str, epoch: str) -> bytes:
        """Return the key of a tenant and epoch; the first who asks makes it, for everybody."""
        ...


class Handles(Protocol):
    """Random names of tenants."""

    async def handle(self, tenant: str) -> str:
        """Return the tenant's handle; the first who asks makes it, for everybody."""
        ...


class Tenants(Protocol):
    """What is known of tenants; see ``kit.directory.view.Directory``."""

    async def tenant(self, tenant: str) -> TenantView | None:
        """Return the tenant, None when its owner does not know it either."""
        ...


@dataclass(frozen=True, slots=True)
class Anonymised:
    """An anonymous event and the handle that consent is looked up by."""

    event: AnonymousEvent
    handle: str


class Outlet(Protocol):
    """Where anonymous events go."""

    async def publish(self, batch: Sequence[Anonymised]) -> None:
        """Return when the broker has all of them; raise ``Unavailable``."""
        ...


class Anonymizing:
    """Default deny: what cannot be anonymised is forgotten and counted."""

    def __init__(
        self, keys: Keys, handles: Handles, tenants: Tenants, outlet: Outlet, clock: Clock
    ) -> None:
        self._keys = keys
        self._handles = handles
        self._tenants = tenants
        self._outlet = outlet
        self._clock = clock

    async def run(self, events: Sequence[Event[ProductEvent]]) -> None:
        """Publish what may be known of the events; idempotent by the events' ids."""
        results = [await self._one(event) for event in events]
        batch = [result for result in results if isinstance(result, Anonymised)]
        if batch:
            await self._outlet.publish(batch)
        # counted last: a failed batch comes again
        ANONYMISED.inc(len(batch))
        for result in results:
            if isinstance(result, Dropped):
                DROPPED_EVENTS.labels(result.reason.value).inc()

    async def _one(self, event: Event[ProductEvent]) -> Anonymised | Dropped:
        refused = screen(event, self._clock.now())
        if refused is not None:
            return refused
        view = await self._tenants.tenant(event.tenantid)
        if view is None:
            return Dropped(DropReason.UNKNOWN_TENANT)
        key = await self._keys.key(event.tenantid, epoch_of(event.time))
        result = anonymize(event, Context(view.tenant, key))
        if isinstance(result, Dropped):
            return result
        return Anonymised(result, await self._handles.handle(event.tenantid))
