"""Jira behind its ports: one caller, and an adapter per resource that composes it."""

from dataclasses import dataclass

from kit.clock import Clock
from kit.ids import Ids
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.adapters.jira.projects import HttpJiraProjects
from services.tenancy.settings import JiraOptions
from services.tenancy.usecases.jira import Sites
from services.tenancy.usecases.ports import TenantStore, Vault


@dataclass(frozen=True)
class Jira:
    """How the sites of tenants are reached."""

    sites: Sites
    caller: SiteCaller
    projects: HttpJiraProjects

    async def close(self) -> None:
        """Close the connections."""
        await self.caller.close()


def jira(options: JiraOptions, tenants: TenantStore, vault: Vault, clock: Clock, ids: Ids) -> Jira:
    """Build the adapters."""
    sites = Sites(tenants, vault, clock)
    caller = SiteCaller(options.app_key, options.site_rules, options.api_hosts, sites, clock, ids)
    return Jira(sites=sites, caller=caller, projects=HttpJiraProjects(caller))
