"""``/v2/testcases``: lists, one case, its versions, creation."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from contracts.customfields import CustomFieldEntity, CustomFieldState, show_values
from contracts.ids import EntityKey, Kind, number_of
from contracts.tenancy import ProjectState
from kit.clock import vendor_time
from kit.directory.access import Access
from kit.http.body import JsonBody, documented
from kit.http.fields import Milliseconds
from kit.http.pages import (
    MAX_INT64,
    Cursor,
    CursorList,
    Offset,
    OffsetList,
    cursor_response,
    json_response,
    offset_response,
)
from kit.http.params import FolderFilter, ProjectKeyFilter, UpdatedAfter
from kit.http.references import References
from services.testcases.api import shapes
from services.testcases.api.fields import (
    AccountId,
    Body,
    Id,
    Name,
    ProjectKey,
    TestCaseKey,
    Text,
)
from services.testcases.api.links import links
from services.testcases.api.rights import CaseCreator, CaseReader
from services.testcases.domain.scripts import ScriptType
from services.testcases.domain.testcases import key_of
from services.testcases.usecases.customfields import CustomFields
from services.testcases.usecases.testcases import NewTestCase, Shown, TestCases

_SCRIPTS = {
    ScriptType.STEPS: "teststeps",
    ScriptType.PLAIN: "testscript",
    ScriptType.BDD: "testscript",
}
"""Where scripts are read: the one way to tell the kind of one without asking for it."""


class TestCaseCreate(Body):
    """Body of POST /testcases. Null and absent are the same."""

    __test__ = False

    project_key: ProjectKey
    name: Name
    objective: str | None = None
    precondition: str | None = None
    estimated_time: Milliseconds | None = None
    component_id: Id | None = None
    priority_name: Text | None = None
    status_name: Text | None = None
    folder_id: Id | None = None
    owner_id: AccountId | None = None
    labels: list[str] | None = None
    custom_fields: dict[str, Any] | None = None

    def wanted(self) -> NewTestCase:
        """Return what it asks for."""
        return NewTestCase(
            project_key=self.project_key,
            name=self.name,
            objective=self.objective,
            precondition=self.precondition,
            estimated_time=self.estimated_time,
            component=self.component_id,
            priority_name=self.priority_name,
            status_name=self.status_name,
            folder=self.folder_id,
            owner=self.owner_id,
            labels=self.labels or (),
            custom_fields=self.custom_fields or {},
        )


class TestCaseRoutes:
    """The routes; ``base`` is the public API's base URL, ending in /v2."""

    __test__ = False

    def __init__(self, cases: TestCases, fields: CustomFields, base: str) -> None:
        self._cases = cases
        self._fields = fields
        self._base = base

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/v2/testcases", tags=["Test Cases"])
        get = partial(router.add_api_route, methods=["GET"])
        get(
            "",
            self.list_page,
            operation_id="listTestCases",
            **_ok(OffsetList[shapes.TestCase]),
        )
        get(
            "/nextgen",
            self.walk,
            operation_id="listTestCasesCursorPaginated",
            **_ok(CursorList[shapes.TestCase]),
        )
        one = "/{testCaseKey}"
        get(one, self.get, operation_id="getTestCase", **_ok(shapes.TestCase))
        get(
            f"{one}/versions",
            self.versions,
            operation_id="listTestCaseVersions",
            **_ok(OffsetList[shapes.CreatedResource]),
        )
        get(
            f"{one}/versions/{{version}}",
            self.version,
            operation_id="getTestCaseVersion",
            **_ok(shapes.TestCase),
        )
        router.add_api_route(
            "",
            self.create,
            methods=["POST"],
            status_code=201,
            operation_id="createTestCase",
            responses={201: {"model": shapes.KeyedCreatedResource}},
            openapi_extra=documented(TestCaseCreate),
        )
        return router

    async def list_page(
        self,
        request: Request,
        access: CaseReader,
        page: Offset,
        project_key: ProjectKeyFilter = None,
        folder: FolderFilter = None,
    ) -> Response:
        """List test cases by id."""
        total, found = await self._cases.page(access, project_key, folder, page)
        values = await self._rendered(access, found)
        return offset_response(request, self._base, page, total, values)

    async def walk(
        self,
        request: Request,
        access: CaseReader,
        page: Cursor,
        updated_after: UpdatedAfter,
        project_key: ProjectKeyFilter = None,
        folder: FolderFilter = None,
    ) -> Response:
        """Walk test cases by id, from ``startAtId`` on."""
        found, following = await self._cases.walk(access, project_key, folder, updated_after, page)
        values = await self._rendered(access, found)
        return cursor_response(request, self._base, page, following, values)

    async def get(self, access: CaseReader, key: TestCaseKey) -> Response:
        """Return the newest version of a test case."""
        shown = await self._cases.get(access, key)
        (rendered,) = await self._rendered(access, [shown])
        return json_response(rendered)

    async def versions(
        self, request: Request, access: CaseReader, page: Offset, key: TestCaseKey
    ) -> Response:
        """List the versions of a test case, newest first."""
        (case, project), total, found = await self._cases.versions(access, key, page)
        url = References.of(self._base, access).url("testcases", key_of(case, project.key))
        versions = [{"id": ident, "self": f"{url}/versions/{n}"} for n, ident in found]
        return offset_response(request, self._base, page, total, versions)

    async def version(
        self,
        access: CaseReader,
        key: TestCaseKey,
        version: Annotated[int, Path(le=MAX_INT64, ge=-MAX_INT64 - 1)],
    ) -> Response:
        """Return a test case as one of its versions says."""
        shown = await self._cases.get_version(access, key, version)
        (rendered,) = await self._rendered(access, [shown])
        return json_response(rendered)

    async def create(
        self,
        access: CaseCreator,
        body: Annotated[TestCaseCreate, Depends(JsonBody(TestCaseCreate))],
    ) -> Response:
        """Create a test case with one empty step."""
        ident, project = await self._cases.create(access, body.wanted())
        return json_response(created_case(References.of(self._base, access), project, ident), 201)

    async def _rendered(self, access: Access, found: Sequence[Shown]) -> list[shapes.TestCase]:
        refs = References.of(self._base, access)
        projects = {project.id for _, project in found}
        fields = await self._fields.of_entity(access.tenant, projects, CustomFieldEntity.TEST_CASE)
        return [test_case(refs, shown, fields.get(shown[1].id, ())) for shown in found]


def created_case(
    refs: References, project: ProjectState, ident: int
) -> shapes.KeyedCreatedResource:
    """Render the answer to who made a case."""
    key = str(EntityKey(project.key, Kind.TEST_CASE, number_of(ident)))
    return {"id": ident, "self": refs.url("testcases", key), "key": key}


def test_case(
    refs: References, shown: Shown, fields: Sequence[CustomFieldState]
) -> shapes.TestCase:
    """Render one case; ``fields`` are those of test cases in its project."""
    case, project = shown
    key = key_of(case, project.key)
    url = refs.url("testcases", key)
    return {
        "id": case.id,
        "key": key,
        "name": case.name,
        "project": refs.resource("projects", case.project),
        "createdOn": vendor_time(case.created_on),
        "objective": case.objective,
        "precondition": case.precondition,
        "estimatedTime": case.estimated_time,
        "labels": list(case.labels),
        "component": refs.jira("component", case.component),
        "priority": refs.resource("priorities", case.priority),
        "status": refs.resource("statuses", case.status),
        "folder": refs.optional("folders", case.folder),
        "owner": refs.user(case.owner),
        "testScript": {"self": f"{url}/{_SCRIPTS[case.script]}"},
        "customFields": show_values(fields, case.custom_fields),
        "links": links(refs, case, project.key),
    }


def _ok(shape: Any) -> dict[str, Any]:
    return {"responses": {200: {"model": shape}}}
