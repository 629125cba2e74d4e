"""Display names of accounts: read from Jira when shown, in memory for minutes, never stored."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from kit.clock import Clock
from kit.errors import InvalidInput
from services.tenancy.usecases.jira import JiraSite, Sites
from services.tenancy.usecases.memory import Memory

MAX_USERS = 200
"""In one question."""
_LIFE = timedelta(minutes=2)
_REMEMBERED = 20_000


class JiraUsers(Protocol):
    """Accounts as the site shows them. Raises what ``usecases.jira`` says."""

    async def names(self, site: JiraSite, account_ids: Sequence[str]) -> Mapping[str, str]:
        """Return account id to display name; unknown ones are left out."""
        ...


class Users:
    """Answers what accounts are called now."""

    def __init__(self, sites: Sites, jira: JiraUsers, clock: Clock) -> None:
        self._sites = sites
        self._jira = jira
        self._known: Memory[tuple[str, str], str] = Memory(_LIFE, _REMEMBERED, clock)

    async def names(self, tenant: str, account_ids: Sequence[str]) -> Mapping[str, str]:
        """Return account id to display name; unknown ones are left out.

        Raises ``InvalidInput`` for more than ``MAX_USERS``, ``NotFound`` without Jira, and what a
        question to Jira may raise.
        """
        if len(account_ids) > MAX_USERS:
            raise InvalidInput(f"There must be at most {MAX_USERS} account ids.")
        site = await self._sites.get(tenant)
        wanted = list(dict.fromkeys(filter(None, account_ids)))
        known = {one: name for one in wanted if (name := self._known.get((tenant, one)))}
        missing = [one for one in wanted if one not in known]
        fresh = await self._jira.names(site, missing) if missing else {}
        for account_id, name in fresh.items():
            self._known.put((tenant, account_id), name)
        return known | {one: fresh[one] for one in missing if one in fresh}
