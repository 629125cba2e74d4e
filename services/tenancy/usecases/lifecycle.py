"""What Jira tells about a Connect install: installed, uninstalled, enabled, disabled.

Calls come more than once and in any order; the newest token wins (facts.md 2.3, rule 8), an older
one changes nothing. Which tenant is at a site follows the same rule: ADR 0017.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from contracts.tenancy import TenantStatus
from kit.clock import Clock
from kit.errors import InvalidInput
from kit.ids import Ids
from services.tenancy.domain.audit import Action
from services.tenancy.domain.deliveries import Delivery
from services.tenancy.domain.lifecycle import Hook, LifecyclePayload
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.sites import BadSite, SiteRules
from services.tenancy.domain.tenants import Install, InstallSecret, Tenant
from services.tenancy.usecases.lives import Change, Claim, LifeStore, first_claim, usage_of
from services.tenancy.usecases.ports import By, ClientKeyIndex, Note, Vault
from services.tenancy.usecases.retry import until_stored

log = structlog.get_logger(__name__)

_ACTIONS = {
    Hook.UNINSTALLED: Action.UNINSTALLED,
    Hook.ENABLED: Action.ENABLED,
    Hook.DISABLED: Action.DISABLED,
}


@dataclass(frozen=True)
class _Call:
    """An ``installed`` that was verified and read."""

    payload: LifecyclePayload
    site_url: str
    secret: Secret
    client_key_hash: str
    delivery: Delivery
    by: By


class Lifecycle:
    """Acts on verified lifecycle calls."""

    def __init__(
        self,
        tenants: LifeStore,
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
        hashed = self._index.hash(payload.client_key)
        call = _Call(payload, site_url, secret, hashed, delivery, by)
        await until_stored(lambda: self._installed(call))

    async def tenant_of(self, client_key: str) -> str | None:
        """Return the id of the tenant with a client key, None when there is none."""
        known = await self._tenants.by_client_key(self._index.hash(client_key))
        return None if known is None else known.id

    async def changed(self, hook: Hook, client_key: str, delivery: Delivery, by: By) -> None:
        """Act on uninstalled, enabled or disabled. Nothing is deleted."""
        client_key_hash = self._index.hash(client_key)

        async def attempt() -> None:
            known = await self._tenants.by_client_key(client_key_hash)
            if known is None or known.install is None:
                log.info("lifecycle call of an unknown site", hook=hook.value, tenant=None)
                return
            after = self._after(hook, known, known.install, delivery)
            if after == known:
                self._dropped(known, hook)
                return
            note = Note(_ACTIONS[hook], by, usage_of(known, after, by))
            await self._tenants.store([Change(after, note)])
            _acted(hook, after)

        await until_stored(attempt)

    def _after(self, hook: Hook, known: Tenant, install: Install, delivery: Delivery) -> Tenant:
        now = self._clock.now()
        if hook is Hook.UNINSTALLED:
            install = install.uninstalled(delivery, now)
        else:
            install = install.switched(delivery, now, disabled=hook is Hook.DISABLED)
        return replace(known, install=install).settled()

    async def _installed(self, call: _Call) -> None:
        known = await self._tenants.by_client_key(call.client_key_hash)
        # the claim first: whoever comes to the site after it was read changes it
        held = await self._tenants.claim(call.site_url)
        neighbours = await self._tenants.at_site(call.site_url)
        held = held or first_claim(call.site_url, neighbours)
        if known is not None and self._is_outdated(known, call.delivery):
            await self._left_behind(known, neighbours, held, call)
            return
        host = known or await self._forge_tenant(neighbours, call) or self._new()
        claim = _claimed(held, host.id, call)
        there = claim is not None or (held is not None and held.tenant == host.id)
        after = await self._taken(host, call, there=there)
        changes = [Change(after, _note(host, after, call.by))]
        if there:
            changes += self._orphaned([t for t in neighbours if t.id != host.id], call.by)
        await self._tenants.store(changes, claim)
        for change in changes:
            _acted(Hook.INSTALLED, change.tenant, change.note)

    def _is_outdated(self, known: Tenant, delivery: Delivery) -> bool:
        install = known.install
        return install is not None and install.installed.outdates(delivery, self._clock.now())

    async def _left_behind(
        self, known: Tenant, neighbours: Sequence[Tenant], held: Claim | None, call: _Call
    ) -> None:
        """Of a call that came late count extras that no newer one had, and whose time it ended."""
        install, iat = known.install, call.delivery.issued_at
        assert install is not None
        changes: list[Change] = []
        claim = None
        if iat < install.installed.iat:
            after = replace(known, install=install.with_extras(call.payload.extras, iat)).settled()
            if after != known:
                note = Note(Action.INSTALLED, call.by, usage_of(known, after, call.by))
                changes.append(Change(after, note))
            if held is None or held.iat < iat:
                claim = _claimed(held, known.id, call)
                others = [t for t in neighbours if t.id != known.id]
                changes += self._orphaned(others, call.by)
        if not changes and claim is None:
            self._dropped(known, Hook.INSTALLED)
            return
        await self._tenants.store(changes, claim)
        log.info("lifecycle call that came late", hook=Hook.INSTALLED.value, tenant=known.id)

    async def _forge_tenant(self, neighbours: Sequence[Tenant], call: _Call) -> Tenant | None:
        """Return the tenant that the site has through Forge already.

        Its address came from Jira's API, or its installation is the one that the signed payload
        names; one with a client key of its own is another site's.
        """
        found = [t for t in neighbours if t.install is None and t.orphaned_at is None]
        if not found and call.payload.installation_id is not None:
            named = await self._tenants.by_installation(call.payload.installation_id)
            free = named is not None and named.install is None
            found = [named] if named is not None and free and named.site_url is None else []
        return found[0] if len(found) == 1 else None

    def _new(self) -> Tenant:
        now = self._clock.now()
        return Tenant(self._ids.token(), TenantStatus.ACTIVE, self._cell, created_at=now)

    async def _taken(self, tenant: Tenant, call: _Call, *, there: bool) -> Tenant:
        """Return the tenant with what the payload says; what it leaves out stays as it was."""
        now = self._clock.now()
        install = await self._with_secret(tenant, call)
        install = install.with_extras(call.payload.extras, call.delivery.issued_at)
        return replace(
            tenant,
            site_url=call.site_url,
            install=install.installed_again(call.delivery, now),
            orphaned_at=None if there else tenant.orphaned_at or now,
        ).settled()

    async def _with_secret(self, tenant: Tenant, call: _Call) -> Install:
        install = tenant.install
        if install is None:
            key = Secret.of_text(call.payload.client_key)
            sealed = await self._vault.seal(key, Install.client_key_place(tenant.id))
            current = await self._sealed(tenant.id, 1, call.secret)
            return Install(call.client_key_hash, sealed, current)
        current = install.current
        if await self._vault.open(current.sealed, current.place(tenant.id)) == call.secret:
            return install
        fresh = await self._sealed(tenant.id, current.version + 1, call.secret)
        return install.rotated(fresh, self._clock.now())

    async def _sealed(self, tenant: str, version: int, secret: Secret) -> InstallSecret:
        place = InstallSecret.place_of(tenant, version)
        return InstallSecret(version, await self._vault.seal(secret, place))

    def _orphaned(self, others: Sequence[Tenant], by: By) -> list[Change]:
        """Another client key came to their site: data and secrets stay, nothing is served."""
        now = self._clock.now()
        changes = []
        for tenant in others:
            if tenant.install is None or tenant.orphaned_at is not None:
                continue
            after = replace(tenant, orphaned_at=now).settled()
            changes.append(Change(after, Note(Action.ORPHANED, by, usage_of(tenant, after, by))))
        return changes

    def _dropped(self, tenant: Tenant, hook: Hook) -> None:
        log.info("outdated lifecycle call dropped", tenant=tenant.id, hook=hook.value)


def _acted(hook: Hook, after: Tenant, note: Note | None = None) -> None:
    action = _ACTIONS.get(hook) if note is None else note.action
    log.info(
        "lifecycle call",
        hook=hook.value,
        tenant=after.id,
        action=None if action is None else action.value,
        tenant_status=after.status.value,
    )


def _note(before: Tenant, after: Tenant, by: By) -> Note:
    action = Action.INSTALLED
    if before.orphaned_at is not None and after.orphaned_at is None:
        action = Action.RESTORED
    elif before.orphaned_at is None and after.orphaned_at is not None:
        action = Action.ORPHANED
    elif before.install is not None and before.site_url != after.site_url:
        action = Action.RENAMED
    return Note(action, by, usage_of(before, after, by))


def _claimed(held: Claim | None, tenant: str, call: _Call) -> Claim | None:
    """Return the claim that a call leads to, None when a newer one is there."""
    iat = call.delivery.issued_at
    if held is None:
        return Claim(call.site_url, tenant, iat)
    return None if iat < held.iat else replace(held, tenant=tenant, iat=iat)
