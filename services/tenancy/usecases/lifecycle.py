"""What Jira tells about an install: installed, uninstalled, enabled, disabled.

Calls come more than once and in any order; the newest token wins (facts.md 2.3, rule 8), an older
one changes nothing.
"""

from dataclasses import replace

import structlog

from contracts.tenancy import TenantStatus
from contracts.usage import UsageEventName
from kit.clock import Clock
from kit.errors import InvalidInput
from kit.ids import Ids
from services.tenancy.domain.audit import Action
from services.tenancy.domain.lifecycle import Hook, LifecyclePayload
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.sites import BadSite, SiteRules
from services.tenancy.domain.tenants import Delivery, Install, InstallSecret, Tenant
from services.tenancy.usecases.ports import By, ClientKeyIndex, Note, TenantStore, Vault
from services.tenancy.usecases.retry import until_stored

log = structlog.get_logger(__name__)

_ACTIONS = {
    Hook.UNINSTALLED: Action.UNINSTALLED,
    Hook.ENABLED: Action.ENABLED,
    Hook.DISABLED: Action.DISABLED,
}


class Lifecycle:
    """Acts on verified lifecycle calls."""

    def __init__(
        self,
        tenants: TenantStore,
        vault: Vault,
        index: ClientKeyIndex,
        sites: SiteRules,
        cell: str,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._tenants = tenants
        self._vault = vault
        self._index = index
        self._sites = sites
        self._cell = cell
        self._clock = clock
        self._ids = ids

    async def installed(self, payload: LifecyclePayload, delivery: Delivery, by: By) -> None:
        """Make the tenant, or give the one we have its new address and secret."""
        try:
            site_url = self._sites.normalised(payload.base_url)
        except BadSite as error:
            raise InvalidInput(f"{error}.") from None
        assert payload.shared_secret is not None
        secret = Secret.of_text(payload.shared_secret.get_secret_value())
        client_key_hash = self._index.hash(payload.client_key)

        async def attempt() -> None:
            known = await self._tenants.by_client_key(client_key_hash)
            if known is None:
                await self._first(payload, site_url, secret, delivery, by)
            elif known.install is not None and known.install.outdated(delivery, self._clock.now()):
                self._dropped(known, Hook.INSTALLED)
            else:
                await self._again(known, payload, site_url, secret, delivery, by)

        await until_stored(attempt)

    async def changed(self, hook: Hook, client_key: str, delivery: Delivery, by: By) -> None:
        """Act on uninstalled, enabled or disabled. Nothing is deleted."""
        client_key_hash = self._index.hash(client_key)

        async def attempt() -> None:
            known = await self._tenants.by_client_key(client_key_hash)
            if known is None or known.install is None:
                return
            status = _status_after(hook, known.status)
            if status is None or known.install.outdated(delivery, self._clock.now()):
                self._dropped(known, hook)
                return
            gone = hook is Hook.UNINSTALLED and known.status is not TenantStatus.UNINSTALLED
            usage = by.usage(UsageEventName.UNINSTALLED_APP) if gone else None
            await self._tenants.replace(
                replace(known, status=status, install=known.install.after(delivery)),
                Note(_ACTIONS[hook], by, usage),
            )

        await until_stored(attempt)

    async def _first(
        self,
        payload: LifecyclePayload,
        site_url: str,
        secret: Secret,
        delivery: Delivery,
        by: By,
    ) -> None:
        tenant = self._ids.token()
        client_key = await self._vault.seal(
            Secret.of_text(payload.client_key), Install.client_key_place(tenant)
        )
        current = await self._sealed(tenant, 1, secret)
        install = Install(
            self._index.hash(payload.client_key),
            client_key,
            current,
            entitlement=payload.entitlement,
        )
        await self._tenants.add(
            Tenant(
                id=tenant,
                status=TenantStatus.ACTIVE,
                cell=self._cell,
                created_at=self._clock.now(),
                site_url=site_url,
                install=install.after(delivery),
            ),
            Note(Action.INSTALLED, by, by.usage(UsageEventName.INSTALLED_APP)),
        )

    async def _again(
        self,
        known: Tenant,
        payload: LifecyclePayload,
        site_url: str,
        secret: Secret,
        delivery: Delivery,
        by: By,
    ) -> None:
        install = known.install
        assert install is not None
        held = await self._vault.open(install.current.sealed, install.current.place(known.id))
        if held != secret:
            fresh = await self._sealed(known.id, install.current.version + 1, secret)
            install = install.rotated(fresh, self._clock.now())
        # a payload without it (a rename's) must not wipe what is known
        install = replace(install, entitlement=payload.entitlement or install.entitlement)
        back = known.status is TenantStatus.UNINSTALLED
        usage = by.usage(UsageEventName.INSTALLED_APP) if back else None
        await self._tenants.replace(
            replace(
                known,
                status=TenantStatus.ACTIVE,
                site_url=site_url,
                install=install.after(delivery),
            ),
            Note(Action.INSTALLED, by, usage),
        )

    async def _sealed(self, tenant: str, version: int, secret: Secret) -> InstallSecret:
        place = InstallSecret.place_of(tenant, version)
        return InstallSecret(version, await self._vault.seal(secret, place))

    def _dropped(self, tenant: Tenant, hook: Hook) -> None:
        log.info("outdated lifecycle call dropped", tenant=tenant.id, hook=hook.value)


def _status_after(hook: Hook, status: TenantStatus) -> TenantStatus | None:
    """Return the status a call leads to; None when it says nothing about this one."""
    if hook is Hook.UNINSTALLED:
        return TenantStatus.UNINSTALLED
    if status is TenantStatus.UNINSTALLED:
        # a late notification of a former life
        return None
    return TenantStatus.ACTIVE if hook is Hook.ENABLED else TenantStatus.DISABLED
