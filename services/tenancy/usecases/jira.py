"""How a use case reaches a tenant's Jira site."""

from dataclasses import dataclass
from typing import Protocol

from services.tenancy.domain.secret import Secret
from services.tenancy.domain.tenants import Tenant
from services.tenancy.usecases.ports import Vault


@dataclass(frozen=True)
class JiraSite:
    """An address and the current secret to sign with."""

    base_url: str
    secret: Secret


@dataclass(frozen=True)
class JiraProject:
    """What we take of a project: never its name."""

    id: int
    key: str


class JiraProjects(Protocol):
    """Projects as the app sees them in Jira."""

    async def find(self, site: JiraSite, id_or_key: str) -> JiraProject | None:
        """Return the project, None when it is not there or not visible to the app.

        Raises ``Unavailable`` when Jira cannot be asked, ``Forbidden`` when it refuses.
        """
        ...


async def site_of(tenant: Tenant, vault: Vault) -> JiraSite | None:
    """Return the tenant's site, None for a tenant without Jira."""
    install = tenant.install
    if install is None or tenant.site_url is None:
        return None
    current = install.current
    return JiraSite(tenant.site_url, await vault.open(current.sealed, current.place(tenant.id)))
