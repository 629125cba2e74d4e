"""``/v2/testexecutions``."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from contracts.customfields import CustomFieldEntity
from contracts.ids import Kind, project_of
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
from kit.http.params import ProjectKeyFilter, UpdatedAfter, VersionFilter, moment
from services.executions.api import shapes
from services.executions.api.links import ExecutionName
from services.executions.api.render import Renderer
from services.executions.api.rights import ExecutionReader
from services.executions.domain.testexecutions import TestExecution
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.testexecutions import ExecutionFilter, TestExecutions
from services.executions.usecases.visibility import visible_id

_NOBODY = 0
"""An id that nothing has: a filter that names something unknown finds nothing."""


StepLinks = Annotated[bool, Query(alias="includeStepLinks")]
"""Steps have no links to issues yet, so it changes nothing."""


async def _filters(
    access: ExecutionReader,
    project_key: ProjectKeyFilter = None,
    version: VersionFilter = None,
    cycle: Annotated[
        str | None, Query(alias="testCycle", pattern=r"^([0-9]+|[A-Z][A-Z_0-9]+-R[0-9]+)$")
    ] = None,
    case: Annotated[str | None, Query(alias="testCase", pattern=r"^([0-9]+|.+-T[0-9]+)$")] = None,
    ended_after: Annotated[str | None, Query(alias="actualEndDateAfter")] = None,
    ended_before: Annotated[str | None, Query(alias="actualEndDateBefore")] = None,
    include_step_links: StepLinks = False,
    only_last: Annotated[bool, Query(alias="onlyLastExecutions")] = False,
) -> ExecutionFilter:
    del include_step_links
    cycle_id = await _id_of(access, cycle, Kind.TEST_CYCLE)
    case_id = await _id_of(access, case, Kind.TEST_CASE)
    projects = set(await access.chosen(project_key))
    if project_key is None:
        # the owner may just have named a project that the view does not hold yet
        projects |= {project_of(found) for found in (cycle_id, case_id) if found}
    return ExecutionFilter(
        projects=projects,
        cycle=cycle_id,
        case=case_id,
        jira_version=version,
        ended_after=moment(ended_after, "actualEndDateAfter"),
        ended_before=moment(ended_before, "actualEndDateBefore"),
        only_last=only_last,
    )


async def _id_of(access: Access, text: str | None, kind: Kind) -> int | None:
    if text is None:
        return None
    return await visible_id(access, text, kind) or _NOBODY


_ONE_PATH = "/{testExecutionIdOrKey}"
_ONE: Answers = {200: {"model": shapes.TestExecution}}
_MANY: Answers = {200: {"model": OffsetList[shapes.TestExecution]}}
_WALKED: Answers = {200: {"model": CursorList[shapes.TestExecution]}}
_ENTITY = CustomFieldEntity.TEST_EXECUTION
Filters = Annotated[ExecutionFilter, Depends(_filters)]
"""The filters of both lists."""


class _Pages:
    """Renders executions."""

    def __init__(self, fields: CustomFields, base: str) -> None:
        self._fields = fields
        self._base = base

    async def rendered(
        self, access: Access, found: Sequence[TestExecution]
    ) -> list[shapes.TestExecution]:
        """Render executions."""
        projects = {e["project"] for e in found}
        values = [v for e in found if "custom_fields" in e for v in e["custom_fields"]]
        known = await self._fields.of_page(access.tenant, projects, _ENTITY, values)
        show = Renderer(self._base, access, known).execution
        return [show(execution) for execution in found]


def router(executions: TestExecutions, fields: CustomFields, base: str) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(prefix="/v2/testexecutions", tags=["Test Executions"])

    pages = _Pages(fields, base)

    @routes.get("", operation_id="listTestExecutions", responses=_MANY)
    async def list_test_executions(
        request: Request, access: ExecutionReader, page: Offset, wanted: Filters
    ) -> Response:
        """List test executions, a page from an offset."""
        total, found = await executions.page(access, wanted, page)
        values = await pages.rendered(access, found)
        return offset_response(request, base, page, total, values)

    @routes.get("/nextgen", operation_id="listTestExecutionsNextgen", responses=_WALKED)
    async def list_test_executions_nextgen(
        request: Request,
        access: ExecutionReader,
        page: Cursor,
        wanted: Filters,
        updated_after: UpdatedAfter,
    ) -> Response:
        """List test executions from an id on."""
        wanted = replace(wanted, updated_after=updated_after)
        found = await executions.walk(access, wanted, page)
        following = found[page.limit]["id"] if len(found) > page.limit else None
        values = await pages.rendered(access, found[: page.limit])
        return cursor_response(request, base, page, following, values)

    @routes.get(_ONE_PATH, operation_id="getTestExecution", responses=_ONE)
    async def get_test_execution(
        access: ExecutionReader, name: ExecutionName, include_step_links: StepLinks = False
    ) -> Response:
        """Return one test execution by id or key."""
        del include_step_links
        execution = await executions.get(access, name)
        (shown,) = await pages.rendered(access, [execution])
        return json_response(shown)

    return routes
