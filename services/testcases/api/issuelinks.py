"""``/v2/issuelinks/{issueKey}/testcases``: the test cases linked to a Jira issue."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from contracts.ids import EntityKey, Kind, number_of
from kit.http.pages import json_response
from kit.http.references import References
from services.testcases.api import shapes
from services.testcases.api.rights import CaseReader
from services.testcases.usecases.links import Links


class IssueLinkRoutes:
    """The routes; ``base`` is the public API's base URL, ending in /v2."""

    def __init__(self, links: Links, base: str) -> None:
        self._links = links
        self._base = base

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/v2/issuelinks", tags=["Issue Links"])
        router.add_api_route(
            "/{issueKey}/testcases",
            self.test_cases,
            operation_id="getIssueLinkTestCases",
            responses={200: {"model": list[shapes.TestCaseKeyAndVersion]}},
        )
        return router

    async def test_cases(
        self,
        access: CaseReader,
        issue_key: Annotated[str, Path(alias="issueKey", pattern=".+-[0-9]+")],
    ) -> Response:
        """Return the newest versions of the linked test cases, by id, without pages."""
        refs = References.of(self._base, access)
        answer: list[shapes.TestCaseKeyAndVersion] = []
        for case, project in await self._links.of_issue(access, issue_key):
            key = str(EntityKey(project.key, Kind.TEST_CASE, number_of(case.id)))
            url = f"{refs.url('testcases', key)}/versions/{case.version}"
            answer.append({"key": key, "version": case.version, "self": url})
        return json_response(answer)
