"""``/v2/testcycles``."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from kit.auth.principal import Scope
from kit.directory.access import Access
from kit.directory.view import Directory
from kit.http.pages import Cursor, Offset, cursor_response, json_response, offset_response
from kit.http.security import Caller
from services.executions.api.params import JiraVersion, ProjectKey, UpdatedAfter
from services.executions.api.render import Renderer
from services.executions.usecases.testcycles import CycleFilter, TestCycles


def router(cycles: TestCycles, directory: Directory, base: str) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(prefix="/v2/testcycles", tags=["Test Cycles"])
    _lists(routes, cycles, directory, base)

    @routes.get("/{testCycleIdOrKey}")
    async def get_test_cycle(caller: Caller, testCycleIdOrKey: str) -> Response:  # noqa: N803
        """Return one test cycle by id or key."""
        caller.principal.require(Scope.READ)
        cycle = await cycles.get(Access.of(caller, directory), testCycleIdOrKey)
        return json_response(Renderer(base, caller).cycle(cycle))

    return routes


def _lists(routes: APIRouter, cycles: TestCycles, directory: Directory, base: str) -> None:
    @routes.get("")
    async def list_test_cycles(
        request: Request,
        caller: Caller,
        page: Offset,
        project_key: ProjectKey = None,
        folder_id: Annotated[int | None, Query(alias="folderId", ge=1)] = None,
        version: JiraVersion = None,
    ) -> Response:
        """List test cycles, a page from an offset."""
        caller.principal.require(Scope.READ)
        access = Access.of(caller, directory)
        projects = await access.chosen(project_key)
        wanted = CycleFilter(
            projects=projects,
            folder=folder_id,
            jira_version=version,
        )
        total, found = await cycles.page(access, wanted, page)
        show = Renderer(base, caller).cycle
        return offset_response(request, base, page, total, [show(c) for c in found])

    @routes.get("/nextgen")
    async def list_test_cycles_cursor_paginated(
        request: Request,
        caller: Caller,
        page: Cursor,
        updated_after: UpdatedAfter,
        project_key: ProjectKey = None,
        folder_id: Annotated[int | None, Query(alias="folderId", ge=1)] = None,
        version: JiraVersion = None,
    ) -> Response:
        """List test cycles from an id on."""
        caller.principal.require(Scope.READ)
        access = Access.of(caller, directory)
        projects = await access.chosen(project_key)
        wanted = CycleFilter(
            projects=projects,
            folder=folder_id,
            jira_version=version,
            updated_after=updated_after,
        )
        found = await cycles.walk(access, wanted, page)
        following = found[page.limit]["id"] if len(found) > page.limit else None
        show = Renderer(base, caller).cycle
        return cursor_response(
            request, base, page, following, [show(c) for c in found[: page.limit]]
        )
