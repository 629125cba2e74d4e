"""Groups with their members, and who is in which role of a project."""

from typing import Any

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.jira.content import Group, Project, Role, RoleActor
from devstack.jira.control.body import Strict, read, site_named
from devstack.jira.membership import group_with_id, set_actors, set_members
from devstack.jira.model import Site
from devstack.jira.world import World


class GroupPart(Strict):
    """Without a name, the known one stays; a new group is named by its id."""

    id: str
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


def _project(site: Site, wanted: int | str) -> Project:
    for project in site.projects.values():
        if str(wanted).upper() in (str(project.id), project.key):
            return project
    raise HTTPException(404, f"no project {wanted}")


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


class MembershipControl:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/control/groups", self.put_group, methods=["POST"]),
            Route("/control/roles", self.put_role, methods=["POST"]),
        ]

    async def put_group(self, request: Request) -> Response:
        """Answers the group with its members; 404 names an account that does not exist."""
        order = await read(request, GroupOrder)
        site = site_named(self._world, order.site)
        missing = [account for account in order.members if account not in site.users]
        if missing:
            raise HTTPException(404, f"no user {missing[0]}")
        known = group_with_id(site, order.group.id)
        name = order.group.name or (known.name if known else order.group.id)
        group = Group(id=order.group.id, name=name)
        set_members(site, group, order.members)
        return self._saved(group.model_dump() | {"members": order.members})

    async def put_role(self, request: Request) -> Response:
        order = await read(request, RoleOrder)
        site = site_named(self._world, order.site)
        project = _project(site, order.project)
        known = site.roles.get(order.role.id)
        name = order.role.name or (known.name if known else f"Role {order.role.id}")
        role = Role(id=order.role.id, name=name)
        actors = [_actor(site, project, role, part) for part in order.actors]
        set_actors(site, project.id, role, actors)
        return self._saved(
            role.model_dump() | {"project": project.id, "actors": [a.model_dump() for a in actors]}
        )

    def _saved(self, content: dict[str, Any]) -> Response:
        self._world.save()
        return JSONResponse(content)
