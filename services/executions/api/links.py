"""Links: ``/v2/testcycles/…/links``, ``/v2/testexecutions/…/links``, ``/v2/links/{id}``."""

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
ExecutionName = Annotated[str, Path(alias="testExecutionIdOrKey", pattern="([0-9]+)|(.+-E[0-9]+)")]
LinkName = Annotated[int, Path(ge=1, le=MAX_INT64)]
ToIssue = Annotated[IssueLinkCreate, Depends(JsonBody(IssueLinkCreate))]
ToPage = Annotated[WebLinkCreate, Depends(JsonBody(WebLinkCreate))]


def router(
    links: Links, cycles: TestCycles, plans: TestPlans, executions: TestExecutions, base: str
) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(prefix="/v2")
    cycle, execution = (
        "/testcycles/{testCycleIdOrKey}/links",
        "/testexecutions/{testExecutionIdOrKey}/links",
    )
    post = partial(routes.post, status_code=201, response_class=Response)
    issue_body, page_body = documented(IssueLinkCreate), documented(WebLinkCreate)

    def created(link: int) -> Response:
        # no body: behaviour.md section 7
        return Response(status_code=201, headers={"Location": f"{base}/links/{link}"})

    @routes.get(
        cycle,
        operation_id="getTestCycleLinks",
        responses={200: {"model": shapes.CycleLinks}},
        tags=["Test Cycles"],
    )
    async def get_test_cycle_links(access: CycleReader, name: CycleName) -> Response:
        """Return the links of a test cycle."""
        found = await cycles.get(access, name)
        linked = await plans.of_cycles(access, (found["id"],))
        return json_response(Renderer(base, access).cycle_links(found, linked[found["id"]]))

    @post(
        f"{cycle}/issues",
        operation_id="createTestCycleIssueLink",
        openapi_extra=issue_body,
        tags=["Test Cycles"],
    )
    async def create_test_cycle_issue_link(
        access: CycleEditor, name: CycleName, body: ToIssue
    ) -> Response:
        """Link a test cycle to a Jira issue, as covering it."""
        return created(await links.cycle_to_issue(access, name, body.issue_id))

    @post(
        f"{cycle}/weblinks",
        operation_id="createTestCycleWebLink",
        openapi_extra=page_body,
        tags=["Test Cycles"],
    )
    async def create_test_cycle_web_link(
        access: CycleEditor, name: CycleName, body: ToPage
    ) -> Response:
        """Link a test cycle to a page."""
        return created(await links.cycle_to_page(access, name, body.url, body.description))

    @routes.get(
        execution,
        operation_id="listTestExecutionLinks",
        responses={200: {"model": shapes.ExecutionLinks}},
        tags=["Test Executions"],
    )
    async def list_test_execution_links(access: ExecutionReader, name: ExecutionName) -> Response:
        """Return the links of a test execution."""
        try:
            found = await executions.get(access, name)
        except NotFound as missing:
            # the one read without a 404: behaviour.md 2.3
            raise InvalidInput(missing.message) from None
        return json_response(Renderer(base, access).execution_links(found))

    @post(
        f"{execution}/issues",
        operation_id="createTestExecutionIssueLink",
        openapi_extra=issue_body,
        tags=["Test Executions"],
    )
    async def create_test_execution_issue_link(
        access: ResultRecorder, name: ExecutionName, body: ToIssue
    ) -> Response:
        """Link a test execution to a Jira issue."""
        return created(await links.execution_to_issue(access, name, body.issue_id))

    @routes.delete(
        "/links/{linkId}", operation_id="deleteLink", tags=["Links"], response_class=Response
    )
    async def delete_link(access: LinkRemover, linkId: LinkName) -> Response:  # noqa: N803
        """Remove a link of any kind."""
        await links.remove(access, linkId)
        return Response()

    return routes
