"""Which tenant a Forge installation belongs to. Only what is proved links it; ADR 0017 says why.

In order of strength (facts.md 9): the installation that a signed Connect payload named; the client
key that Jira itself keeps for the app; the cloud id, of a Connect tenant whose secret the site
took. Nothing that a front end can set is looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from kit.clock import Clock
from kit.errors import Forbidden, Unavailable
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.sites import BadSite, SiteRules
from services.tenancy.domain.tenants import Tenant
from services.tenancy.usecases.credentials.forge_invocation import ForgeCall
from services.tenancy.usecases.jira import (
    ConnectSecret,
    CredentialRefused,
    JiraSite,
    SystemTokenInHand,
)
from services.tenancy.usecases.lives import Claim, LifeStore
from services.tenancy.usecases.ports import ClientKeyIndex, Vault

log = structlog.get_logger(__name__)

NO_TENANT = "-"
"""A call for an installation that no tenant has yet."""


class SiteIdentity(Protocol):
    """What a site says about itself. Raises what ``usecases.jira`` names."""

    async def takes_us(self, site: JiraSite) -> bool:
        """Whether the site knows the app and took the credential; False for 404."""
        ...

    async def cloud_id(self, site: JiraSite) -> str | None:
        """Return the site's instance id, from what it tells everybody."""
        ...

    async def client_key(self, site: JiraSite) -> str | None:
        """Return the client key that Jira keeps for the app's Connect life, None without one."""
        ...

    async def address(self, site: JiraSite) -> str | None:
        """Return the base URL of the site as Jira's API tells it."""
        ...


@dataclass(frozen=True)
class Link:
    """A Connect tenant that an installation was proved to belong to, or None.

    ``claim`` says who was at the site before it was looked for.
    """

    tenant: Tenant | None
    site_url: str | None = None
    claim: Claim | None = None


async def own_tenant(tenants: LifeStore, call: ForgeCall) -> Tenant | None:
    """Return the tenant that has the installation of a call; its id may have changed silently."""
    held = await tenants.by_installation(call.installation_id)
    if held is not None:
        return held
    same = [
        tenant
        for tenant in await tenants.of_cloud(call.cloud_id)
        if tenant.forge is not None
        and tenant.orphaned_at is None
        and tenant.forge.environment_id == call.environment_id
    ]
    return same[0] if len(same) == 1 else None


class Identity:
    """Looks for the tenant of a Forge call, and proves Connect tenants."""

    def __init__(
        self,
        tenants: LifeStore,
        site: SiteIdentity,
        vault: Vault,
        index: ClientKeyIndex,
        rules: SiteRules,
        clock: Clock,
    ) -> None:
        self._tenants = tenants
        self._site = site
        self._vault = vault
        self._index = index
        self._rules = rules
        self._clock = clock

    async def own(self, call: ForgeCall) -> Tenant | None:
        """Return the tenant that has the installation of a call."""
        return await own_tenant(self._tenants, call)

    async def connect_tenant(self, call: ForgeCall, token: Secret | None) -> Link:
        """Return the Connect tenant of the site of a call; raise ``Unavailable`` without Jira."""
        named = self._newest(await self._tenants.naming_installation(call.installation_id), call)
        if token is None:
            known = named or self._newest(await self._tenants.of_cloud(call.cloud_id), call)
            return Link(known)
        gateway = JiraSite(NO_TENANT, call.api_base_url, SystemTokenInHand(token, 0))
        address = await self.address(gateway)
        claim = await self._tenants.claim(address)
        known = (
            named
            or await self._by_client_key(gateway, call)
            or self._newest(await self._tenants.of_cloud(call.cloud_id), call)
            or await self._at(address, call)
        )
        return Link(known, address, claim)

    async def address(self, gateway: JiraSite) -> str:
        """Return where a site is; raise ``Unavailable`` while Jira does not tell it."""
        try:
            found = await self._site.address(gateway)
        except Forbidden:
            found = None
        if found is None:
            # right after an install Jira may not let the app in yet. Source: facts.md 10.3
            raise Unavailable("Jira does not let the app in yet; try again.", retry_after=20)
        try:
            return self._rules.normalised(found)
        except BadSite:
            raise Forbidden("The address of the Forge site is not allowed.") from None

    async def _by_client_key(self, gateway: JiraSite, call: ForgeCall) -> Tenant | None:
        try:
            client_key = await self._site.client_key(gateway)
        except Forbidden:
            return None
        if client_key is None:
            return None
        found = await self._tenants.by_client_key(self._index.hash(client_key))
        return None if found is None else self._newest([found], call)

    async def _at(self, address: str, call: ForgeCall) -> Tenant | None:
        """Return the Connect tenant at an address if it proves to be at the call's cloud id.

        Raises ``Unavailable`` while its site does not take its secret: a second tenant for the
        same site could not be undone, and a call that brings the right secret may be on its way.
        """
        there = self._newest(await self._tenants.at_site(address), call)
        if there is None or there.install is None or there.install.removed:
            return None
        return there if await self._proved_cloud(there, address) == call.cloud_id else None

    async def _proved_cloud(self, tenant: Tenant, address: str) -> str | None:
        """Return the cloud id of a Connect tenant's site, once that has taken its secret.

        An address alone proves nothing: it came in a body that no signature covers.
        """
        install = tenant.install
        assert install is not None
        current = install.current
        secret = await self._vault.open(current.sealed, current.place(tenant.id))
        site = JiraSite(tenant.id, address, ConnectSecret(secret, current.version))
        try:
            taken = await self._site.takes_us(site)
        except Forbidden:
            taken = False
        if not taken:
            log.warning("the site of a Connect tenant does not know it", tenant=tenant.id)
            raise CredentialRefused
        return await self._site.cloud_id(site)

    @staticmethod
    def _newest(candidates: Sequence[Tenant], call: ForgeCall) -> Tenant | None:
        """Return the Connect tenant that may take the installation; the newest install first."""
        fit = [
            (tenant.install.installed.iat, tenant.id, tenant)
            for tenant in candidates
            if tenant.install is not None
            and tenant.orphaned_at is None
            and tenant.cloud_id in {None, call.cloud_id}
            and (tenant.forge is None or tenant.forge.environment_id == call.environment_id)
        ]
        return max(fit, key=lambda entry: entry[:2])[2] if fit else None
