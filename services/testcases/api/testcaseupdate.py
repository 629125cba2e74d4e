"""``PUT /v2/testcases/{key}``: full replacement, in the shape that GET answers."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from kit.http.body import JsonBody, documented
from kit.http.fields import Milliseconds
from services.testcases.api.fields import AccountId, Body, Id, Name, TestCaseKey
from services.testcases.api.rights import CaseEditor
from services.testcases.usecases import testcaseupdates
from services.testcases.usecases.testcaseupdates import TestCaseUpdates


class IdRef(Body):
    """A reference; what else an answer says of it is ignored."""

    id: Id


class OwnerRef(Body):
    """A Jira user."""

    account_id: AccountId | None


class TestCaseUpdate(Body):
    """Body of PUT /testcases/{key}. Null and absent are the same: cleared.

    ``createdOn``, ``testScript`` and ``links`` are ignored: clients send back what they got.
    """

    __test__ = False

    id: Id
    key: Annotated[str, Field(pattern=".+-T[0-9]+")]
    name: Name
    project: IdRef
    objective: str | None = None
    precondition: str | None = None
    estimated_time: Milliseconds | None = None
    labels: list[str] | None = None
    component: IdRef | None = None
    priority: IdRef
    status: IdRef
    folder: IdRef | None = None
    owner: OwnerRef | None = None
    custom_fields: dict[str, Any] | None = None

    def wanted(self) -> testcaseupdates.TestCaseUpdate:
        """Return what it asks for."""
        return testcaseupdates.TestCaseUpdate(
            id=self.id,
            key=self.key,
            project=self.project.id,
            name=self.name,
            priority=self.priority.id,
            status=self.status.id,
            objective=self.objective,
            precondition=self.precondition,
            estimated_time=self.estimated_time,
            component=_id(self.component),
            folder=_id(self.folder),
            owner=self.owner.account_id if self.owner else None,
            labels=self.labels or (),
            custom_fields=self.custom_fields or {},
        )


class TestCaseUpdateRoutes:
    """The route."""

    __test__ = False

    def __init__(self, updates: TestCaseUpdates) -> None:
        self._updates = updates

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(prefix="/v2/testcases", tags=["Test Cases"])
        router.add_api_route(
            "/{testCaseKey}",
            self.replace,
            methods=["PUT"],
            operation_id="updateTestCase",
            response_class=Response,
            openapi_extra=documented(TestCaseUpdate),
        )
        return router

    async def replace(
        self,
        access: CaseEditor,
        key: TestCaseKey,
        body: Annotated[TestCaseUpdate, Depends(JsonBody(TestCaseUpdate))],
    ) -> Response:
        """Replace all of a test case but its script, links and attachments."""
        await self._updates.replace(access, key, body.wanted())
        return Response()


def _id(found: IdRef | None) -> int | None:
    return found.id if found else None
