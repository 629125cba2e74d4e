"""Issues and their links."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devstack.jira import demo
from devstack.jira.changes import issues
from devstack.jira.content import IssueLink
from devstack.jira.control.body import Strict, numbered, read, saved, site_named
from devstack.jira.world import World


class IssueFields(Strict):
    """A new issue takes the next number; with an id the known one is changed (or moved)."""

    id: int | None = None
    project_id: int | None = None
    summary: str | None = None
    description: str | None = None
    labels: list[str] | None = None
    status: str | None = None
    priority: str | None = None
    reporter: str | None = None
    assignee: str | None = None
    hidden: bool | None = None


class IssueOrder(Strict):
    site: str | None = None
    issue: IssueFields
    actor: str = demo.ADMIN


class LinkFields(Strict):
    source_id: int
    destination_id: int
    type: str = "Relates"


class LinkOrder(Strict):
    site: str | None = None
    link: LinkFields
    actor: str = demo.ADMIN


class DeleteOrder(Strict):
    site: str | None = None
    actor: str = demo.ADMIN


class IssueControl:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/control/issues", self.put_issue, methods=["POST"]),
            Route("/control/issues/{id}/delete", self.delete_issue, methods=["POST"]),
            Route("/control/links", self.put_link, methods=["POST"]),
            Route("/control/links/{id}/delete", self.delete_link, methods=["POST"]),
        ]

    async def put_issue(self, request: Request) -> Response:
        order = await read(request, IssueOrder)
        site, wanted = site_named(self._world, order.site), order.issue
        values: dict[str, Any] = wanted.model_dump(exclude_none=True, exclude={"id"})
        if wanted.project_id is not None and wanted.project_id not in site.projects:
            raise HTTPException(404, f"no project {wanted.project_id}")
        if wanted.id is None:
            if wanted.project_id is None or wanted.summary is None:
                raise HTTPException(400, "a new issue needs project_id and summary")
            return saved(self._world, issues.create(self._world, site, values, order.actor))
        issue = site.issues.get(wanted.id)
        if issue is None:
            raise HTTPException(404, f"no issue {wanted.id}")
        issues.update(self._world, site, issue, values, order.actor)
        return saved(self._world, issue)

    async def delete_issue(self, request: Request) -> Response:
        order = await read(request, DeleteOrder)
        site = site_named(self._world, order.site)
        issue = numbered(request, site.issues, "issue")
        issues.delete(self._world, site, issue, order.actor)
        return saved(self._world, issue)

    async def put_link(self, request: Request) -> Response:
        order = await read(request, LinkOrder)
        site, wanted = site_named(self._world, order.site), order.link
        for end in (wanted.source_id, wanted.destination_id):
            if end not in site.issues:
                raise HTTPException(404, f"no issue {end}")
        number = site.next_number("link", site.links, 10_500)
        made = IssueLink(id=number, **wanted.model_dump())
        issues.link(self._world, site, made, order.actor)
        return saved(self._world, made)

    async def delete_link(self, request: Request) -> Response:
        order = await read(request, DeleteOrder)
        site = site_named(self._world, order.site)
        link = numbered(request, site.links, "link")
        issues.unlink(self._world, site, link, order.actor)
        return saved(self._world, link)
