"""Changing what a site holds: users, projects, issues, grants. No webhook follows (part one)."""

from typing import Any

from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.jira.content import Grant, Issue, Project, User
from devstack.jira.control.body import Strict, read, site_named
from devstack.jira.model import Site
from devstack.jira.world import World
from devstack.standin.clock import iso


class UserOrder(Strict):
    site: str | None = None
    user: User


class ProjectOrder(Strict):
    site: str | None = None
    project: Project


class IssueFields(Strict):
    """A new issue takes the next number; with an id the known one is changed (or moved)."""

    id: int | None = None
    project_id: int | None = None
    summary: str | None = None
    status: str | None = None
    reporter: str | None = None
    assignee: str | None = None
    hidden: bool | None = None


class IssueOrder(Strict):
    site: str | None = None
    issue: IssueFields


class GrantsOrder(Strict):
    """Replaces every grant of the site."""

    site: str | None = None
    grants: list[Grant] = Field(default_factory=list)


def next_key(site: Site, project: Project) -> tuple[int, str]:
    """The next issue id of the site and number of the project; numbers are never used again."""
    used = [
        int(key.rpartition("-")[2])
        for issue in site.issues.values()
        for key in (issue.key, *issue.former_keys)
        if key.rpartition("-")[0] == project.key
    ]
    return max([10000, *site.issues]) + 1, f"{project.key}-{max([0, *used]) + 1}"


class DataControl:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/control/users", self.put_user, methods=["POST"]),
            Route("/control/projects", self.put_project, methods=["POST"]),
            Route("/control/issues", self.put_issue, methods=["POST"]),
            Route("/control/grants", self.put_grants, methods=["POST"]),
        ]

    async def put_user(self, request: Request) -> Response:
        order = await read(request, UserOrder)
        site_named(self._world, order.site).users[order.user.account_id] = order.user
        return self._saved(order.user)

    async def put_project(self, request: Request) -> Response:
        """A changed key becomes an earlier key of the project, and its issues follow."""
        order = await read(request, ProjectOrder)
        site, project = site_named(self._world, order.site), order.project
        known = site.projects.get(project.id)
        if known is not None and known.key != project.key:
            project.former_keys = [*project.former_keys, known.key]
            for issue in site.issues.values():
                if issue.project_id == project.id:
                    issue.former_keys.append(issue.key)
                    issue.key = f"{project.key}-{issue.key.rpartition('-')[2]}"
        site.projects[project.id] = project
        return self._saved(project)

    async def put_issue(self, request: Request) -> Response:
        order = await read(request, IssueOrder)
        site, wanted = site_named(self._world, order.site), order.issue
        if wanted.id is not None and wanted.id not in site.issues:
            raise HTTPException(404, f"no issue {wanted.id}")
        if wanted.project_id is not None and wanted.project_id not in site.projects:
            raise HTTPException(404, f"no project {wanted.project_id}")
        issue = site.issues[wanted.id] if wanted.id is not None else self._new(site, wanted)
        changes: dict[str, Any] = wanted.model_dump(exclude_none=True, exclude={"id"})
        if changes.get("project_id", issue.project_id) != issue.project_id:
            issue.former_keys.append(issue.key)
            issue.key = next_key(site, site.projects[changes["project_id"]])[1]
        for name, value in changes.items():
            setattr(issue, name, value)
        issue.updated = self._now()
        site.issues[issue.id] = issue
        return self._saved(issue)

    async def put_grants(self, request: Request) -> Response:
        order = await read(request, GrantsOrder)
        site_named(self._world, order.site).grants = order.grants
        return self._saved(order)

    def _new(self, site: Site, wanted: IssueFields) -> Issue:
        if wanted.project_id is None or wanted.summary is None:
            raise HTTPException(400, "a new issue needs project_id and summary")
        number, key = next_key(site, site.projects[wanted.project_id])
        now = self._now()
        return Issue(
            id=number,
            key=key,
            project_id=wanted.project_id,
            summary=wanted.summary,
            created=now,
            updated=now,
        )

    def _now(self) -> str:
        return iso(self._world.clock.now()).replace("+00:00", "+0000")

    def _saved(self, value: BaseModel) -> Response:
        self._world.save()
        return JSONResponse(value.model_dump(mode="json"))
