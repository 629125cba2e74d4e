"""Links: ``/v2/testcycles/…/links``, ``/v2/testexecutions/…/links``, ``/v2/links/{id}``."""

from enum import Enum
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import AfterValidator, Field

from kit.errors import InvalidInput, NotFound
from kit.http.body import JsonBody, documented
from kit.http.fields import Body, Id, not_blank, not_executed
from kit.http.pages import MAX_INT64, json_response
from services.executions.api import shapes
from services.executions.api.render import Renderer
from services.executions.api.rights import (
    CycleEditor,
    CycleReader,
    ExecutionReader,
    LinkRemover,
    ResultRecorder,
)
from services.executions.usecases.links import Links
from services.executions.usecases.testcycles import TestCycles
from services.executions.usecases.testexecutions import TestExecutions
from services.executions.usecases.testplans import TestPlans

# a thousand of the longest still fit into a document
MAX_URL_LENGTH = 2_048
MAX_DESCRIPTION_LENGTH = 1_000


class IssueLinkCreate(Body):
    """Body of POST …/links/issues."""

    issue_id: Id


class WebLinkCreate(Body):
    """Body of POST …/links/weblinks."""

    url: Annotated[
        str,
        Field(min_length=1, max_length=MAX_URL_LENGTH),
        AfterValidator(not_blank),
        AfterValidator(not_executed),
    ]
    description: Annotated[str, Field(max_length=MAX_DESCRIPTION_LENGTH)] | None = None


CYCLE_NAME_PATTERN = "([0-9]+)|([A-Z][A-Z_0-9]+-R[0-9]+)"
CycleName = Annotated[str, Path(alias="testCycleIdOrKey", pattern=CYCLE_NAME_PATTERN)]
EXECUTION_NAME_PATTERN = "([0-9]+)|(.+-E[0-9]+)"
ExecutionName = Annotated[str, Path(alias="testExecutionIdOrKey", pattern=EXECUTION_NAME_PATTERN)]
LinkName = Annotated[int, Path(ge=1, le=MAX_INT64)]
ToIssue = Annotated[IssueLinkCreate, Depends(JsonBody(IssueLinkCreate))]
ToPage = Annotated[WebLinkCreate, Depends(JsonBody(WebLinkCreate))]


class LinkRoutes:
    """The routes; ``base`` is the public API's base URL, ending in /v2."""

    def __init__(
        self,
        links: Links,
        cycles: TestCycles,
        plans: TestPlans,
        executions: TestExecutions,
        base: str,
    ) -> None:
        self._links = links
        self._cycles = cycles
        self._plans = plans
        self._executions = executions
        self._base = base

    def router(self) -> APIRouter:
        """Build the routes."""
        routes = APIRouter(prefix="/v2")
        self._of_cycles(routes)
        self._of_executions(routes)

        @routes.delete(
            "/links/{linkId}", operation_id="deleteLink", tags=["Links"], response_class=Response
        )
        async def delete_link(access: LinkRemover, linkId: LinkName) -> Response:  # noqa: N803
            """Remove a link of any kind."""
            await self._links.remove(access, linkId)
            return Response()

        return routes

    def _created(self, link: int) -> Response:
        # no body: behaviour.md section 7
        return Response(status_code=201, headers={"Location": f"{self._base}/links/{link}"})

    def _of_cycles(self, routes: APIRouter) -> None:
        path = "/testcycles/{testCycleIdOrKey}/links"
        tags: list[str | Enum] = ["Test Cycles"]
        post = partial(routes.post, status_code=201, response_class=Response, tags=tags)

        @routes.get(
            path,
            operation_id="getTestCycleLinks",
            responses={200: {"model": shapes.CycleLinks}},
            tags=tags,
        )
        async def get_test_cycle_links(access: CycleReader, name: CycleName) -> Response:
            """Return the links of a test cycle."""
            found = await self._cycles.get(access, name)
            linked = await self._plans.of_cycles(access, (found["id"],))
            shown = Renderer(self._base, access).cycle_links(found, linked[found["id"]])
            return json_response(shown)

        @post(
            f"{path}/issues",
            operation_id="createTestCycleIssueLink",
            openapi_extra=documented(IssueLinkCreate),
        )
        async def create_test_cycle_issue_link(
            access: CycleEditor, name: CycleName, body: ToIssue
        ) -> Response:
            """Link a test cycle to a Jira issue, as covering it."""
            return self._created(await self._links.cycle_to_issue(access, name, body.issue_id))

        @post(
            f"{path}/weblinks",
            operation_id="createTestCycleWebLink",
            openapi_extra=documented(WebLinkCreate),
        )
        async def create_test_cycle_web_link(
            access: CycleEditor, name: CycleName, body: ToPage
        ) -> Response:
            """Link a test cycle to a page."""
            made = await self._links.cycle_to_page(access, name, body.url, body.description)
            return self._created(made)

    def _of_executions(self, routes: APIRouter) -> None:
        path = "/testexecutions/{testExecutionIdOrKey}/links"
        tags: list[str | Enum] = ["Test Executions"]

        @routes.get(
            path,
            operation_id="listTestExecutionLinks",
            responses={200: {"model": shapes.ExecutionLinks}},
            tags=tags,
        )
        async def list_test_execution_links(
            access: ExecutionReader, name: ExecutionName
        ) -> Response:
            """Return the links of a test execution."""
            try:
                found = await self._executions.get(access, name)
            except NotFound as missing:
                # the one read without a 404: behaviour.md 2.3
                raise InvalidInput(missing.message) from None
            return json_response(Renderer(self._base, access).execution_links(found))

        @routes.post(
            f"{path}/issues",
            operation_id="createTestExecutionIssueLink",
            status_code=201,
            response_class=Response,
            openapi_extra=documented(IssueLinkCreate),
            tags=tags,
        )
        async def create_test_execution_issue_link(
            access: ResultRecorder, name: ExecutionName, body: ToIssue
        ) -> Response:
            """Link a test execution to a Jira issue."""
            made = await self._links.execution_to_issue(access, name, body.issue_id)
            return self._created(made)
