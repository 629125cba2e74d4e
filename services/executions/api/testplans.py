"""``/v2/testplans``: lists, one plan, creation, links."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from contracts.customfields import CustomFieldEntity
from kit.directory.access import Access
from kit.http.body import JsonBody, documented
from kit.http.fields import AccountId, Body, Id, Name, ProjectKey, Text
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
from kit.http.params import ProjectKeyFilter, UpdatedAfter
from services.executions.api import shapes
from services.executions.api.links import (
    CYCLE_NAME_PATTERN,
    MAX_DESCRIPTION_LENGTH,
    IssueLinkCreate,
    ToIssue,
    WebLinkCreate,
)
from services.executions.api.render import Renderer
from services.executions.api.rights import PlanCreator, PlanEditor, PlanFiller, PlanReader
from services.executions.domain.testplans import TestPlan
from services.executions.usecases.customfields import CustomFields
from services.executions.usecases.links import Links
from services.executions.usecases.testcycles import TestCycles
from services.executions.usecases.testplans import NewTestPlan, PlanFilter, TestPlans


class TestPlanCreate(Body):
    """Body of POST /testplans. Null and absent are the same."""

    __test__ = False

    project_key: ProjectKey
    name: Name
    objective: str | None = None
    status_name: Text | None = None
    folder_id: Id | None = None
    owner_id: AccountId | None = None
    labels: list[str] | None = None
    custom_fields: dict[str, Any] | None = None

    def wanted(self) -> NewTestPlan:
        """Return what it asks for."""
        return NewTestPlan(
            project_key=self.project_key,
            name=self.name,
            objective=self.objective,
            status_name=self.status_name,
            folder=self.folder_id,
            owner=self.owner_id,
            labels=self.labels or (),
            custom_fields=self.custom_fields or {},
        )


class WebLinkCreateDescribed(WebLinkCreate):
    """Body of POST …/links/weblinks: a plan's page must be described."""

    description: Annotated[str, Field(max_length=MAX_DESCRIPTION_LENGTH)]


class TestPlanCycleLinkCreate(Body):
    """Body of POST …/links/testcycles."""

    __test__ = False

    test_cycle_id_or_key: Annotated[str, Field(pattern=CYCLE_NAME_PATTERN)]


PlanName = Annotated[str, Path(alias="testPlanIdOrKey", pattern="([0-9]+)|(.+-P[0-9]+)")]
ToCreate = Annotated[TestPlanCreate, Depends(JsonBody(TestPlanCreate))]
ToPage = Annotated[WebLinkCreateDescribed, Depends(JsonBody(WebLinkCreateDescribed))]
ToCycle = Annotated[TestPlanCycleLinkCreate, Depends(JsonBody(TestPlanCycleLinkCreate))]
_LINKED: Answers = {201: {"model": shapes.CreatedResource}}


class TestPlanRoutes:
    """The routes; ``base`` is the public API's base."""

    __test__ = False

    def __init__(
        self, plans: TestPlans, cycles: TestCycles, links: Links, fields: CustomFields, base: str
    ) -> None:
        self._plans = plans
        self._cycles = cycles
        self._links = links
        self._fields = fields
        self._base = base

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/v2/testplans", tags=["Test Plans"])
        get = partial(router.add_api_route, methods=["GET"])
        post = partial(router.add_api_route, methods=["POST"], status_code=201)
        many: Answers = {200: {"model": OffsetList[shapes.TestPlan]}}
        walked: Answers = {200: {"model": CursorList[shapes.TestPlan]}}
        one: Answers = {200: {"model": shapes.TestPlan}}
        made: Answers = {201: {"model": shapes.KeyedCreatedResource}}
        get("", self.list_page, operation_id="listTestPlans", responses=many)
        get("/nextgen", self.walk, operation_id="listTestPlansCursorPaginated", responses=walked)
        get("/{testPlanIdOrKey}", self.get, operation_id="getTestPlan", responses=one)
        post(
            "",
            self.create,
            operation_id="createTestPlan",
            responses=made,
            openapi_extra=documented(TestPlanCreate),
        )
        for kind, link, operation, body in (
            ("issues", self.link_issue, "createTestPlanIssueLink", IssueLinkCreate),
            ("weblinks", self.link_page, "createTestPlanWebLink", WebLinkCreateDescribed),
            ("testcycles", self.link_cycle, "createTestPlanTestCycleLink", TestPlanCycleLinkCreate),
        ):
            post(
                f"/{{testPlanIdOrKey}}/links/{kind}",
                link,
                operation_id=operation,
                responses=_LINKED,
                openapi_extra=documented(body),
            )
        return router

    async def list_page(
        self,
        request: Request,
        access: PlanReader,
        page: Offset,
        project_key: ProjectKeyFilter = None,
    ) -> Response:
        """List test plans, a page from an offset."""
        wanted = PlanFilter(await access.chosen(project_key))
        total, found = await self._plans.page(access, wanted, page)
        values = await self._rendered(access, found)
        return offset_response(request, self._base, page, total, values)

    async def walk(
        self,
        request: Request,
        access: PlanReader,
        page: Cursor,
        updated_after: UpdatedAfter,
        project_key: ProjectKeyFilter = None,
    ) -> Response:
        """List test plans from an id on."""
        wanted = PlanFilter(await access.chosen(project_key), updated_after)
        found = await self._plans.walk(access, wanted, page)
        following = found[page.limit]["id"] if len(found) > page.limit else None
        values = await self._rendered(access, found[: page.limit])
        return cursor_response(request, self._base, page, following, values)

    async def get(self, access: PlanReader, name: PlanName) -> Response:
        """Return one test plan by id or key."""
        plan = await self._plans.get(access, name)
        (shown,) = await self._rendered(access, [plan])
        return json_response(shown)

    async def create(self, access: PlanCreator, body: ToCreate) -> Response:
        """Create a test plan."""
        plan = await self._plans.create(access, body.wanted())
        return json_response(Renderer(self._base, access).created_plan(plan), 201)

    async def link_issue(self, access: PlanEditor, name: PlanName, body: ToIssue) -> Response:
        """Link a test plan to a Jira issue."""
        return self._linked(await self._links.plan_to_issue(access, name, body.issue_id))

    async def link_page(self, access: PlanEditor, name: PlanName, body: ToPage) -> Response:
        """Link a test plan to a page."""
        link = await self._links.plan_to_page(access, name, body.url, body.description)
        return self._linked(link)

    async def link_cycle(self, access: PlanFiller, name: PlanName, body: ToCycle) -> Response:
        """Link a test plan to a test cycle."""
        link = await self._links.plan_to_cycle(access, name, body.test_cycle_id_or_key)
        return self._linked(link)

    def _linked(self, link: int) -> Response:
        return json_response({"id": link, "self": f"{self._base}/links/{link}"}, 201)

    async def _rendered(self, access: Access, found: Sequence[TestPlan]) -> list[shapes.TestPlan]:
        stored = {v["field"] for plan in found for v in plan["custom_fields"]}
        known = await self._fields.explaining(
            access.tenant, {p["project"] for p in found}, CustomFieldEntity.TEST_PLAN, stored
        )
        linked = {link["cycle"] for p in found for link in p["links"] if "cycle" in link}
        cycles = await self._cycles.shown(access, linked)
        show = Renderer(self._base, access, known).plan
        return [show(plan, cycles) for plan in found]
