"""``/v2/testcycles``: lists, one cycle, creation, replacement."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from contracts.customfields import CustomFieldEntity
from kit.directory.access import Access
from kit.http.body import JsonBody, documented
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
from services.executions.api.cyclebodies import TestCycleCreate, TestCycleUpdate
from services.executions.api.links import CycleName
from services.executions.api.render import Renderer
from services.executions.api.rights import CycleCreator, CycleEditor, CycleReader
from services.executions.domain.testcycles import TestCycle
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.cyclechanges import CycleChanges
from services.executions.usecases.testcycles import CycleFilter, TestCycles
from services.executions.usecases.testplans import TestPlans


async def _filters(
    access: CycleReader,
    project_key: ProjectKeyFilter = None,
    folder: FolderFilter = None,
    version: VersionFilter = None,
) -> CycleFilter:
    projects = await access.chosen(project_key)
    return CycleFilter(projects=projects, folder=folder, jira_version=version)


_ONE_PATH = "/{testCycleIdOrKey}"
_ONE: Answers = {200: {"model": shapes.TestCycle}}
_MADE: Answers = {201: {"model": shapes.KeyedCreatedResource}}
_MANY: Answers = {200: {"model": OffsetList[shapes.TestCycle]}}
_WALKED: Answers = {200: {"model": CursorList[shapes.TestCycle]}}
ToCreate = Annotated[TestCycleCreate, Depends(JsonBody(TestCycleCreate))]
ToReplace = Annotated[TestCycleUpdate, Depends(JsonBody(TestCycleUpdate))]
Filters = Annotated[CycleFilter, Depends(_filters)]
"""The filters of both lists."""


def router(
    cycles: TestCycles, changes: CycleChanges, plans: TestPlans, fields: CustomFields, base: str
) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(prefix="/v2/testcycles", tags=["Test Cycles"])

    async def rendered(access: Access, found: Sequence[TestCycle]) -> list[shapes.TestCycle]:
        projects = {c["project"] for c in found}
        stored = {v["field"] for c in found for v in c.get("custom_fields", ())}
        known = await fields.explaining(
            access.tenant, projects, CustomFieldEntity.TEST_CYCLE, stored
        )
        linked = await plans.of_cycles(access, {c["id"] for c in found})
        show = Renderer(base, access, known).cycle
        return [show(cycle, linked[cycle["id"]]) for cycle in found]

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

    @routes.get(_ONE_PATH, operation_id="getTestCycle", responses=_ONE)
    async def get_test_cycle(access: CycleReader, name: CycleName) -> Response:
        """Return one test cycle by id or key."""
        cycle = await cycles.get(access, name)
        (shown,) = await rendered(access, [cycle])
        return json_response(shown)

    _writes(routes, changes, base)
    return routes


def _writes(routes: APIRouter, changes: CycleChanges, base: str) -> None:
    @routes.post(
        "",
        operation_id="createTestCycle",
        status_code=201,
        responses=_MADE,
        openapi_extra=documented(TestCycleCreate),
    )
    async def create_test_cycle(access: CycleCreator, body: ToCreate) -> Response:
        """Create a test cycle."""
        made = await changes.create(access, body.wanted())
        return json_response(Renderer(base, access).created_cycle(made), 201)

    @routes.put(
        _ONE_PATH,
        operation_id="updateTestCycle",
        response_class=Response,
        openapi_extra=documented(TestCycleUpdate),
    )
    async def update_test_cycle(access: CycleEditor, name: CycleName, body: ToReplace) -> Response:
        """Replace a test cycle; planned dates that are not given stay."""
        replaced = await changes.replace(access, name, body.wanted())
        return Response(headers={"Location": f"{base}/testcycles/{replaced['id']}"})
