"""What Jira says of accounts: whether they are open, and whether they see anything of ours."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Protocol

from kit.errors import Forbidden, OstroError, Unavailable
from services.tenancy.usecases.jira import JiraSite, Sites
from services.tenancy.usecases.jira_permissions import MAX_PROJECTS, JiraPermissions
from services.tenancy.usecases.projects import Projects

_BROWSE = "BROWSE_PROJECTS"


class AccountState(Enum):
    """What a site says of an account."""

    OPEN = "open"
    CLOSED = "closed"
    LEFT_OUT = "left out"
    """The site answered for others that were asked about, or for nobody, and not for this one."""


class JiraAccounts(Protocol):
    """Accounts of a site. Raises what ``usecases.jira`` says."""

    async def states(
        self, site: JiraSite, account_ids: Sequence[str]
    ) -> Mapping[str, AccountState]:
        """Return what the site says of each account; nothing of an id that it cannot read.

        Only of clear answers: raises ``Unavailable`` for a site that is not there (404) and for
        an answer that breaks off.
        """
        ...


class Standing:
    """Whether somebody is one of those who work with our projects."""

    def __init__(
        self,
        sites: Sites,
        accounts: JiraAccounts,
        permissions: JiraPermissions,
        projects: Projects,
    ) -> None:
        self._sites = sites
        self._accounts = accounts
        self._permissions = permissions
        self._projects = projects

    async def check(self, tenant: str, account: str) -> None:
        """Raise ``Forbidden`` unless the account is open and may browse a project in use.

        Raises ``Unavailable`` when Jira does not say it, for whatever reason. Nothing of it is
        remembered: what follows from it lasts for long.
        """
        try:
            site = await self._sites.get(tenant)
            states = await self._accounts.states(site, [account])
            is_open = states.get(account) is AccountState.OPEN
            browses = is_open and await self._browses(site, account)
        except OstroError as error:
            # refused, told to wait, or not in use there now: for us Jira does not answer
            raise Unavailable("Jira does not say who you are now; try again.") from error
        if not is_open:
            raise Forbidden("Your account is not active on this Jira site.")
        if not browses:
            raise Forbidden("You may not browse any of the Jira projects that use this app.")

    async def _browses(self, site: JiraSite, account: str) -> bool:
        known = [p.jira_project_id for p in await self._projects.all(site.tenant) if p.visible]
        for at in range(0, len(known), MAX_PROJECTS):
            some = known[at : at + MAX_PROJECTS]
            if await self._permissions.granted(site, account, [_BROWSE], some):
                return True
        return False
