"""Whether somebody is there who could change an enforced scheme by right; Jira is asked.

As far as the app can see: what Jira does not let it read counts as somebody. Where Jira cannot be
asked, the answer is 503: a scheme that may lock everybody out is not stored on a guess.
"""

import re
from collections.abc import Iterable
from typing import Protocol

from contracts.permissions import Entity, Grant, Holder, ProjectPermissions, Right
from kit.errors import Forbidden, InvalidInput, TooManyRequests, Unavailable
from services.tenancy.domain.projects import Project
from services.tenancy.usecases.jira import JiraMemberships, JiraSite, Sites
from services.tenancy.usecases.ports import TenantStore

_MOST_NAMES = 20
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class JiraGroups(Protocol):
    """Groups by their id. Both raise what ``usecases.jira`` says."""

    async def has_active_member(self, site: JiraSite, group: str) -> bool | None:
        """Whether a group has an open account, False for no such group; None: not told."""
        ...

    async def is_group_name(self, site: JiraSite, text: str) -> bool:
        """Whether Jira says that a text is the name of a group."""
        ...


class LockOut:
    """Judges schemes of tenants with Jira; without Jira an account cannot be looked up."""

    def __init__(
        self, tenants: TenantStore, sites: Sites, jira: JiraMemberships, groups: JiraGroups
    ) -> None:
        self._tenants = tenants
        self._sites = sites
        self._jira = jira
        self._groups = groups

    async def check(self, tenant: str, project: Project, permissions: ProjectPermissions) -> None:
        """Raise ``InvalidInput`` when nobody is there, ``Unavailable`` when Jira is not."""
        owner = await self._tenants.get(tenant)
        if not permissions.enforced or owner is None or not owner.has_jira:
            return
        site = await self._sites.get(tenant)
        try:
            await self._check_names(site, permissions.grants)
            editors = [
                grant
                for grant in permissions.grants
                if grant.entity is Entity.CONFIGURATION and Right.EDIT in grant.rights
            ]
            if await self._somebody(site, project.jira_project_id, editors):
                return
        except Forbidden:
            # the app may not look: nothing speaks against them
            return
        except TooManyRequests as error:
            raise Unavailable(
                "Jira does not say who the holders are; try again.", retry_after=60
            ) from error
        raise InvalidInput(
            "No holder of the right to edit the configuration is an open account, a group with a "
            "member or a role with an actor in Jira, so that nobody could change the permissions "
            "again without the scope admin; force it if that is what you want."
        )

    async def _check_names(self, site: JiraSite, grants: Iterable[Grant]) -> None:
        named = {grant.id for grant in grants if grant.holder is Holder.GROUP}
        for text in sorted(text for text in named if not _UUID.fullmatch(text))[:_MOST_NAMES]:
            if await self._groups.is_group_name(site, text):
                raise InvalidInput(f"{text} is the name of a group in Jira; a grant needs its id.")

    async def _somebody(self, site: JiraSite, project: int, editors: Iterable[Grant]) -> bool:
        for grant in editors:
            if await self._is_somebody(site, project, grant):
                return True
        return False

    async def _is_somebody(self, site: JiraSite, project: int, grant: Grant) -> bool:
        if grant.holder is Holder.USER:
            return await self._jira.is_active(site, grant.id)
        if grant.holder is Holder.GROUP:
            return await self._in_group(site, grant.id)
        return await self._in_role(site, project, grant.id)

    async def _in_group(self, site: JiraSite, group: str) -> bool:
        return await self._groups.has_active_member(site, group) is not False

    async def _in_role(self, site: JiraSite, project: int, role: str) -> bool:
        actors = await self._jira.role_actors(site, project, role)
        if actors is None:
            return False
        for account in sorted(actors.accounts):
            if await self._jira.is_active(site, account):
                return True
        for group in sorted(actors.groups):
            if await self._in_group(site, group):
                return True
        return False
