"""``/ostro/v1/executions/bulk``: many test executions in one request; docs/bulk.md."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BeforeValidator, Field

from kit.http.bulk import ANSWERS, BulkBody, ClientId, Items, bulk_response, documented_bulk
from kit.http.fields import number_as_text
from services.executions.api.executionbodies import TestExecutionCreate, TestExecutionUpdate
from services.executions.api.links import EXECUTION_NAME_PATTERN
from services.executions.api.render import Renderer
from services.executions.api.rights import ResultRecorder
from services.executions.usecases.bulkexecutions import BulkExecutions
from services.executions.usecases.executionchanges import NewTestExecution


class TestExecutionBulkCreate(TestExecutionCreate):
    """An item of POST: the body of POST /v2/testexecutions, and what makes repeats harmless."""

    client_id: ClientId | None = None

    def wanted(self) -> NewTestExecution:
        """Return what it asks for."""
        return replace(super().wanted(), client_id=self.client_id)


class TestExecutionBulkUpdate(TestExecutionUpdate):
    """An item of PUT: the body of PUT /v2/testexecutions/…, and which one it is."""

    test_execution_id_or_key: Annotated[
        str, Field(pattern=EXECUTION_NAME_PATTERN), BeforeValidator(number_as_text)
    ]


ToCreate = Annotated[Items[TestExecutionBulkCreate], Depends(BulkBody(TestExecutionBulkCreate))]
ToUpdate = Annotated[Items[TestExecutionBulkUpdate], Depends(BulkBody(TestExecutionBulkUpdate))]


class BulkRoutes:
    """The routes; ``base`` is the public API's base URL, ending in /v2."""

    def __init__(self, executions: BulkExecutions, base: str) -> None:
        self._executions = executions
        self._base = base

    def router(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter(prefix="/ostro/v1/executions/bulk", tags=["Bulk"])
        routes.add_api_route(
            "",
            self.create,
            methods=["POST"],
            operation_id="createTestExecutions",
            responses=ANSWERS,
            openapi_extra=documented_bulk(TestExecutionBulkCreate),
        )
        routes.add_api_route(
            "",
            self.update,
            methods=["PUT"],
            operation_id="updateTestExecutions",
            responses=ANSWERS,
            openapi_extra=documented_bulk(TestExecutionBulkUpdate),
        )
        return routes

    async def create(self, access: ResultRecorder, items: ToCreate) -> Response:
        """Record up to 1,000 test executions; of a case and cycle the last one is the newest."""
        made = await items.each(
            lambda bodies: self._executions.create(access, [body.wanted() for body in bodies])
        )
        show = Renderer(self._base, access).created_execution
        return bulk_response([m if isinstance(m, Exception) else show(m) for m in made], 201)

    async def update(self, access: ResultRecorder, items: ToUpdate) -> Response:
        """Change up to 1,000 test executions; what is not given stays."""
        done = await items.each(
            lambda bodies: self._executions.update(
                access, [(body.test_execution_id_or_key, body.wanted()) for body in bodies]
            )
        )
        show = Renderer(self._base, access).created_execution
        return bulk_response([d if isinstance(d, Exception) else show(d) for d in done], 200)
