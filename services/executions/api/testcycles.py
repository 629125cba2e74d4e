"""``/v2/testcycles``."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from kit.http.pages import (
    Answers,
    Cursor,
    CursorList,
    Offset,
    OffsetList,
    cursor_response,
    json_response,
    offset_response,
)
from kit.http.params import FolderFilter, ProjectKeyFilter, UpdatedAfter, VersionFilter
from services.executions.api import shapes
from services.executions.api.render import Renderer
from services.executions.api.rights import CycleReader
from services.executions.usecases.testcycles import CycleFilter, TestCycles


async def _filters(
    access: CycleReader,
    project_key: ProjectKeyFilter = None,
    folder: FolderFilter = None,
    version: VersionFilter = None,
) -> CycleFilter:
    projects = await access.chosen(project_key)
    return CycleFilter(projects=projects, folder=folder, jira_version=version)


_ONE: Answers = {200: {"model": shapes.TestCycle}}
_MANY: Answers = {200: {"model": OffsetList[shapes.TestCycle]}}
_WALKED: Answers = {200: {"model": CursorList[shapes.TestCycle]}}
Filters = Annotated[CycleFilter, Depends(_filters)]
"""The filters of both lists."""


def router(cycles: TestCycles, base: str) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(prefix="/v2/testcycles", tags=["Test Cycles"])

    @routes.get("", operation_id="listTestCycles", responses=_MANY)
    async def list_test_cycles(
        request: Request, access: CycleReader, page: Offset, wanted: Filters
    ) -> Response:
        """List test cycles, a page from an offset."""
        total, found = await cycles.page(access, wanted, page)
        show = Renderer(base, access).cycle
        return offset_response(request, base, page, total, [show(c) for c in found])

    @routes.get("/nextgen", operation_id="listTestCyclesCursorPaginated", responses=_WALKED)
    async def list_test_cycles_cursor_paginated(
        request: Request,
        access: CycleReader,
        page: Cursor,
        wanted: Filters,
        updated_after: UpdatedAfter,
    ) -> Response:
        """List test cycles from an id on."""
        found = await cycles.walk(access, replace(wanted, updated_after=updated_after), page)
        following = found[page.limit]["id"] if len(found) > page.limit else None
        show = Renderer(base, access).cycle
        return cursor_response(
            request, base, page, following, [show(c) for c in found[: page.limit]]
        )

    @routes.get("/{testCycleIdOrKey}", operation_id="getTestCycle", responses=_ONE)
    async def get_test_cycle(access: CycleReader, testCycleIdOrKey: str) -> Response:  # noqa: N803
        """Return one test cycle by id or key."""
        cycle = await cycles.get(access, testCycleIdOrKey)
        return json_response(Renderer(base, access).cycle(cycle))

    return routes
