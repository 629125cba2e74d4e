"""The Forge life of the app: what Forge's events and its hourly call tell about an installation.

Each call is verified, carries ids that Forge signed, and mostly a system token, which is sealed and
kept until it expires. Calls come more than once and in any order; the newest token wins.
"""

import base64
import binascii
import json
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum

import structlog

from contracts.tenancy import TenantStatus
from kit.clock import Clock
from kit.errors import Forbidden, OstroError, Unavailable
from kit.ids import Ids
from services.tenancy.domain.audit import Action
from services.tenancy.domain.deliveries import Delivery
from services.tenancy.domain.forge_life import SYSTEM_TOKEN_LIFE
from services.tenancy.domain.jwt import instant
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.tenants import ForgeInstall, SystemToken, Tenant
from services.tenancy.usecases.credentials.forge_invocation import ForgeCall
from services.tenancy.usecases.identity import Identity, Link
from services.tenancy.usecases.jira import JiraSite, SystemTokenInHand
from services.tenancy.usecases.lives import Change, Claim, LifeStore, usage_of
from services.tenancy.usecases.ports import By, Note, Vault
from services.tenancy.usecases.retry import until_stored
from services.tenancy.usecases.seen_tokens import ActOnce

log = structlog.get_logger(__name__)


class ForgeEvent(Enum):
    """What a call stands for."""

    INSTALLED = Action.FORGE_INSTALLED
    UPGRADED = Action.FORGE_UPGRADED
    REFRESH = None
    """The hourly call that brings the next system token."""


class ForgeLife:
    """Acts on verified Forge calls."""

    def __init__(
        self,
        tenants: LifeStore,
        identity: Identity,
        once: ActOnce,
        vault: Vault,
        cell: str,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._tenants = tenants
        self._identity = identity
        self._once = once
        self._vault = vault
        self._cell = cell
        self._clock = clock
        self._ids = ids

    async def called(
        self, event: ForgeEvent, call: ForgeCall, token: Secret | None, by: By
    ) -> None:
        """Make the tenant of an installation, join it to the one we know, or bring it up to date.

        Raises ``Unavailable`` when whose it is cannot be found out now, with nothing stored.
        """

        async def action() -> str | None:
            return await until_stored(lambda: self._called(event, call, token, by))

        await self._once.act(call, await self.tenant_of(call), action)

    async def uninstalled(self, call: ForgeCall, by: By) -> None:
        """Act on an uninstall. Nothing is deleted; an unknown installation is fine."""

        async def action() -> str | None:
            return await until_stored(lambda: self._uninstalled(call, by))

        await self._once.act(call, await self.tenant_of(call), action)

    async def tenant_of(self, call: ForgeCall) -> str | None:
        """Return the id of the tenant whose installation it is, None when nobody's."""
        held = await self._identity.own(call)
        return None if held is None else held.id

    async def _uninstalled(self, call: ForgeCall, by: By) -> str | None:
        # by its cloud id, too: the call that tells a new installation may come after this one
        held = await self._identity.own(call)
        if held is None or held.cloud_id not in {None, call.cloud_id}:
            log.info("Forge call of an unknown installation", hook="uninstalled", tenant=None)
            return None
        assert held.forge is not None
        forge = held.forge.uninstalled(_delivery(call), self._clock.now())
        after = replace(held, forge=forge).settled()
        if after == held:
            log.info("outdated Forge call dropped", tenant=held.id)
        else:
            note = Note(Action.FORGE_UNINSTALLED, by, usage_of(held, after, by))
            await self._tenants.store([Change(after, note)])
            _acted("uninstalled", after, Action.FORGE_UNINSTALLED)
        return held.id

    async def _called(
        self, event: ForgeEvent, call: ForgeCall, token: Secret | None, by: By
    ) -> str | None:
        held, lifecycle = await self._identity.own(call), event is not ForgeEvent.REFRESH
        if held is not None and held.cloud_id not in {None, call.cloud_id}:
            log.warning("a Forge installation came from another site", tenant=held.id)
            raise Forbidden("The installation belongs to another site.")
        if held is not None and held.orphaned_at is None:
            await self._known(held, event, call, token, by)
            return held.id
        link = await self._identity.connect_tenant(call, token)
        if link.tenant is not None:
            after = await self._after(link.tenant, call, token, lifecycle=lifecycle)
            await self._joined(link.tenant, after, held, by)
            _acted(_hook(event), after, Action.FORGE_JOINED)
            return link.tenant.id
        if held is not None:
            # its site has another client key; whose installation it is shows when that is proved
            log.warning("Forge call for an orphaned tenant", tenant=held.id)
            return held.id
        if token is None:
            raise Unavailable("The call of a new installation brings no token.", retry_after=60)
        return await self._new(event, call, token, link, by)

    async def _known(
        self, held: Tenant, event: ForgeEvent, call: ForgeCall, token: Secret | None, by: By
    ) -> None:
        lifecycle = event is not ForgeEvent.REFRESH
        after = await self._after(held, call, token, lifecycle=lifecycle)
        if after == held:
            return
        if token is not None and after.install is None:
            after = replace(after, site_url=await self._moved(after, call, token))
        action = event.value
        usage = usage_of(held, after, by)
        if action is None and usage is None:
            # an hourly token is nothing that anybody did
            await self._tenants.store([Change(after, None)])
            _acted(_hook(event), after, None)
            return
        note = Note(action or Action.FORGE_INSTALLED, by, usage)
        await self._tenants.store([Change(after, note)])
        _acted(_hook(event), after, note.action)

    async def _moved(self, tenant: Tenant, call: ForgeCall, token: Secret) -> str | None:
        """Return the address that a tenant without a Connect life has now: it may be renamed."""
        gateway = JiraSite(tenant.id, call.api_base_url, SystemTokenInHand(token, 0))
        try:
            return await self._identity.address(gateway)
        except OstroError as error:
            # the token counts, not the address: that has time until the next hour
            log.warning("address not read", tenant=tenant.id, cause=type(error).__name__)
            return tenant.site_url

    async def _joined(self, tenant: Tenant, after: Tenant, orphan: Tenant | None, by: By) -> None:
        """Give the installation to the Connect tenant that was proved to be at its site."""
        changes = [Change(after, Note(Action.FORGE_JOINED, by, usage_of(tenant, after, by)))]
        if orphan is not None:
            left = replace(orphan, forge=None).settled()
            # first, because an installation has one tenant
            changes.insert(0, Change(left, Note(Action.FORGE_LEFT, by)))
        await self._tenants.store(changes)

    async def _new(
        self, event: ForgeEvent, call: ForgeCall, token: Secret, link: Link, by: By
    ) -> str:
        assert link.site_url is not None
        now = self._clock.now()
        fresh = Tenant(
            self._ids.token(),
            TenantStatus.ACTIVE,
            self._cell,
            created_at=now,
            site_url=link.site_url,
        )
        after = await self._after(fresh, call, token, lifecycle=event is not ForgeEvent.REFRESH)
        note = Note(Action.FORGE_INSTALLED, by, usage_of(fresh, after, by))
        # a Connect install of the same moment sees this tenant or is seen; any outdoes the claim
        claim = link.claim or Claim(link.site_url, after.id, 0)
        await self._tenants.store([Change(after, note)], claim)
        _acted(_hook(event), after, note.action)
        return after.id

    async def _after(
        self, tenant: Tenant, call: ForgeCall, token: Secret | None, *, lifecycle: bool
    ) -> Tenant:
        """Return the tenant after a call: ids and token of the newest one, and whether it lives."""
        before = tenant.forge or ForgeInstall(
            call.installation_id, call.environment_id, call.api_base_url
        )
        forge = before.called(_delivery(call), self._clock.now(), lifecycle=lifecycle)
        facts = tenant.facts
        if lifecycle and forge != before:
            # the licence may be another since; nobody else tells
            facts = replace(facts, read_at=None)
        if call.issued_at >= forge.last_iat:
            forge = replace(
                forge,
                installation_id=call.installation_id,
                environment_id=call.environment_id,
                api_base_url=call.api_base_url,
                last_iat=call.issued_at,
            )
            if token is not None:
                sealed = await self._sealed(tenant.id, forge, call, token)
                forge = replace(forge, token=sealed)
        return replace(tenant, forge=forge, cloud_id=call.cloud_id, facts=facts).settled()

    async def _sealed(
        self, tenant: str, forge: ForgeInstall, call: ForgeCall, token: Secret
    ) -> SystemToken:
        version = 1 if forge.token is None else forge.token.version + 1
        sealed = await self._vault.seal(token, SystemToken.place_of(tenant, version))
        return SystemToken(version, sealed, expiry(token, call.issued_at))


def expiry(token: Secret, issued_at: int) -> datetime:
    """Return when a system token ends: as it says itself when it is a JWT, else after 55 minutes.

    It is Jira's to verify, so only its ``exp`` is read.
    """
    own = _claimed_exp(token)
    if own is None:
        return datetime.fromtimestamp(issued_at, UTC) + SYSTEM_TOKEN_LIFE
    return instant(own)


def _claimed_exp(token: Secret) -> int | None:
    parts = token.reveal().split(b".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    exp = claims.get("exp") if isinstance(claims, dict) else None
    return exp if type(exp) is int and exp > 0 else None


def _hook(event: ForgeEvent) -> str:
    return event.name.lower()


def _acted(hook: str, after: Tenant, action: Action | None) -> None:
    log.info(
        "Forge call",
        hook=hook,
        tenant=after.id,
        action=None if action is None else action.value,
        tenant_status=after.status.value,
    )


def _delivery(call: ForgeCall) -> Delivery:
    return Delivery(call.issued_at, call.digest, "")
