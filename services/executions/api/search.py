"""``GET /ostro/v1/executions/search``: search over test executions; items are those of ``/v2``."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from contracts.customfields import CustomFieldEntity
from kit.http.fields import Moment
from kit.http.search import (
    Between,
    Choices,
    Ids,
    Position,
    SearchList,
    SearchPage,
    SearchQuery,
    SearchText,
    SortKeys,
    search_page,
    search_response,
)
from services.executions.api import shapes
from services.executions.api.render import Renderer
from services.executions.api.rights import ExecutionReader
from services.executions.domain.testexecutions import TestExecution
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.search import Lack, RunQuery, SearchExecutions

SORTS: SortKeys = {"key": None, "actualEndDate": datetime, "updatedOn": datetime}
FIELDS = tuple(shapes.TestExecution.__annotations__)


class TestExecutionSearch(SearchQuery):
    """Parameters of the search. Of one that is given several times any value may match, of custom
    fields all must."""

    __test__ = False

    comment: Annotated[
        SearchText | None, Field(description="texts that the comment holds, in any case")
    ] = None
    test_case: Annotated[Choices, Field(alias="testCase", description="ids or keys")] = ()
    test_cycle: Annotated[Choices, Field(alias="testCycle", description="ids or keys")] = ()
    status: Annotated[Choices, Field(description="names in any case, or ids")] = ()
    environment: Annotated[Choices, Field(description="names in any case, or ids")] = ()
    executed_by: Annotated[Choices, Field(alias="executedById", description="account ids")] = ()
    assigned_to: Annotated[Choices, Field(alias="assignedToId", description="account ids")] = ()
    version: Annotated[Ids, Field(alias="jiraProjectVersionId")] = ()
    automated: bool | None = None
    ended_after: Annotated[Moment | None, Field(alias="actualEndDateAfter")] = None
    ended_before: Annotated[Moment | None, Field(alias="actualEndDateBefore")] = None
    updated_after: Annotated[Moment | None, Field(alias="updatedAfter")] = None
    updated_before: Annotated[Moment | None, Field(alias="updatedBefore")] = None
    custom_field: Annotated[
        Choices, Field(alias="customField", description="name=value of a custom field")
    ] = ()
    without: Annotated[tuple[Lack, ...], Field(max_length=len(Lack))] = ()

    def wanted(self) -> RunQuery:
        """Return what is searched for."""
        return RunQuery(
            project_key=self.project_key,
            comment=self.comment,
            cases=self.test_case,
            cycles=self.test_cycle,
            statuses=self.status,
            environments=self.environment,
            executed_by=self.executed_by,
            assigned_to=self.assigned_to,
            versions=self.version,
            automated=self.automated,
            ended=Between(self.ended_after, self.ended_before),
            updated=Between(self.updated_after, self.updated_before),
            fields=self.custom_field,
            without=self.without,
        )


class SearchRoutes:
    """The route; ``base`` is the public API's base URL, ending in /v2."""

    def __init__(self, executions: SearchExecutions, fields: CustomFields, base: str) -> None:
        self._executions = executions
        self._fields = fields
        self._base = base

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(prefix="/ostro/v1/executions", tags=["Search"])
        router.add_api_route(
            "/search",
            self.search,
            operation_id="searchTestExecutions",
            responses={200: {"model": SearchList[shapes.TestExecution]}},
        )
        return router

    async def search(
        self,
        request: Request,
        access: ExecutionReader,
        query: Annotated[TestExecutionSearch, Query()],
    ) -> Response:
        """Search test executions."""
        page = search_page(query, SORTS, FIELDS)
        found, last = await self._executions.search(access, query.wanted(), page)
        projects = {execution["project"] for execution in found}
        stored = {value["field"] for e in found for value in e.get("custom_fields", ())}
        known = await self._fields.explaining(
            access.tenant, projects, CustomFieldEntity.TEST_EXECUTION, stored
        )
        show = Renderer(self._base, access, known).execution
        following = None if last is None else _position(last, page)
        values = [show(execution) for execution in found]
        return search_response(request, self._base.removesuffix("/v2"), page, following, values)


def _position(execution: TestExecution, page: SearchPage) -> Position:
    values = {"actualEndDate": execution["end"], "updatedOn": execution["updated_on"]}
    return Position(values.get(page.order.key), execution["id"])
