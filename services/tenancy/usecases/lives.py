"""What both lives of the app need of the store: tenants by their aliases, and who is at a site."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.tenancy import TenantStatus
from contracts.usage import ProductEvent, UsageEventName
from services.tenancy.domain.tenants import Tenant
from services.tenancy.usecases.ports import By, Note


@dataclass(frozen=True)
class Claim:
    """The tenant that is at a Jira site: the one of the newest install. ``rev`` 0: not stored."""

    site_url: str
    tenant: str
    iat: int
    rev: int = 0


@dataclass(frozen=True)
class Change:
    """A tenant as it shall be stored (``rev`` 0: a new one), and what is recorded with it.

    Without a note nobody did anything: no audit row, no usage event.
    """

    tenant: Tenant
    note: Note | None


class LifeStore(Protocol):
    """Tenants by what Jira calls them. ``store`` raises ``ChangedMeanwhile``."""

    async def get(self, tenant: str) -> Tenant | None:
        """Return a tenant by id."""
        ...

    async def by_client_key(self, client_key_hash: str) -> Tenant | None:
        """Return the tenant whose Connect install has this client key."""
        ...

    async def by_installation(self, installation_id: str) -> Tenant | None:
        """Return the tenant whose Forge installation it is."""
        ...

    async def naming_installation(self, installation_id: str) -> Sequence[Tenant]:
        """Return the tenants whose signed Connect payload named this Forge installation."""
        ...

    async def of_cloud(self, cloud_id: str) -> Sequence[Tenant]:
        """Return the tenants that were proved to be at this cloud id, orphaned ones included."""
        ...

    async def at_site(self, site_url: str) -> Sequence[Tenant]:
        """Return the tenants with Jira that have this base URL, orphaned ones included."""
        ...

    async def claim(self, site_url: str) -> Claim | None:
        """Return who is at a site, as it is stored."""
        ...

    async def store(self, changes: Sequence[Change], claim: Claim | None = None) -> None:
        """Store all of it or nothing: changes of tenants read at their ``rev``, and the claim."""
        ...


def first_claim(site_url: str, neighbours: Sequence[Tenant]) -> Claim | None:
    """Return who is at a site that nobody claimed since claims are stored."""
    found = [
        (tenant.install.installed.iat, tenant.id)
        for tenant in neighbours
        if tenant.install is not None and tenant.orphaned_at is None
    ]
    if not found:
        return None
    iat, newest = max(found)
    return Claim(site_url, newest, iat)


def usage_of(before: Tenant, after: Tenant, by: By) -> ProductEvent | None:
    """Return the product event of a change: the app came, went, or neither."""
    was = bool(before.rev) and before.status is not TenantStatus.UNINSTALLED
    now_is = after.status is not TenantStatus.UNINSTALLED
    if was == now_is:
        return None
    return by.usage(UsageEventName.INSTALLED_APP if now_is else UsageEventName.UNINSTALLED_APP)
