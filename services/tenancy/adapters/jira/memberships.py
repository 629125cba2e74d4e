"""Groups of accounts, and roles in projects; ids only, names are never taken in."""

import re
from typing import Annotated
from urllib.parse import quote

from pydantic import BeforeValidator, Field

from services.tenancy.adapters.jira.bean import Bean
from services.tenancy.adapters.jira.caller import Answer, SiteCaller
from services.tenancy.adapters.jira.users import people
from services.tenancy.usecases.jira import JiraSite, RoleActors

_ROLE_LINK = re.compile(r"/role/([0-9]{1,18})/?$")
_ROLE_ID = re.compile(r"[0-9]{1,18}")


class _Group(Bean):
    id: str = Field(alias="groupId", min_length=1, max_length=128)


class _Account(Bean):
    id: str = Field(alias="accountId", min_length=1, max_length=128)


class _Member(_Account):
    active: bool = False


class _Members(Bean):
    values: list[_Member]


class _Actor(Bean):
    user: _Account | None = Field(None, alias="actorUser")
    group: _Group | None = Field(None, alias="actorGroup")


class _Role(Bean):
    actors: list[_Actor] = Field([])


def _role_of(link: object) -> object:
    found = _ROLE_LINK.search(link) if isinstance(link, str) else None
    return found[1] if found else link


_RoleLink = Annotated[str, BeforeValidator(_role_of), Field(pattern=_ROLE_ID.pattern)]


class HttpJiraMemberships:
    """Implements ``JiraMemberships`` and ``JiraGroups``."""

    def __init__(self, caller: SiteCaller) -> None:
        self._caller = caller

    async def groups_of(self, site: JiraSite, account_id: str) -> frozenset[str] | None:
        """Return the groups of an account."""
        if not account_id:
            raise ValueError("an account is asked about by its id")
        answer = await self._caller.request(
            site, "GET", "/rest/api/3/user/groups", query=[("accountId", account_id)]
        )
        if answer.status == 404:
            return None
        return frozenset(group.id for group in answer.read(list[_Group]))

    async def is_active(self, site: JiraSite, account_id: str) -> bool:
        """Whether the account is there and open."""
        return any(person.active for person in await people(self._caller, site, [account_id]))

    async def has_active_member(self, site: JiraSite, group: str) -> bool | None:
        """Look at a page of members, the closed ones left out."""
        answer = await self._members(site, ("groupId", group))
        if answer.status == 403:
            return None
        if answer.status in {400, 404}:
            return False
        return any(member.active for member in answer.read(_Members).values)

    async def is_group_name(self, site: JiraSite, text: str) -> bool:
        """Ask for the members of the group of that name."""
        return (await self._members(site, ("groupname", text))).status == 200

    async def _members(self, site: JiraSite, group: tuple[str, str]) -> Answer:
        return await self._caller.request(
            site,
            "GET",
            "/rest/api/3/group/member",
            query=[group, ("includeInactiveUsers", "false"), ("maxResults", 50)],
            # what is no id of a group; and where the app may not look
            expect={400, 403},
        )

    async def roles_of_project(self, site: JiraSite, project: int) -> frozenset[str] | None:
        """Return the ids at the end of the addresses that Jira names."""
        answer = await self._caller.request(site, "GET", f"/rest/api/3/project/{project}/role")
        if answer.status == 404:
            return None
        return frozenset(answer.read(dict[str, _RoleLink]).values())

    async def role_actors(self, site: JiraSite, project: int, role: str) -> RoleActors | None:
        """Return accounts and groups, the groups unresolved."""
        if not _ROLE_ID.fullmatch(role):
            return None
        answer = await self._caller.request(
            site, "GET", f"/rest/api/3/project/{project}/role/{quote(role, safe='')}"
        )
        if answer.status == 404:
            return None
        actors = answer.read(_Role).actors
        return RoleActors(
            accounts=frozenset(actor.user.id for actor in actors if actor.user is not None),
            groups=frozenset(actor.group.id for actor in actors if actor.group is not None),
        )
