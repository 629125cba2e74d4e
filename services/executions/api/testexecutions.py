"""``/v2/testexecutions``."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from contracts.ids import Kind, project_of
from kit.auth.principal import Scope
from kit.directory.access import Access
from kit.directory.view import Directory
from kit.http.pages import Cursor, Offset, cursor_response, json_response, offset_response
from kit.http.params import ProjectKeyFilter, UpdatedAfter, VersionFilter, moment
from kit.http.security import Caller
from services.executions.api.render import Renderer
from services.executions.usecases.testexecutions import ExecutionFilter, TestExecutions
from services.executions.usecases.visibility import visible_id

_NOBODY = 0
"""An id that nothing has: a filter that names something unknown finds nothing."""


def router(executions: TestExecutions, directory: Directory, base: str) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(prefix="/v2/testexecutions", tags=["Test Executions"])
    _lists(routes, executions, directory, base)

    @routes.get("/{testExecutionIdOrKey}")
    async def get_test_execution(caller: Caller, testExecutionIdOrKey: str) -> Response:  # noqa: N803
        """Return one test execution by id or key."""
        caller.principal.require(Scope.READ)
        execution = await executions.get(Access.of(caller, directory), testExecutionIdOrKey)
        return json_response(Renderer(base, caller).execution(execution))

    return routes


def _lists(routes: APIRouter, executions: TestExecutions, directory: Directory, base: str) -> None:
    filter_type = Annotated[ExecutionFilter, Depends(_filters(directory))]

    @routes.get("")
    async def list_test_executions(
        request: Request, caller: Caller, page: Offset, wanted: filter_type
    ) -> Response:
        """List test executions, a page from an offset."""
        total, found = await executions.page(Access.of(caller, directory), wanted, page)
        show = Renderer(base, caller).execution
        return offset_response(request, base, page, total, [show(e) for e in found])

    @routes.get("/nextgen")
    async def list_test_executions_nextgen(
        request: Request,
        caller: Caller,
        page: Cursor,
        wanted: filter_type,
        updated_after: UpdatedAfter,
    ) -> Response:
        """List test executions from an id on."""
        wanted = replace(wanted, updated_after=updated_after)
        found = await executions.walk(Access.of(caller, directory), wanted, page)
        following = found[page.limit]["id"] if len(found) > page.limit else None
        show = Renderer(base, caller).execution
        return cursor_response(
            request, base, page, following, [show(e) for e in found[: page.limit]]
        )


def _filters(directory: Directory) -> Callable[..., Awaitable[ExecutionFilter]]:
    """Return the dependency that reads the filters of both lists."""

    async def filters(
        caller: Caller,
        project_key: ProjectKeyFilter = None,
        version: VersionFilter = None,
        cycle: Annotated[
            str | None, Query(alias="testCycle", pattern=r"^([0-9]+|[A-Z][A-Z_0-9]+-R[0-9]+)$")
        ] = None,
        case: Annotated[
            str | None, Query(alias="testCase", pattern=r"^([0-9]+|.+-T[0-9]+)$")
        ] = None,
        ended_after: Annotated[str | None, Query(alias="actualEndDateAfter")] = None,
        ended_before: Annotated[str | None, Query(alias="actualEndDateBefore")] = None,
        include_step_links: Annotated[bool, Query(alias="includeStepLinks")] = False,
        only_last: Annotated[bool, Query(alias="onlyLastExecutions")] = False,
    ) -> ExecutionFilter:
        del include_step_links  # executions have no links to issues yet
        caller.principal.require(Scope.READ)
        access = Access.of(caller, directory)

        async def id_of(text: str | None, kind: Kind) -> int | None:
            if text is None:
                return None
            return await visible_id(access, text, kind) or _NOBODY

        cycle_id = await id_of(cycle, Kind.TEST_CYCLE)
        case_id = await id_of(case, Kind.TEST_CASE)
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

    return filters
