"""``/ostro/v1/testcases/bulk``: many test cases in one request; docs/bulk.md."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from kit.http.bulk import ANSWERS, BulkBody, ClientId, Items, bulk_response, documented_bulk
from kit.http.references import References
from services.testcases.api.rights import CaseCreator, CaseEditor
from services.testcases.api.testcases import TestCaseCreate, created_case
from services.testcases.api.testcaseupdate import TestCaseUpdate
from services.testcases.usecases.bulkcases import BulkCases
from services.testcases.usecases.testcases import NewTestCase


class TestCaseBulkCreate(TestCaseCreate):
    """An item of POST: the body of POST /v2/testcases, and what makes repeats harmless."""

    client_id: ClientId | None = None

    def wanted(self) -> NewTestCase:
        """Return what it asks for."""
        return replace(super().wanted(), client_id=self.client_id)


ToCreate = Annotated[Items[TestCaseBulkCreate], Depends(BulkBody(TestCaseBulkCreate))]
ToReplace = Annotated[Items[TestCaseUpdate], Depends(BulkBody(TestCaseUpdate))]


class BulkRoutes:
    """The routes; ``base`` is the public API's base URL, ending in /v2."""

    def __init__(self, cases: BulkCases, base: str) -> None:
        self._cases = cases
        self._base = base

    def router(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter(prefix="/ostro/v1/testcases/bulk", tags=["Bulk"])
        routes.add_api_route(
            "",
            self.create,
            methods=["POST"],
            operation_id="createTestCases",
            responses=ANSWERS,
            openapi_extra=documented_bulk(TestCaseBulkCreate),
        )
        routes.add_api_route(
            "",
            self.replace,
            methods=["PUT"],
            operation_id="updateTestCases",
            responses=ANSWERS,
            openapi_extra=documented_bulk(TestCaseUpdate),
        )
        return routes

    async def create(self, access: CaseCreator, items: ToCreate) -> Response:
        """Create up to 1,000 test cases, each with one empty step."""
        made = await items.each(
            lambda bodies: self._cases.create(access, [body.wanted() for body in bodies])
        )
        refs = References.of(self._base, access)
        return bulk_response(
            [one if isinstance(one, Exception) else created_case(refs, *one) for one in made], 201
        )

    async def replace(self, access: CaseEditor, items: ToReplace) -> Response:
        """Replace up to 1,000 test cases: all of each but its script, links and attachments."""
        done = await items.each(
            lambda bodies: self._cases.replace(access, [body.wanted() for body in bodies])
        )
        refs = References.of(self._base, access)
        return bulk_response(
            [
                one
                if isinstance(one, Exception)
                else {"id": one.id, "key": one.key, "self": refs.url("testcases", one.key)}
                for one in done
            ],
            200,
        )
