"""``/internal/v1``: what testcases asks (bodies: contracts/internal.py)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from contracts.internal import UsageAnswer, UsageRequest
from contracts.routes import TESTCASES
from kit.errors import InvalidInput
from kit.http.body import JsonBody
from kit.http.security import TenantCaller, TenantPeerOf
from services.executions.usecases.usage import Usages

Caller = Annotated[TenantCaller, Depends(TenantPeerOf(TESTCASES))]


class InternalRoutes:
    """The routes. The owner of the project has decided what its own caller may know."""

    def __init__(self, usages: Usages) -> None:
        self._usages = usages

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/internal/v1")
        router.add_api_route("/usage", self.usage, methods=["POST"])
        return router

    async def usage(
        self,
        caller: Caller,
        body: Annotated[UsageRequest, Depends(JsonBody(UsageRequest))],
    ) -> Response:
        """What has an option, or a value of a custom field."""
        if body.option is not None and body.custom_field is None:
            found = await self._usages.option(caller.tenant, body.project, body.option)
        elif body.custom_field is not None and body.option is None:
            found = await self._usages.field(caller.tenant, body.project, body.custom_field)
        else:
            raise InvalidInput("one of option and custom_field must be asked for")
        answer = UsageAnswer(
            test_plans=found.test_plans,
            test_cycles=found.test_cycles,
            test_executions=found.test_executions,
            uploads_pending=found.uploads_pending,
            archived_here=found.archived_here,
        )
        return Response(answer.model_dump_json(), media_type="application/json")
