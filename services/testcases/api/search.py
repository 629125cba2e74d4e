"""``GET /ostro/v1/testcases/search``: search over test cases; items are those of ``/v2``."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from contracts.customfields import CustomFieldEntity
from kit.http.fields import Moment
from kit.http.pages import MAX_INT64
from kit.http.references import References
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
from services.testcases.api import shapes
from services.testcases.api.rights import CaseReader
from services.testcases.api.testcases import test_case
from services.testcases.domain.searchwords import Part
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.customfields import CustomFields
from services.testcases.usecases.search import CaseQuery, Lack, SearchCases

SORTS: SortKeys = {"key": None, "name": str, "updatedOn": datetime}
FIELDS = tuple(shapes.TestCase.__annotations__)


class TestCaseSearch(SearchQuery):
    """Parameters of the search. Of one that is given several times any value may match, of labels
    and custom fields all must."""

    __test__ = False

    text: Annotated[
        SearchText | None, Field(description="words anywhere in a case; zahl* begins a word")
    ] = None
    name: Annotated[SearchText | None, Field(description="words of the name")] = None
    objective: SearchText | None = None
    precondition: SearchText | None = None
    script: Annotated[SearchText | None, Field(description="words of script or steps")] = None
    key: Annotated[Choices, Field(description="of test cases, such as DEMO-T1")] = ()
    label: Annotated[Choices, Field(description="whole labels in any case")] = ()
    status: Annotated[Choices, Field(description="names in any case, or ids")] = ()
    priority: Annotated[Choices, Field(description="names in any case, or ids")] = ()
    owner: Annotated[Choices, Field(description="account ids")] = ()
    component_id: Annotated[Ids, Field(alias="componentId")] = ()
    folder_id: Annotated[int | None, Field(alias="folderId", ge=1, le=MAX_INT64)] = None
    include_subfolders: Annotated[bool, Field(alias="includeSubfolders")] = False
    created_after: Annotated[Moment | None, Field(alias="createdAfter")] = None
    created_before: Annotated[Moment | None, Field(alias="createdBefore")] = None
    updated_after: Annotated[Moment | None, Field(alias="updatedAfter")] = None
    updated_before: Annotated[Moment | None, Field(alias="updatedBefore")] = None
    custom_field: Annotated[
        Choices, Field(alias="customField", description="name=value of a custom field")
    ] = ()
    without: Annotated[tuple[Lack, ...], Field(max_length=len(Lack))] = ()

    def wanted(self) -> CaseQuery:
        """Return what is searched for."""
        parts = {
            Part.NAME: self.name,
            Part.OBJECTIVE: self.objective,
            Part.PRECONDITION: self.precondition,
            Part.SCRIPT: self.script,
        }
        return CaseQuery(
            project_key=self.project_key,
            text=self.text,
            parts={part: text for part, text in parts.items() if text is not None},
            keys=self.key,
            labels=self.label,
            statuses=self.status,
            priorities=self.priority,
            owners=self.owner,
            components=self.component_id,
            folder=self.folder_id,
            subfolders=self.include_subfolders,
            created=Between(self.created_after, self.created_before),
            updated=Between(self.updated_after, self.updated_before),
            fields=self.custom_field,
            without=self.without,
        )


class SearchRoutes:
    """The route; ``base`` is the public API's base URL, ending in /v2."""

    def __init__(self, cases: SearchCases, fields: CustomFields, base: str) -> None:
        self._cases = cases
        self._fields = fields
        self._base = base

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(prefix="/ostro/v1/testcases", tags=["Search"])
        router.add_api_route(
            "/search",
            self.search,
            operation_id="searchTestCases",
            responses={200: {"model": SearchList[shapes.TestCase]}},
        )
        return router

    async def search(
        self, request: Request, access: CaseReader, query: Annotated[TestCaseSearch, Query()]
    ) -> Response:
        """Search test cases."""
        page = search_page(query, SORTS, FIELDS)
        found, last = await self._cases.search(access, query.wanted(), page)
        refs = References.of(self._base, access)
        projects = {project.id for _, project in found}
        fields = await self._fields.of_entity(access.tenant, projects, CustomFieldEntity.TEST_CASE)
        values = [test_case(refs, shown, fields.get(shown[1].id, ())) for shown in found]
        following = None if last is None else _position(last, page)
        return search_response(request, self._base.removesuffix("/v2"), page, following, values)


def _position(case: TestCase, page: SearchPage) -> Position:
    values: dict[str, str | datetime] = {"name": case.name, "updatedOn": case.updated_on}
    return Position(values.get(page.order.key), case.id)
