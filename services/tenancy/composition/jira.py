"""Jira behind its ports: one caller, and an adapter per resource that composes it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from kit.clock import Clock
from kit.ids import Ids
from kit.mongo import Database
from kit.service import Runtime
from services.tenancy.adapters.jira.about import HttpJiraAbout
from services.tenancy.adapters.jira.accounts import HttpJiraAccounts
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.adapters.jira.issues import HttpJiraIssues
from services.tenancy.adapters.jira.memberships import HttpJiraMemberships
from services.tenancy.adapters.jira.permissions import HttpJiraPermissions
from services.tenancy.adapters.jira.projects import HttpJiraProjects
from services.tenancy.adapters.jira.users import HttpJiraUsers
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.facts import MongoFacts
from services.tenancy.adapters.mongo.missing_accounts import MongoMissingAccounts
from services.tenancy.adapters.mongo.projects import MongoProjects
from services.tenancy.adapters.mongo.tokens import MongoTokens
from services.tenancy.api import internal_jira
from services.tenancy.composition.leased import leased
from services.tenancy.settings import JiraOptions
from services.tenancy.usecases.accounts import Standing
from services.tenancy.usecases.facts import Facts
from services.tenancy.usecases.facts_polling import FactsPolling
from services.tenancy.usecases.issues import Issues
from services.tenancy.usecases.jira import Sites
from services.tenancy.usecases.jira_permissions import PermissionChecks
from services.tenancy.usecases.leavers import Leavers
from services.tenancy.usecases.ports import TenantStore, Vault
from services.tenancy.usecases.project_changes import ProjectComparison
from services.tenancy.usecases.projects import Projects
from services.tenancy.usecases.users import Users

_ROUND_SECONDS = 5.0


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
    facts: Facts
    comparison: ProjectComparison
    leavers: Leavers
    polling: FactsPolling

    def internal_routes(self) -> APIRouter:
        """Return what the other services may ask."""
        return internal_jira.router(self.issues, self.users, self.permissions, self.facts)

    def standing(self, projects: Projects) -> Standing:
        """Build what says whether somebody works with our projects."""
        accounts, permissions = HttpJiraAccounts(self.caller), HttpJiraPermissions(self.caller)
        return Standing(self.sites, accounts, permissions, projects)

    async def close(self) -> None:
        """Close the connections."""
        await self.caller.close()


def jira(
    options: JiraOptions,
    database: Database,
    changes: Changes,
    tenants: TenantStore,
    vault: Vault,
    clock: Clock,
    ids: Ids,
) -> Jira:
    """Build the adapters and the use cases that need nothing but Jira."""
    sites = Sites(tenants, vault, clock)
    caller = SiteCaller(options.app_key, options.site_rules, options.api_hosts, sites, clock, ids)
    fact_store = MongoFacts(database, changes)
    facts = Facts(tenants, fact_store, sites, HttpJiraAbout(caller), clock)
    projects = HttpJiraProjects(caller)
    comparison = ProjectComparison(MongoProjects(database, changes), projects, sites, clock)
    leavers = Leavers(
        MongoTokens(database, changes),
        MongoMissingAccounts(database),
        sites,
        HttpJiraAccounts(caller),
        clock,
    )
    return Jira(
        sites=sites,
        caller=caller,
        projects=projects,
        memberships=HttpJiraMemberships(caller),
        issues=Issues(sites, HttpJiraIssues(caller), clock),
        users=Users(sites, HttpJiraUsers(caller), clock),
        permissions=PermissionChecks(sites, HttpJiraPermissions(caller), clock),
        facts=facts,
        comparison=comparison,
        leavers=leavers,
        polling=FactsPolling(leavers, comparison, facts, fact_store, clock),
    )


def facts_loop(jira: Jira, runtime: Runtime[Any]) -> Callable[[], Awaitable[None]]:
    """Return the background work that keeps facts fresh, in one process at a time."""
    return leased(runtime, "jira-facts", jira.polling.round, _ROUND_SECONDS)
