"""Turns product events into anonymous ones, a batch at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.envelope import Event
from contracts.telemetry import AnonymousEvent
from contracts.tenancy import TenantState
from contracts.usage import ProductEvent
from kit.clock import Clock
from kit.directory.view import TenantView
from services.telemetry.domain.anonymizer import Dropped, DropReason, anonymize, screen
from services.telemetry.domain.rules import Context
from services.telemetry.metrics import ANONYMISED, DROPPED_EVENTS
from services.telemetry.usecases.consent import NOTHING_CHOSEN, Consents
from services.telemetry.usecases.keys import Keys, TenantEpoch


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


@dataclass(frozen=True, slots=True)
class _Owner:
    """A tenant, as far as its events need it."""

    state: TenantState
    handle: str
    keep_keys: bool


class Outlet(Protocol):
    """Where anonymous events go."""

    async def publish(self, batch: Sequence[Anonymised]) -> None:
        """Return when the broker has all of them; raise ``Unavailable``."""
        ...


class Anonymizing:
    """Default deny: what cannot be anonymised is forgotten and counted."""

    def __init__(
        self,
        keys: Keys,
        handles: Handles,
        tenants: Tenants,
        consents: Consents,
        outlet: Outlet,
        clock: Clock,
    ) -> None:
        self._keys = keys
        self._handles = handles
        self._tenants = tenants
        self._consents = consents
        self._outlet = outlet
        self._clock = clock

    async def run(self, events: Sequence[Event[ProductEvent]]) -> None:
        """Publish what may be known of the events; idempotent by the events' ids."""
        results = await self.anonymise(events)
        batch = [result for result in results if isinstance(result, Anonymised)]
        if batch:
            await self._outlet.publish(batch)
        # counted last: a failed batch comes again
        ANONYMISED.inc(len(batch))
        for result in results:
            if isinstance(result, Dropped):
                DROPPED_EVENTS.labels(result.reason.value).inc()

    async def anonymise(self, events: Sequence[Event[ProductEvent]]) -> list[Anonymised | Dropped]:
        """Return what becomes of each event; publishes and counts nothing."""
        now = self._clock.now()
        screened = [
            screen(event, now) or (event.tenantid, self._keys.epoch(event.time)) for event in events
        ]
        wanted = {found for found in screened if not isinstance(found, Dropped)}
        owners = await self._owners({tenant for tenant, _ in wanted})
        contexts = await self._contexts(wanted, owners)
        return [
            found if isinstance(found, Dropped) else _one(event, found, owners, contexts)
            for event, found in zip(events, screened, strict=True)
        ]

    async def _owners(self, tenants: Collection[str]) -> dict[str, _Owner]:
        """Look up tenants once for all their events; unknown ones are missing."""
        choices = await self._consents.choices(tenants)
        owners: dict[str, _Owner] = {}
        for tenant in tenants:
            view = await self._tenants.tenant(tenant)
            if view is not None:
                keep_keys = choices.get(tenant, NOTHING_CHOSEN).keep_keys
                handle = await self._handles.handle(tenant)
                owners[tenant] = _Owner(view.tenant, handle, keep_keys)
        return owners

    async def _contexts(
        self, wanted: Collection[TenantEpoch], owners: Mapping[str, _Owner]
    ) -> dict[TenantEpoch, Context]:
        """Look up keys once for all events of an epoch; destroyed ones are missing."""
        # only of tenants that there are: a name that nobody has must not get a key
        keys = await self._keys.keys([pair for pair in wanted if pair[0] in owners])
        return {
            pair: Context(owners[pair[0]].state, key, keep_keys=owners[pair[0]].keep_keys)
            for pair, key in keys.items()
        }


def _one(
    event: Event[ProductEvent],
    pair: TenantEpoch,
    owners: Mapping[str, _Owner],
    contexts: Mapping[TenantEpoch, Context],
) -> Anonymised | Dropped:
    owner, context = owners.get(event.tenantid), contexts.get(pair)
    if owner is None:
        return Dropped(DropReason.UNKNOWN_TENANT)
    if context is None:
        return Dropped(DropReason.KEY_DESTROYED)
    result = anonymize(event, context)
    return result if isinstance(result, Dropped) else Anonymised(result, owner.handle)
