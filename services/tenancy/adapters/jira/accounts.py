"""Accounts of a Jira site: open, closed or not there. Clear answers only."""

from collections.abc import Mapping, Sequence

import structlog
from pydantic import Field

from kit.errors import Unavailable
from services.tenancy.adapters.jira.bean import Bean
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.usecases.accounts import AccountState
from services.tenancy.usecases.jira import JiraSite

log = structlog.get_logger(__name__)

_PER_CALL = 50
"""Ids in one URL; Jira takes 200."""
_BAD_REQUEST, _NOT_FOUND = 400, 404


class _Account(Bean):
    id: str = Field(alias="accountId", min_length=1, max_length=128)
    active: bool


class _Page(Bean):
    values: list[_Account]
    last: bool = Field(alias="isLast")


class HttpJiraAccounts:
    """Implements ``JiraAccounts``."""

    def __init__(self, caller: SiteCaller) -> None:
        self._caller = caller

    async def states(
        self, site: JiraSite, account_ids: Sequence[str]
    ) -> Mapping[str, AccountState]:
        """Return what the site says of each; nothing of an id that it cannot read."""
        wanted = list(dict.fromkeys(filter(None, account_ids)))
        found: dict[str, AccountState] = {}
        for at in range(0, len(wanted), _PER_CALL):
            found |= await self._some(site, wanted[at : at + _PER_CALL])
        return found

    async def _some(self, site: JiraSite, ids: Sequence[str]) -> Mapping[str, AccountState]:
        accounts = await self._read(site, ids)
        if accounts is not None:
            known = {a.id: AccountState.OPEN if a.active else AccountState.CLOSED for a in accounts}
            return {one: known.get(one, AccountState.LEFT_OUT) for one in ids}
        if len(ids) == 1:
            log.warning("Jira cannot read an account id of a token", tenant=site.tenant)
            return {}
        # one id that cannot be read spoils the question for all
        middle = len(ids) // 2
        first, rest = await self._some(site, ids[:middle]), await self._some(site, ids[middle:])
        return {**first, **rest}

    async def _read(self, site: JiraSite, ids: Sequence[str]) -> list[_Account] | None:
        """Return all pages; None when Jira does not take the question."""
        found: list[_Account] = []
        while True:
            query = [("accountId", one) for one in ids]
            answer = await self._caller.request(
                site,
                "GET",
                "/rest/api/3/user/bulk",
                query=[*query, ("maxResults", _PER_CALL), ("startAt", len(found))],
                expect={_BAD_REQUEST},
            )
            if answer.status == _BAD_REQUEST:
                return None
            if answer.status == _NOT_FOUND:
                raise Unavailable("The Jira site is not there.")
            page = answer.read(_Page)
            found += page.values
            if page.last or {a.id for a in found}.issuperset(ids):
                return found
            if not page.values or len(found) >= len(ids):
                raise Unavailable("The Jira site's answer breaks off.")
