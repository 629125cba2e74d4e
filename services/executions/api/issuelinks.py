"""``/v2/issuelinks/{issueKey}/(testcycles|testplans|executions)``: what an issue is linked to."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from kit.directory.access import Access
from kit.http.pages import Answers, json_response
from kit.http.references import References, ResourceRef
from services.executions.api.rights import CycleReader, ExecutionReader, PlanReader
from services.executions.domain.links import Holder
from services.executions.usecases.links import Links

IssueKey = Annotated[str, Path(pattern=".+-[0-9]+")]
_FOUND: Answers = {200: {"model": list[ResourceRef]}}


def router(links: Links, base: str) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(prefix="/v2/issuelinks", tags=["Issue Links"])

    async def found(access: Access, holder: Holder, key: str, kind: str) -> Response:
        refs = References.of(base, access)
        ids = await links.of_issue(access, holder, key)
        return json_response([refs.resource(kind, one) for one in ids])

    @routes.get("/{issueKey}/testcycles", operation_id="getIssueLinkTestCycles", responses=_FOUND)
    async def get_issue_link_test_cycles(
        access: CycleReader,
        issueKey: IssueKey,  # noqa: N803
    ) -> Response:
        """Return the test cycles that are linked to an issue, by id, without pages."""
        return await found(access, Holder.TEST_CYCLE, issueKey, "testcycles")

    @routes.get("/{issueKey}/testplans", operation_id="getIssueLinkTestPlans", responses=_FOUND)
    async def get_issue_link_test_plans(
        access: PlanReader,
        issueKey: IssueKey,  # noqa: N803
    ) -> Response:
        """Return the test plans that are linked to an issue, by id, without pages."""
        return await found(access, Holder.TEST_PLAN, issueKey, "testplans")

    @routes.get(
        "/{issueKey}/executions", operation_id="getIssueLinkTestExecutions", responses=_FOUND
    )
    async def get_issue_link_test_executions(
        access: ExecutionReader,
        issueKey: IssueKey,  # noqa: N803
    ) -> Response:
        """Return the test executions that are linked to an issue, by id, without pages."""
        return await found(access, Holder.TEST_EXECUTION, issueKey, "testexecutions")

    return routes
