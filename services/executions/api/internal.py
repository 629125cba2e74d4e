"""``/internal/v1``: what testcases asks (bodies: contracts/internal.py)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from contracts.internal import (
    DependentsAnswer,
    DependentsRequest,
    FolderContentsAnswer,
    FolderContentsRequest,
    HeldThings,
    UsageAnswer,
    UsageRequest,
)
from contracts.routes import TESTCASES
from kit.dependents import Held
from kit.errors import InvalidInput
from kit.http.body import JsonBody
from kit.http.security import TenantCaller, TenantPeerOf
from services.executions.usecases.dependents import OfTheLibrary
from services.executions.usecases.usage import Usages

MOST_AT_ONCE = 1_000
Caller = Annotated[TenantCaller, Depends(TenantPeerOf(TESTCASES))]


class InternalRoutes:
    """The routes. The owner of the project has decided what its own caller may know."""

    def __init__(self, usages: Usages, ours: OfTheLibrary) -> None:
        self._usages = usages
        self._ours = ours

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/internal/v1")
        router.add_api_route("/usage", self.usage, methods=["POST"])
        router.add_api_route("/dependents", self.dependents, methods=["POST"])
        router.add_api_route("/folders/contents", self.folder_contents, methods=["POST"])
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

    async def dependents(
        self,
        caller: Caller,
        body: Annotated[DependentsRequest, Depends(JsonBody(DependentsRequest))],
    ) -> Response:
        """What hangs on cases, or stands in folders."""
        if max(len(body.cases), len(body.folders)) > MOST_AT_ONCE:
            raise InvalidInput(f"at most {MOST_AT_ONCE} at once")
        runs = await self._ours.runs(caller.tenant, body.cases)
        cycles, plans, inside = await self._ours.in_folders(caller.tenant, body.folders)
        answer = DependentsAnswer(
            test_executions=_held(runs + inside),
            test_cycles=_held(cycles),
            test_plans=_held(plans),
        )
        return Response(answer.model_dump_json(), media_type="application/json")

    async def folder_contents(
        self,
        caller: Caller,
        body: Annotated[FolderContentsRequest, Depends(JsonBody(FolderContentsRequest))],
    ) -> Response:
        """Move or delete some of what is in a folder that is being deleted."""
        more = await self._ours.empty(caller.tenant, body.folder, delete=body.delete)
        answer = FolderContentsAnswer(more=more)
        return Response(answer.model_dump_json(), media_type="application/json")


def _held(found: Held) -> HeldThings:
    return HeldThings(count=found.count, ids=tuple(found.ids))
