"""May this leave? Asked right before each request to a processor, after any wait."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Protocol

from contracts.telemetry import ProcessorName
from services.telemetry.usecases.anonymizing import Tenants
from services.telemetry.usecases.consent import NOTHING_CHOSEN, Consents


class Closed(StrEnum):
    """Why an event does not go to a processor."""

    NO_CONSENT = "no consent"
    INACTIVE_TENANT = "inactive tenant"
    OPERATORS_OWN = "operator's own"
    ERASED = "erased"


class TenantOf(Protocol):
    """The way back from a handle."""

    async def tenants(self, handles: Collection[str]) -> Mapping[str, str]:
        """Return the tenant of each handle that is known."""
        ...


class ErasedUsers(Protocol):
    """See ``usecases.suppression.Suppressions``."""

    async def users(self, identities: Collection[str]) -> Collection[str]:
        """Return those that are pseudonyms of erased accounts."""
        ...


class Gate:
    """Consent and tenant state, for the handles of one request; and who was erased."""

    def __init__(
        self,
        names: TenantOf,
        consents: Consents,
        tenants: Tenants,
        users: ErasedUsers | None = None,
    ) -> None:
        self._names = names
        self._consents = consents
        self._tenants = tenants
        self._users = users

    async def erased(self, identities: Collection[str]) -> Collection[str]:
        """Return the identities whose accounts were erased after their events were anonymised."""
        return () if self._users is None else await self._users.users(identities)

    async def closed(
        self, handles: Collection[str], processor: ProcessorName
    ) -> Mapping[str, Closed]:
        """Return the handles whose events must not be sent, and why; an unknown one is closed."""
        names = await self._names.tenants(handles)
        consenting = await self._consenting(names.values(), processor)
        active = {tenant for tenant in consenting if await self._active(tenant)}
        # to look at many tenants takes a while: consent is what is read last
        still = await self._consenting(active, processor)
        closed: dict[str, Closed] = {}
        for handle in handles:
            tenant = names.get(handle)
            if tenant in consenting and tenant not in active:
                closed[handle] = Closed.INACTIVE_TENANT
            elif tenant not in still:
                closed[handle] = Closed.NO_CONSENT
        return closed

    async def inactive(self, handles: Collection[str]) -> frozenset[str]:
        """Return the handles whose tenants are not active, or not known."""
        names = await self._names.tenants(handles)
        found = {tenant for tenant in set(names.values()) if await self._active(tenant)}
        return frozenset(handle for handle in handles if names.get(handle) not in found)

    async def keeping_keys(self, handles: Collection[str]) -> frozenset[str]:
        """Return the handles whose tenants let issue and test keys stay in URL paths."""
        names = await self._names.tenants(handles)
        chosen = await self._consents.choices(names.values())
        return frozenset(
            handle
            for handle, tenant in names.items()
            if chosen.get(tenant, NOTHING_CHOSEN).keep_keys
        )

    async def _consenting(
        self, tenants: Collection[str], processor: ProcessorName
    ) -> frozenset[str]:
        granted = await self._consents.granted(tenants)
        return frozenset(tenant for tenant, names in granted.items() if processor in names)

    async def _active(self, tenant: str) -> bool:
        view = await self._tenants.tenant(tenant)
        return view is not None and view.active
