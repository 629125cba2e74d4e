"""``/v2/testcycles``."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from contracts.customfields import CustomFieldEntity
from kit.directory.access import Access
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
from services.executions.domain.testcycles import TestCycle
from services.executions.usecases.customfields import CustomFields
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


def router(cycles: TestCycles, fields: CustomFields, base: str) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(prefix="/v2/testcycles", tags=["Test Cycles"])

    async def rendered(access: Access, found: Sequence[TestCycle]) -> list[shapes.TestCycle]:
        projects = {c["project"] for c in found}
        stored = {v["field"] for c in found for v in c.get("custom_fields", ())}
        known = await fields.explaining(
            access.tenant, projects, CustomFieldEntity.TEST_CYCLE, stored
        )
        show = Renderer(base, access, known).cycle
        return [show(cycle) for cycle in found]

    @routes.get("", operation_id="listTestCycles", responses=_MANY)
    async def list_test_cycles(
        request: Request, access: CycleReader, page: Offset, wanted: Filters
    ) -> Response:
        """List test cycles, a page from an offset."""
        total, found = await cycles.page(access, wanted, page)
        return offset_response(request, base, page, total, await rendered(access, found))

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
        values = await rendered(access, found[: page.limit])
        return cursor_response(request, base, page, following, values)

    @routes.get("/{testCycleIdOrKey}", operation_id="getTestCycle", responses=_ONE)
    async def get_test_cycle(access: CycleReader, testCycleIdOrKey: str) -> Response:  # noqa: N803
        """Return one test cycle by id or key."""
        cycle = await cycles.get(access, testCycleIdOrKey)
        (shown,) = await rendered(access, [cycle])
        return json_response(shown)

    return routes
