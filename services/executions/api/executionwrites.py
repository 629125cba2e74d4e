"""``/v2/testexecutions``: recording, changing, and the steps."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kit.http.body import JsonBody, documented
from kit.http.pages import (
    MAX_INT64,
    Answers,
    Offset,
    OffsetList,
    json_response,
    offset_response,
)
from services.executions.api import shapes
from services.executions.api.executionbodies import (
    TestExecutionCreate,
    TestExecutionStepsUpdate,
    TestExecutionUpdate,
)
from services.executions.api.links import ExecutionName
from services.executions.api.render import Renderer
from services.executions.api.rights import ExecutionReader, ResultRecorder
from services.executions.usecases.executionchanges import ExecutionChanges
from services.executions.usecases.executionsteps import StepsOfExecutions

_ONE_PATH = "/{testExecutionIdOrKey}"
_STEPS = f"{_ONE_PATH}/teststeps"
_MADE: Answers = {201: {"model": shapes.CreatedResource}}
_MANY_STEPS: Answers = {200: {"model": OffsetList[shapes.TestExecutionStep]}}
_SYNCED: Answers = {200: {"model": shapes.SelfRef}}
ToCreate = Annotated[TestExecutionCreate, Depends(JsonBody(TestExecutionCreate))]
ToUpdate = Annotated[TestExecutionUpdate, Depends(JsonBody(TestExecutionUpdate))]
ToRecord = Annotated[TestExecutionStepsUpdate, Depends(JsonBody(TestExecutionStepsUpdate))]
RowFilter = Annotated[int | None, Query(alias="testDataRowNumber", ge=0, le=MAX_INT64)]


class ExecutionWriteRoutes:
    """The routes; ``base`` is the public API's base URL, ending in /v2."""

    def __init__(self, changes: ExecutionChanges, steps: StepsOfExecutions, base: str) -> None:
        self._changes = changes
        self._steps = steps
        self._base = base

    def router(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter(prefix="/v2/testexecutions", tags=["Test Executions"])
        add = routes.add_api_route
        add(
            "",
            self.create,
            methods=["POST"],
            operation_id="createTestExecution",
            status_code=201,
            responses=_MADE,
            openapi_extra=documented(TestExecutionCreate),
        )
        add(
            _ONE_PATH,
            self.update,
            methods=["PUT"],
            operation_id="updateTestExecution",
            response_class=Response,
            openapi_extra=documented(TestExecutionUpdate),
        )
        add(
            _STEPS,
            self.steps,
            operation_id="getTestExecutionTestSteps",
            responses=_MANY_STEPS,
        )
        add(
            _STEPS,
            self.record,
            methods=["PUT"],
            operation_id="putTestExecutionTestSteps",
            response_class=Response,
            openapi_extra=documented(TestExecutionStepsUpdate),
        )
        add(
            f"{_STEPS}/sync",
            self.sync,
            methods=["POST"],
            operation_id="syncTestExecutionScript",
            responses=_SYNCED,
        )
        return routes

    async def create(self, access: ResultRecorder, body: ToCreate) -> Response:
        """Record a test execution: the newest run of its case in the cycle."""
        made = Renderer(self._base, access).created_execution(
            await self._changes.create(access, body.wanted())
        )
        return json_response(made, 201, {"Location": made["self"]})

    async def update(self, access: ResultRecorder, name: ExecutionName, body: ToUpdate) -> Response:
        """Change a test execution; what is not given stays."""
        ident = await self._changes.update(access, name, body.wanted())
        return Response(headers={"Location": f"{self._base}/testexecutions/{ident}"})

    async def steps(
        self,
        request: Request,
        access: ExecutionReader,
        name: ExecutionName,
        page: Offset,
        row: RowFilter = None,
    ) -> Response:
        """List the steps as they were when it ran, with their results."""
        total, found = await self._steps.page(access, name, page, row)
        show = Renderer(self._base, access).execution_step
        return offset_response(request, self._base, page, total, [show(step) for step in found])

    async def record(self, access: ResultRecorder, name: ExecutionName, body: ToRecord) -> Response:
        """Record results of steps by place; what is not given stays."""
        await self._steps.record(access, name, body.wanted())
        return Response()

    async def sync(self, access: ResultRecorder, name: ExecutionName) -> Response:
        """Pull the present script into a test execution that is its case's newest."""
        ident = await self._steps.sync(access, name)
        return json_response({"self": f"{self._base}/testexecutions/{ident}/teststeps"})
