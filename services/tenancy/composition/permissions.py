"""Permissions and memberships: what administers, resolves and refreshes them."""

from dataclasses import dataclass
from datetime import timedelta

from kit.clock import Clock
from kit.directory.memberships import Memberships as MembershipView
from kit.ids import Ids
from kit.leases import Lease
from kit.mongo import Database
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.memberships import MongoMemberships
from services.tenancy.adapters.mongo.permissions import MongoPermissions
from services.tenancy.composition.jira import Jira
from services.tenancy.settings import JiraOptions
from services.tenancy.usecases.memberships import Memberships
from services.tenancy.usecases.permissions import Permissions
from services.tenancy.usecases.ports import TenantStore
from services.tenancy.usecases.projects import Projects
from services.tenancy.usecases.refreshing import Refreshing

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

    def refreshing(self, database: Database, instance: str, clock: Clock) -> Refreshing:
        """Build the loop, of which one process has the turn."""
        turn = Lease(database["leases"], "memberships", instance, _TURN, clock)
        return Refreshing(self.memberships, self.store, turn, self.life, clock)


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
    return Rights(
        schemes=schemes,
        permissions=Permissions(schemes, projects),
        store=store,
        memberships=memberships,
        view=MembershipView(store.get, memberships.current, clock),
        life=life,
    )
