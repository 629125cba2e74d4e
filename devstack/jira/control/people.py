"""Users, groups with their members, who is in which role of a project, and grants."""

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devstack.jira.changes import people
from devstack.jira.content import Grant, Group, Project, Role, RoleActor, User
from devstack.jira.control.body import Strict, project_called, read, saved, site_named
from devstack.jira.membership import group_named, group_with_id, known_group, set_actors
from devstack.jira.model import Site
from devstack.jira.world import World


class SiteOnly(Strict):
    site: str | None = None


class UserOrder(Strict):
    site: str | None = None
    user: User


class GroupPart(Strict):
    """Without a name, the known one stays; a new group is named by its id.

    Without an id, it is the group of that name, or a new one.
    """

    id: str | None = None
    name: str | None = None


class GroupOrder(Strict):
    """Replaces the members (account ids)."""

    site: str | None = None
    group: GroupPart
    members: list[str] = Field(default_factory=list)


class RolePart(Strict):
    id: int
    name: str | None = None


class ActorPart(Strict):
    account_id: str | None = Field(default=None, alias="accountId")
    group_id: str | None = Field(default=None, alias="groupId")


class RoleOrder(Strict):
    """Replaces the role's actors in this project."""

    site: str | None = None
    project: int | str
    role: RolePart
    actors: list[ActorPart] = Field(default_factory=list)


class GrantsOrder(Strict):
    """Replaces every grant of the site."""

    site: str | None = None
    grants: list[Grant] = Field(default_factory=list)


def _group(site: Site, part: GroupPart) -> Group:
    """A name belongs to one group of a site, as in Jira: 409 for that of another."""
    if part.id is None:
        if not part.name:
            raise HTTPException(400, "a group needs an id, a name or both")
        return group_named(site, part.name)
    known = group_with_id(site, part.id)
    name = part.name or (known.name if known else part.id)
    other = known_group(site, name)
    if other is not None and other.id != part.id:
        raise HTTPException(409, f"the group {name} has the id {other.id}; use it, or name no id")
    return Group(id=part.id, name=name)


def _actor(site: Site, project: Project, role: Role, part: ActorPart) -> RoleActor:
    if (part.account_id is None) == (part.group_id is None):
        raise HTTPException(400, "an actor is either an accountId or a groupId")
    if part.account_id is not None and part.account_id not in site.users:
        raise HTTPException(404, f"no user {part.account_id}")
    if part.group_id is not None and group_with_id(site, part.group_id) is None:
        raise HTTPException(404, f"no group {part.group_id}")
    return RoleActor(
        project_id=project.id,
        role_id=role.id,
        account_id=part.account_id,
        group_id=part.group_id,
    )


class PeopleControl:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/control/users", self.put_user, methods=["POST"]),
            Route("/control/users/{account_id}/delete", self.delete_user, methods=["POST"]),
            Route("/control/groups", self.put_group, methods=["POST"]),
            Route("/control/roles", self.put_role, methods=["POST"]),
            Route("/control/grants", self.put_grants, methods=["POST"]),
        ]

    async def put_user(self, request: Request) -> Response:
        order = await read(request, UserOrder)
        people.put(self._world, site_named(self._world, order.site), order.user)
        return saved(self._world, order.user)

    async def delete_user(self, request: Request) -> Response:
        order = await read(request, SiteOnly)
        account_id = request.path_params["account_id"]
        site = site_named(self._world, order.site)
        if account_id not in site.users:
            raise HTTPException(404, f"no user {account_id}")
        people.delete(self._world, site, account_id)
        return saved(self._world, {"deleted": account_id})

    async def put_group(self, request: Request) -> Response:
        """Answers the group with its members; 404 names an account that does not exist.

        409 for a name that another group of the site has.
        """
        order = await read(request, GroupOrder)
        site = site_named(self._world, order.site)
        missing = [account for account in order.members if account not in site.users]
        if missing:
            raise HTTPException(404, f"no user {missing[0]}")
        group = _group(site, order.group)
        people.put_group(self._world, site, group, order.members)
        return saved(self._world, group.model_dump() | {"members": order.members})

    async def put_role(self, request: Request) -> Response:
        order = await read(request, RoleOrder)
        site = site_named(self._world, order.site)
        project = project_called(site, order.project)
        known = site.roles.get(order.role.id)
        name = order.role.name or (known.name if known else f"Role {order.role.id}")
        role = Role(id=order.role.id, name=name)
        actors = [_actor(site, project, role, part) for part in order.actors]
        set_actors(site, project.id, role, actors)
        shown = {"project": project.id, "actors": [actor.model_dump() for actor in actors]}
        return saved(self._world, role.model_dump() | shown)

    async def put_grants(self, request: Request) -> Response:
        order = await read(request, GrantsOrder)
        site_named(self._world, order.site).grants = order.grants
        return saved(self._world, order)
