"""Jira behind its ports: one caller, and an adapter per resource that composes it."""

from dataclasses import dataclass

from kit.clock import Clock
from kit.ids import Ids
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.adapters.jira.issues import HttpJiraIssues
from services.tenancy.adapters.jira.memberships import HttpJiraMemberships
from services.tenancy.adapters.jira.permissions import HttpJiraPermissions
from services.tenancy.adapters.jira.projects import HttpJiraProjects
from services.tenancy.adapters.jira.users import HttpJiraUsers
from services.tenancy.settings import JiraOptions
from services.tenancy.usecases.issues import Issues
from services.tenancy.usecases.jira import Sites
from services.tenancy.usecases.jirapermissions import PermissionChecks
from services.tenancy.usecases.ports import TenantStore, Vault
from services.tenancy.usecases.users import Users


@dataclass(frozen=True)
class Jira:
    """How the sites of tenants are reached, and what is answered from them."""

    sites: Sites
    caller: SiteCaller
    projects: HttpJiraProjects
    memberships: HttpJiraMemberships
    issues: Issues
    users: Users
    permissions: PermissionChecks

    async def close(self) -> None:
        """Close the connections."""
        await self.caller.close()


def jira(options: JiraOptions, tenants: TenantStore, vault: Vault, clock: Clock, ids: Ids) -> Jira:
    """Build the adapters and the use cases that need nothing but Jira."""
    sites = Sites(tenants, vault, clock)
    caller = SiteCaller(options.app_key, options.site_rules, options.api_hosts, sites, clock, ids)
    return Jira(
        sites=sites,
        caller=caller,
        projects=HttpJiraProjects(caller),
        memberships=HttpJiraMemberships(caller),
        issues=Issues(sites, HttpJiraIssues(caller), clock),
        users=Users(sites, HttpJiraUsers(caller), clock),
        permissions=PermissionChecks(sites, HttpJiraPermissions(caller), clock),
    )
