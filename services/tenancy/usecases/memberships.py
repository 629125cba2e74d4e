"""Who is in which group and has which role: resolved from Jira, for users that call us.

A user is resolved when somebody asks about one that is not known, and from then on in the
background for as long as somebody asked within the last day. Whoever keeps a copy asks when it is
too old, so one that is used is resolved again on and on.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from contracts.permissions import Membership, RoleMembership
from kit.clock import Clock
from kit.directory.permissions import roles_known
from kit.errors import OstroError, Unavailable
from services.tenancy.usecases.jira import JiraMemberships, JiraSite, Sites
from services.tenancy.usecases.ports import TenantStore
from services.tenancy.usecases.roles import RoleCache

SEEN = timedelta(days=1)
"""Who was not asked about for so long is not refreshed in the background."""
FORGOTTEN = timedelta(days=30)
"""Who was not asked about for so long is forgotten."""
_SEEN_EVERY = timedelta(hours=1)


@dataclass(frozen=True)
class RoleProject:
    """A project whose enforced scheme names roles: our id and Jira's."""

    id: int
    jira_id: int


class RoleProjects(Protocol):
    """Knows where roles matter."""

    async def with_roles(self, tenant: str) -> Sequence[RoleProject]:
        """Return the tenant's projects whose enforced scheme names roles."""
        ...


class MembershipStore(Protocol):
    """Memberships as last resolved. A write of an older one changes nothing."""

    async def get(self, tenant: str, account: str) -> Membership | None:
        """Return the last one known."""
        ...

    async def save(self, tenant: str, membership: Membership, seen_at: datetime | None) -> None:
        """Store one that was resolved; ``seen_at`` when somebody asked."""
        ...

    async def seen(self, tenant: str, account: str, at: datetime, not_since: datetime) -> None:
        """Note that somebody asked, unless that was noted since."""
        ...

    async def due(
        self, resolved_before: datetime, seen_after: datetime, without: Collection[str], limit: int
    ) -> Sequence[tuple[str, str]]:
        """Return (tenant, account) of what is too old, oldest first, without some tenants."""
        ...

    async def forget(self, seen_before: datetime) -> None:
        """Drop whom nobody asked about, everywhere."""
        ...


class Memberships:
    """Answers from what is stored while it is young enough, else from Jira."""

    def __init__(
        self,
        store: MembershipStore,
        tenants: TenantStore,
        sites: Sites,
        jira: JiraMemberships,
        projects: RoleProjects,
        life: timedelta,
        clock: Clock,
    ) -> None:
        self._store = store
        self._tenants = tenants
        self._sites = sites
        self._jira = jira
        self._projects = projects
        self._roles = RoleCache(jira, clock)
        self._life = life
        self._clock = clock
        self._resolving: dict[tuple[str, str], asyncio.Task[Membership]] = {}

    async def current(self, tenant: str, account: str, roles_in: int | None = None) -> Membership:
        """Return a membership, from Jira unless it is known; the last known when Jira is down.

        With the roles in one of our projects when that is asked for. Raises ``Unavailable`` when
        nothing is known.
        """
        known = await self._store.get(tenant, account)
        now = self._clock.now()
        if known is not None and self._will_do(known, now, roles_in):
            await self._store.seen(tenant, account, now, now - _SEEN_EVERY)
            return known
        try:
            return await self._resolved(tenant, account, seen=True)
        except Unavailable:
            if known is None:
                raise
            await self._store.seen(tenant, account, now, now - _SEEN_EVERY)
            return known

    async def refresh(self, tenant: str, account: str) -> None:
        """Resolve a known user again: something about it may have changed in Jira.

        Somebody nobody asked about stays unknown. When Jira is down the loop tries again.
        """
        if await self._store.get(tenant, account) is not None:
            await self._resolved(tenant, account, seen=False)

    def _will_do(self, known: Membership, now: datetime, roles_in: int | None) -> bool:
        if now - known.resolved_at > self._life:
            return False
        return roles_in is None or roles_known(known, roles_in)

    async def _resolved(self, tenant: str, account: str, *, seen: bool) -> Membership:
        """Ask Jira, once at a time for each user, and store the answer."""
        key = (tenant, account)
        task = self._resolving.get(key)
        if task is None:
            task = asyncio.create_task(self._store_resolved(tenant, account, seen=seen))
            self._resolving[key] = task
            task.add_done_callback(lambda _: self._resolving.pop(key, None))
        return await asyncio.shield(task)

    async def _store_resolved(self, tenant: str, account: str, *, seen: bool) -> Membership:
        found = await self._resolve(tenant, account)
        await self._store.save(tenant, found, self._clock.now() if seen else None)
        return found

    async def _resolve(self, tenant: str, account: str) -> Membership:
        began = self._clock.now()
        owner = await self._tenants.get(tenant)
        if owner is None or not owner.has_jira:
            # without Jira there are no groups and roles; grants to the user itself count
            return Membership(account_id=account, active=True, resolved_at=began)
        try:
            return await self._ask(await self._sites.get(tenant), account, began)
        except Unavailable:
            raise
        except OstroError as error:
            # refused, told to wait, or not in use there now: for us Jira does not answer
            raise Unavailable("Jira does not say what the user is a member of.") from error

    async def _ask(self, site: JiraSite, account: str, began: datetime) -> Membership:
        groups = await self._jira.groups_of(site, account)
        if groups is None or not await self._jira.is_active(site, account):
            return Membership(account_id=account, active=False, resolved_at=began)
        roles = [
            RoleMembership(
                project=project.id,
                roles=await self._roles.of(site, project.jira_id, account, groups),
            )
            for project in await self._projects.with_roles(site.tenant)
        ]
        return Membership(
            account_id=account,
            active=True,
            groups=tuple(sorted(groups)),
            roles=tuple(roles),
            resolved_at=began,
        )
