"""Projects, and in them versions and components."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devstack.jira import demo
from devstack.jira.changes import parts, projects
from devstack.jira.content import Component, Project, Version
from devstack.jira.control.body import (
    Strict,
    numbered,
    project_called,
    read,
    saved,
    site_named,
)
from devstack.jira.control.issues import DeleteOrder
from devstack.jira.model import Site
from devstack.jira.world import World


class ProjectOrder(Strict):
    site: str | None = None
    project: Project
    actor: str = demo.ADMIN


class VersionFields(Strict):
    """With an id the known one is changed; what is left out stays."""

    id: int | None = None
    project_id: int | None = None
    name: str | None = None
    description: str | None = None
    released: bool | None = None
    archived: bool | None = None
    release_date: str | None = None


class VersionOrder(Strict):
    site: str | None = None
    version: VersionFields
    actor: str = demo.ADMIN


class VersionDeletion(Strict):
    site: str | None = None
    merge_into: int | None = None
    actor: str = demo.ADMIN


class ComponentFields(Strict):
    id: int | None = None
    project_id: int | None = None
    name: str | None = None
    description: str | None = None
    lead_account_id: str | None = None


class ComponentOrder(Strict):
    site: str | None = None
    component: ComponentFields
    actor: str = demo.ADMIN


def _checked(site: Site, wanted: VersionFields | ComponentFields) -> None:
    if wanted.project_id is not None and wanted.project_id not in site.projects:
        raise HTTPException(404, f"no project {wanted.project_id}")
    if wanted.id is None and (wanted.project_id is None or wanted.name is None):
        raise HTTPException(400, "a new one needs project_id and name")


class ProjectControl:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        version = "/control/versions/{id}"
        return [
            Route("/control/projects", self.put_project, methods=["POST"]),
            Route("/control/projects/{project}/{how}", self.move_project, methods=["POST"]),
            Route("/control/versions", self.put_version, methods=["POST"]),
            Route(version + "/delete", self.delete_version, methods=["POST"]),
            Route(version + "/move", self.move_version, methods=["POST"]),
            Route("/control/components", self.put_component, methods=["POST"]),
            Route("/control/components/{id}/delete", self.delete_component, methods=["POST"]),
        ]

    async def put_project(self, request: Request) -> Response:
        """A changed key becomes an earlier key of the project, and its issues follow."""
        order = await read(request, ProjectOrder)
        site = site_named(self._world, order.site)
        projects.put(self._world, site, order.project, order.actor)
        return saved(self._world, order.project)

    async def move_project(self, request: Request) -> Response:
        """`delete` (into the bin), `restore`, `archive`, `unarchive`, or `purge` for good."""
        order = await read(request, DeleteOrder)
        site = site_named(self._world, order.site)
        project = project_called(site, request.path_params["project"])
        how = request.path_params["how"]
        if how == "purge":
            projects.purge(self._world, site, project, order.actor)
        elif how in projects.MOVES:
            try:
                projects.move(self._world, site, project, how, order.actor)
            except projects.WrongState as error:
                raise HTTPException(409, str(error)) from error
        else:
            raise HTTPException(404, f"no {how}; there are {[*projects.MOVES, 'purge']}")
        return saved(self._world, project)

    async def put_version(self, request: Request) -> Response:
        order = await read(request, VersionOrder)
        site, wanted = site_named(self._world, order.site), order.version
        _checked(site, wanted)
        values = wanted.model_dump(exclude_none=True)
        known = site.versions.get(wanted.id or 0)
        if wanted.id is not None and known is None:
            raise HTTPException(404, f"no version {wanted.id}")
        values.setdefault("id", site.next_number("version", site.versions, 10_200))
        version = Version.model_validate((known.model_dump() if known else {}) | values)
        parts.put_version(self._world, site, version, order.actor)
        return saved(self._world, version)

    async def delete_version(self, request: Request) -> Response:
        order = await read(request, VersionDeletion)
        site = site_named(self._world, order.site)
        version = numbered(request, site.versions, "version")
        merged = site.versions.get(order.merge_into or 0)
        if order.merge_into is not None and merged in (None, version):
            raise HTTPException(404, f"no other version {order.merge_into}")
        parts.delete_version(self._world, site, version, order.actor, merged)
        return saved(self._world, version)

    async def move_version(self, request: Request) -> Response:
        order = await read(request, DeleteOrder)
        site = site_named(self._world, order.site)
        version = numbered(request, site.versions, "version")
        parts.move_version(self._world, site, version, order.actor)
        return saved(self._world, version)

    async def put_component(self, request: Request) -> Response:
        order = await read(request, ComponentOrder)
        site, wanted = site_named(self._world, order.site), order.component
        _checked(site, wanted)
        values = wanted.model_dump(exclude_none=True)
        known = site.components.get(wanted.id or 0)
        if wanted.id is not None and known is None:
            raise HTTPException(404, f"no component {wanted.id}")
        values.setdefault("id", site.next_number("component", site.components, 10_300))
        component = Component.model_validate((known.model_dump() if known else {}) | values)
        parts.put_component(self._world, site, component, order.actor)
        return saved(self._world, component)

    async def delete_component(self, request: Request) -> Response:
        order = await read(request, DeleteOrder)
        site = site_named(self._world, order.site)
        component = numbered(request, site.components, "component")
        parts.delete_component(self._world, site, component, order.actor)
        return saved(self._world, component)
