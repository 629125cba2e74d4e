"""``/v2/testcycles``."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from kit.auth.principal import Scope
from kit.directory.access import Access
from kit.directory.view import Directory
from kit.http.pages import Cursor, Offset, cursor_response, json_response, offset_response
from kit.http.params import FolderFilter, ProjectKeyFilter, UpdatedAfter, VersionFilter
from kit.http.security import Caller
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
    filter_type = Annotated[CycleFilter, Depends(_filters(directory))]

    @routes.get("")
    async def list_test_cycles(
        request: Request, caller: Caller, page: Offset, wanted: filter_type
    ) -> Response:
        """List test cycles, a page from an offset."""
        total, found = await cycles.page(Access.of(caller, directory), wanted, page)
        show = Renderer(base, caller).cycle
        return offset_response(request, base, page, total, [show(c) for c in found])

    @routes.get("/nextgen")
    async def list_test_cycles_cursor_paginated(
        request: Request,
        caller: Caller,
        page: Cursor,
        wanted: filter_type,
        updated_after: UpdatedAfter,
    ) -> Response:
        """List test cycles from an id on."""
        wanted = replace(wanted, updated_after=updated_after)
        found = await cycles.walk(Access.of(caller, directory), wanted, page)
        following = found[page.limit]["id"] if len(found) > page.limit else None
        show = Renderer(base, caller).cycle
        return cursor_response(
            request, base, page, following, [show(c) for c in found[: page.limit]]
        )


def _filters(directory: Directory) -> Callable[..., Awaitable[CycleFilter]]:
    """Return the dependency that reads the filters of both lists."""

    async def filters(
        caller: Caller,
        project_key: ProjectKeyFilter = None,
        folder: FolderFilter = None,
        version: VersionFilter = None,
    ) -> CycleFilter:
        caller.principal.require(Scope.READ)
        projects = await Access.of(caller, directory).chosen(project_key)
        return CycleFilter(projects=projects, folder=folder, jira_version=version)

    return filters
