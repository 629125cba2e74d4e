"""Accounts of a Jira site by id: their names for showing, and whether they are open."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import Field

from services.tenancy.adapters.jira.bean import Bean
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.usecases.jira import JiraSite

_PER_CALL = 50
"""Ids in one URL; Jira takes 200."""


class Person(Bean):
    """What we read of an account; mail address, avatar and time zone are never taken in."""

    account_id: str = Field(alias="accountId", min_length=1, max_length=128)
    display_name: str = Field("", alias="displayName", repr=False)
    active: bool = False


class _Page(Bean):
    values: list[Person]
    last: bool = Field(default=True, alias="isLast")


async def people(
    caller: SiteCaller, site: JiraSite, account_ids: Iterable[str]
) -> Sequence[Person]:
    """Return the accounts that the site knows, the others left out."""
    found: list[Person] = []
    wanted = list(dict.fromkeys(filter(None, account_ids)))
    for ids in (wanted[at : at + _PER_CALL] for at in range(0, len(wanted), _PER_CALL)):
        seen = 0
        while seen < len(ids):
            # ten to a page unless told; how many there are is what counts
            query = [("accountId", one) for one in ids]
            answer = await caller.request(
                site,
                "GET",
                "/rest/api/3/user/bulk",
                query=[*query, ("maxResults", _PER_CALL), ("startAt", seen)],
            )
            if answer.status == 404:
                break
            page = answer.read(_Page)
            found += page.values
            seen += len(page.values)
            if page.last or not page.values:
                break
    return found


class HttpJiraUsers:
    """Implements ``JiraUsers``."""

    def __init__(self, caller: SiteCaller) -> None:
        self._caller = caller

    async def names(self, site: JiraSite, account_ids: Sequence[str]) -> Mapping[str, str]:
        """Return account id to display name."""
        return {
            person.account_id: person.display_name
            for person in await people(self._caller, site, account_ids)
        }
