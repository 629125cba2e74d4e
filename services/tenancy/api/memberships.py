"""What the other services ask of a user; the tenant comes from the caller's token."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from contracts.ids import MAX_PROJECT_ID
from contracts.internal import MembershipAnswer
from contracts.permissions import MAX_HOLDER_LENGTH
from contracts.routes import EXECUTIONS, TESTCASES
from kit.http.security import TenantCaller, TenantPeerOf
from services.tenancy.usecases.memberships import Memberships

_Caller = Annotated[TenantCaller, Depends(TenantPeerOf(TESTCASES, EXECUTIONS))]
Account = Annotated[str, Path(pattern=rf"^[-:a-zA-Z0-9]{{1,{MAX_HOLDER_LENGTH}}}$")]
RolesIn = Annotated[int | None, Query(alias="project", ge=1, le=MAX_PROJECT_ID)]


def router(memberships: Memberships) -> APIRouter:
    """Build the route of the internal listener."""
    routes = APIRouter(prefix="/internal/v1/memberships")

    @routes.get("/{account}")
    async def membership(caller: _Caller, account: Account, roles_in: RolesIn = None) -> Response:
        found = await memberships.current(caller.tenant, account, roles_in)
        answer = MembershipAnswer(membership=found)
        return Response(answer.model_dump_json(), media_type="application/json")

    return routes
