"""Links: ``/v2/testcases/{key}/links``, and ``/v2/links/{id}``, which ends one of any kind."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import AfterValidator, Field

from kit.http.body import JsonBody, documented
from kit.http.fields import not_executed
from kit.http.pages import MAX_INT64, json_response
from kit.http.references import References
from services.testcases.api import shapes
from services.testcases.api.fields import Body, Id, TestCaseKey, not_blank
from services.testcases.api.rights import CaseEditor, CaseReader
from services.testcases.domain.links import IssueLink, WebLink
from services.testcases.domain.testcases import TestCase, key_of
from services.testcases.usecases.links import Links

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


class LinkRoutes:
    """The routes; ``base`` is the public API's base URL, ending in /v2."""

    def __init__(self, links: Links, base: str) -> None:
        self._links = links
        self._base = base

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/v2")
        of_case = "/testcases/{testCaseKey}/links"
        router.add_api_route(
            of_case,
            self.of_case,
            operation_id="getTestCaseLinks",
            tags=["Test Cases"],
            responses={200: {"model": shapes.Links}},
        )
        post = partial(
            router.add_api_route,
            methods=["POST"],
            status_code=201,
            tags=["Test Cases"],
            responses={201: {"model": shapes.CreatedResource}},
        )
        post(
            f"{of_case}/issues",
            self.add_issue,
            operation_id="createTestCaseIssueLink",
            openapi_extra=documented(IssueLinkCreate),
        )
        post(
            f"{of_case}/weblinks",
            self.add_page,
            operation_id="createTestCaseWebLink",
            openapi_extra=documented(WebLinkCreate),
        )
        router.add_api_route(
            "/links/{linkId}",
            self.remove,
            methods=["DELETE"],
            operation_id="deleteLink",
            tags=["Links"],
            response_class=Response,
        )
        return router

    async def of_case(self, access: CaseReader, key: TestCaseKey) -> Response:
        """Return the links of a test case."""
        case, project = await self._links.of_case(access, key)
        return json_response(links(References.of(self._base, access), case, project.key))

    async def add_issue(
        self,
        access: CaseEditor,
        key: TestCaseKey,
        body: Annotated[IssueLinkCreate, Depends(JsonBody(IssueLinkCreate))],
    ) -> Response:
        """Link a test case to a Jira issue, as covering it."""
        made = await self._links.add_issue(access, key, body.issue_id)
        return json_response(References.of(self._base, access).resource("links", made), 201)

    async def add_page(
        self,
        access: CaseEditor,
        key: TestCaseKey,
        body: Annotated[WebLinkCreate, Depends(JsonBody(WebLinkCreate))],
    ) -> Response:
        """Link a test case to a page."""
        made = await self._links.add_page(access, key, body.url, body.description)
        return json_response(References.of(self._base, access).resource("links", made), 201)

    async def remove(
        self,
        access: CaseEditor,
        ident: Annotated[int, Path(alias="linkId", ge=1, le=MAX_INT64)],
    ) -> Response:
        """Remove a link of any kind."""
        await self._links.remove(access, ident)
        return Response()


def links(refs: References, case: TestCase, project_key: str) -> shapes.Links:
    """Render the links of a case, oldest first."""
    return {
        "self": f"{refs.url('testcases', key_of(case, project_key))}/links",
        "issues": [_issue(refs, link) for link in case.links if isinstance(link, IssueLink)],
        "webLinks": [_page(refs, link) for link in case.links if isinstance(link, WebLink)],
    }


def _issue(refs: References, link: IssueLink) -> shapes.IssueLink:
    shown: shapes.IssueLink = {
        "issueId": link.issue,
        "id": link.id,
        "self": refs.url("links", link.id),
        "type": link.type.value,
    }
    if refs.site is not None:
        shown["target"] = f"{refs.site}/rest/api/2/issue/{link.issue}"
    return shown


def _page(refs: References, link: WebLink) -> shapes.WebLink:
    shown: shapes.WebLink = {
        "url": link.url,
        "id": link.id,
        "self": refs.url("links", link.id),
        "type": link.type.value,
    }
    if link.description is not None:
        shown["description"] = link.description
    return shown
