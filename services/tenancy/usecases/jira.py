"""How a use case reaches a tenant's Jira site, and what every question to Jira may raise.

``Unavailable`` when Jira cannot be asked, ``TooManyRequests`` when it asks for patience, and
``Forbidden`` when it refuses the app; their messages hold nothing of Jira's answer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.tenancy import TenantStatus
from kit.clock import Clock
from kit.errors import NotFound, Unavailable
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.tenants import Tenant
from services.tenancy.usecases.ports import TenantStore, Vault


@dataclass(frozen=True)
class ConnectSecret:
    """The shared secret of a Connect install: requests are signed with it, it is never sent."""

    secret: Secret
    version: int


@dataclass(frozen=True)
class SystemTokenInHand:
    """The system token of a Forge install, opened: it goes with every request."""

    token: Secret
    version: int


Credential = ConnectSecret | SystemTokenInHand


@dataclass(frozen=True)
class JiraSite:
    """A tenant's Jira: where its REST API begins, and what the app proves itself with there."""

    tenant: str
    base_url: str
    """``https://<site>`` for Connect, ``https://api.atlassian.com/ex/jira/<cloudId>`` for Forge."""
    credential: Credential


class CredentialRefused(Unavailable):
    """Jira does not take the app's secret or token, not even as it is stored now.

    The app was uninstalled, or its clock is off, or a rotation has not arrived.
    """

    def __init__(self) -> None:
        super().__init__("The Jira site does not accept the app's credentials.", retry_after=60)


class SiteSource(Protocol):
    """The store's newest word on a tenant's site."""

    async def find(self, tenant: str) -> JiraSite | None:
        """Return the site with its current credential, None when there is none to be asked."""
        ...


@dataclass(frozen=True)
class JiraProject:
    """What we take of a project: never its name."""

    id: int
    key: str
    archived: bool = False


class JiraProjects(Protocol):
    """Projects as the app sees them in Jira."""

    async def find(self, site: JiraSite, id_or_key: str) -> JiraProject | None:
        """Return the project, None when it is not there or not visible to the app.

        Raises ``Unavailable`` when Jira cannot be asked, ``Forbidden`` when it refuses.
        """
        ...


@dataclass(frozen=True)
class RoleActors:
    """Who holds a role in a project: accounts by id, and groups by id."""

    accounts: frozenset[str]
    groups: frozenset[str]


class JiraMemberships(Protocol):
    """Groups and roles, by id. All raise what the module says."""

    async def groups_of(self, site: JiraSite, account_id: str) -> frozenset[str] | None:
        """Return the groups of an account; None when the site does not know the account."""
        ...

    async def is_active(self, site: JiraSite, account_id: str) -> bool:
        """Whether the site knows the account and it is not closed."""
        ...

    async def roles_of_project(self, site: JiraSite, project: int) -> frozenset[str] | None:
        """Return the roles that can be held in a project (Jira's id); None for no such project."""
        ...

    async def role_actors(self, site: JiraSite, project: int, role: str) -> RoleActors | None:
        """Return who holds a role in a project; None for no such project or role."""
        ...


class Sites:
    """The Jira sites of tenants, opened from the store each time: nothing is cached."""

    def __init__(self, tenants: TenantStore, vault: Vault, clock: Clock) -> None:
        self._tenants = tenants
        self._vault = vault
        self._clock = clock

    async def find(self, tenant: str) -> JiraSite | None:
        """Return the site of a tenant, None when there is none that could be asked now."""
        found = await self._tenants.get(tenant)
        return None if found is None else await self.of(found)

    async def of(self, tenant: Tenant) -> JiraSite | None:
        """Return the site of a tenant that was read already."""
        return await site_of(tenant, self._vault, self._clock.now())

    async def get(self, tenant: str) -> JiraSite:
        """Return the site; raise ``NotFound`` without Jira, ``Unavailable`` without a credential.

        The latter is a Forge install whose token ran out: Jira will send the next one.
        """
        found = await self._tenants.get(tenant)
        if found is None or not found.has_jira:
            raise NotFound("The tenant has no Jira site.")
        if found.status is not TenantStatus.ACTIVE:
            raise NotFound("The app is not in use on the tenant's Jira site.")
        site = await self.of(found)
        if site is None:
            raise Unavailable("The app has no valid token for the Jira site now.", retry_after=60)
        return site


async def site_of(tenant: Tenant, vault: Vault, now: datetime) -> JiraSite | None:
    """Return the tenant's site, None when there is no credential that Jira could take.

    Connect's secret comes first: it does not expire.
    """
    install, forge = tenant.install, tenant.forge
    if install is not None and not install.removed and tenant.site_url is not None:
        current = install.current
        secret = await vault.open(current.sealed, current.place(tenant.id))
        return JiraSite(tenant.id, tenant.site_url, ConnectSecret(secret, current.version))
    held = forge.token if forge is not None and not forge.removed else None
    if forge is None or held is None or held.until <= now:
        return None
    token = await vault.open(held.sealed, held.place(tenant.id))
    return JiraSite(tenant.id, forge.api_base_url, SystemTokenInHand(token, held.version))
