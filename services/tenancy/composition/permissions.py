"""Permissions and memberships: what administers, resolves and refreshes them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kit.clock import Clock
from kit.directory.memberships import Memberships as MembershipView
from kit.ids import Ids
from kit.mongo import Database
from kit.service import Runtime
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.memberships import MongoMemberships
from services.tenancy.adapters.mongo.permissions import MongoPermissions
from services.tenancy.composition.jira import Jira
from services.tenancy.composition.leased import leased
from services.tenancy.settings import JiraOptions
from services.tenancy.usecases.lockout import LockOut
from services.tenancy.usecases.memberships import Memberships
from services.tenancy.usecases.permissions import Permissions
from services.tenancy.usecases.ports import TenantStore
from services.tenancy.usecases.projects import Projects
from services.tenancy.usecases.refreshing import Refreshing

_LOOK_SECONDS = 2.0
_TURN = timedelta(seconds=15)


@dataclass(frozen=True)
class Rights:
    """Who may do what, from schemes to the members of groups."""

    schemes: MongoPermissions
    permissions: Permissions
    store: MongoMemberships
    memberships: Memberships
    view: MembershipView
    """The same as what the other services see of it."""
    life: timedelta

    def refreshing(self, clock: Clock) -> Refreshing:
        """Build what keeps memberships young."""
        return Refreshing(self.memberships, self.store, self.life, clock)


def rights(
    options: JiraOptions,
    database: Database,
    changes: Changes,
    tenants: TenantStore,
    projects: Projects,
    jira: Jira,
    clock: Clock,
    ids: Ids,
) -> Rights:
    """Build all of it."""
    schemes, store = MongoPermissions(database, changes), MongoMemberships(database, clock, ids)
    life = timedelta(seconds=options.membership_seconds)
    memberships = Memberships(store, tenants, jira.sites, jira.memberships, schemes, life, clock)
    lock_out = LockOut(tenants, jira.sites, jira.memberships, jira.memberships)
    return Rights(
        schemes=schemes,
        permissions=Permissions(schemes, projects, lock_out),
        store=store,
        memberships=memberships,
        view=MembershipView(store.get, memberships.current, clock),
        life=life,
    )


def memberships_loop(rights: Rights, runtime: Runtime[Any]) -> Callable[[], Awaitable[None]]:
    """Return the background work that keeps memberships young, in one process at a time."""
    rounds = rights.refreshing(runtime.clock).rounds
    return leased(runtime, "memberships", rounds, _LOOK_SECONDS, _TURN)
