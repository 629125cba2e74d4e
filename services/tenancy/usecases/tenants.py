"""Tenants without Jira, and looking tenants up."""

from collections.abc import Sequence

from contracts.tenancy import TenantStatus
from kit.clock import Clock
from kit.errors import Conflict, NotFound
from kit.ids import Ids
from services.tenancy.domain.audit import Action
from services.tenancy.domain.tenants import Tenant
from services.tenancy.usecases.ports import By, Note, TenantStore
from services.tenancy.usecases.retry import until_stored


class Tenants:
    """What an operator does with tenants."""

    def __init__(self, tenants: TenantStore, cell: str, clock: Clock, ids: Ids) -> None:
        self._tenants = tenants
        self._cell = cell
        self._clock = clock
        self._ids = ids

    async def create(self, name: str | None, site_url: str | None, by: By) -> Tenant:
        """Make a tenant without Jira. ``site_url`` is for links only; nothing is ever called."""

        async def attempt() -> Tenant:
            tenant = Tenant(
                id=self._ids.token(),
                status=TenantStatus.ACTIVE,
                cell=self._cell,
                created_at=self._clock.now(),
                name=name,
                site_url=site_url,
            )
            await self._tenants.add(tenant, Note(Action.TENANT_CREATED, by))
            return tenant

        return await until_stored(attempt)

    async def all(self) -> Sequence[Tenant]:
        """Return every tenant, oldest first."""
        return await self._tenants.all()

    async def get(self, tenant: str) -> Tenant:
        """Return a tenant or raise ``NotFound``."""
        found = await self._tenants.get(tenant)
        if found is None:
            raise NotFound(f"There is no tenant {tenant}.")
        return found

    async def active(self, tenant: str) -> Tenant:
        """Return a tenant that may be served, or raise."""
        found = await self.get(tenant)
        if found.status is not TenantStatus.ACTIVE:
            raise Conflict(f"The tenant {tenant} is {found.status.value}.")
        return found
