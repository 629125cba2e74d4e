"""Giving a former tenant's data to what is on its site now, after an import; ADR 0017.

The install of the new tenant moves to the former one, which has the data. Only an operator knows
that both are the same customer's, and only while the new tenant has no data is nothing lost.
"""

from dataclasses import replace

from contracts.tenancy import TenantStatus
from kit.clock import Clock
from kit.errors import Conflict, NotFound
from services.tenancy.domain.audit import Action
from services.tenancy.domain.tenants import (
    ForgeInstall,
    Install,
    InstallSecret,
    SystemToken,
    Tenant,
)
from services.tenancy.usecases.lives import Change, Claim, LifeStore, usage_of
from services.tenancy.usecases.ports import By, Note, ProjectStore, TokenStore, Vault
from services.tenancy.usecases.retry import until_stored


class Adoption:
    """What an operator does about an orphaned tenant."""

    def __init__(
        self,
        tenants: LifeStore,
        projects: ProjectStore,
        tokens: TokenStore,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._tenants = tenants
        self._projects = projects
        self._tokens = tokens
        self._vault = vault
        self._clock = clock

    async def adopt(self, former: str, new: str, by: By) -> Tenant:
        """Move the install of ``new`` to ``former`` and return it; raise unless both fit."""
        return await until_stored(lambda: self._adopt(former, new, by))

    async def _adopt(self, former: str, new: str, by: By) -> Tenant:
        old, fresh = await self._get(former), await self._get(new)
        if old.status is not TenantStatus.UNINSTALLED:
            raise Conflict(f"The tenant {old.id} is {old.status.value}; it needs no adopting.")
        if fresh.orphaned_at is not None or not fresh.has_jira:
            raise Conflict(f"The tenant {fresh.id} is at no Jira site.")
        if old.site_url is None or old.site_url != fresh.site_url:
            raise Conflict("The tenants are not of the same Jira site.")
        if await self._projects.all(fresh.id) or await self._tokens.all(fresh.id):
            raise Conflict(f"The tenant {fresh.id} has projects or tokens of its own.")
        after = replace(
            old,
            install=await self._install(old, fresh),
            forge=await self._forge(old, fresh),
            cloud_id=fresh.cloud_id or old.cloud_id,
            # read anew with the next round, which compares the former tenant's projects, too
            facts=replace(fresh.facts, read_at=None),
            orphaned_at=None,
        ).settled()
        # nor the address: the site is the other tenant's
        left = replace(
            fresh,
            install=None,
            forge=None,
            cloud_id=None,
            site_url=None,
            status=TenantStatus.UNINSTALLED,
        )
        changes = [
            # first, because an alias has one tenant
            Change(left, Note(Action.TENANT_GIVEN_UP, by, usage_of(fresh, left, by))),
            Change(after, Note(Action.TENANT_ADOPTED, by, usage_of(old, after, by))),
        ]
        await self._tenants.store(changes, await self._claim(old, fresh))
        return after

    async def link(self, tenant: str, cloud_id: str, by: By) -> Tenant:
        """Take the operator's word for the cloud id of a Connect tenant, and return it."""

        async def attempt() -> Tenant:
            found = await self._get(tenant)
            if found.install is None or found.orphaned_at is not None:
                raise Conflict(f"The tenant {tenant} has no Connect install at a site.")
            if found.forge is not None and found.cloud_id != cloud_id:
                raise Conflict(f"Forge says another cloud id of the tenant {tenant}.")
            after = replace(found, cloud_id=cloud_id)
            await self._tenants.store([Change(after, Note(Action.TENANT_LINKED, by))])
            return after

        return await until_stored(attempt)

    async def _get(self, tenant: str) -> Tenant:
        found = await self._tenants.get(tenant)
        if found is None:
            raise NotFound(f"There is no tenant {tenant}.")
        return found

    async def _claim(self, old: Tenant, fresh: Tenant) -> Claim | None:
        held = None if old.site_url is None else await self._tenants.claim(old.site_url)
        if held is None or held.tenant != fresh.id:
            return None
        return replace(held, tenant=old.id)

    async def _install(self, old: Tenant, fresh: Tenant) -> Install | None:
        """Return the install of the new tenant, sealed for the former one."""
        install = fresh.install
        if install is None:
            return None
        version = 1 if old.install is None else old.install.current.version + 1
        key = await self._vault.open(install.client_key, Install.client_key_place(fresh.id))
        secret = await self._vault.open(install.current.sealed, install.current.place(fresh.id))
        place = InstallSecret.place_of(old.id, version)
        return replace(
            install,
            client_key=await self._vault.seal(key, Install.client_key_place(old.id)),
            current=InstallSecret(version, await self._vault.seal(secret, place)),
            previous=None,
        )

    async def _forge(self, old: Tenant, fresh: Tenant) -> ForgeInstall | None:
        forge = fresh.forge
        if forge is None or forge.token is None:
            return forge
        held = forge.token
        version = 1
        if old.forge is not None and old.forge.token is not None:
            version = old.forge.token.version + 1
        token = await self._vault.open(held.sealed, held.place(fresh.id))
        place = SystemToken.place_of(old.id, version)
        sealed = await self._vault.seal(token, place)
        return replace(forge, token=SystemToken(version, sealed, held.until))
