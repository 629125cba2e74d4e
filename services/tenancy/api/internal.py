"""What the other services ask; the tenant comes from the caller's token."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from contracts.internal import ProjectAnswer, SigningKeysAnswer, TenantAnswer
from contracts.routes import EXECUTIONS, TELEMETRY, TESTCASES
from kit.auth.service_tokens import InternalCaller
from kit.errors import NotFound
from kit.http.security import PeerOf, TenantCaller, TenantPeerOf
from services.tenancy.usecases.permissions import PermissionStore
from services.tenancy.usecases.ports import TenantStore
from services.tenancy.usecases.projects import Projects
from services.tenancy.usecases.signing_keys import SigningKeys
from services.tenancy.usecases.tokens import Tokens

_WITH_A_COPY = (TESTCASES, EXECUTIONS, TELEMETRY)
"""Services that keep a copy of the directory and ask on a miss."""
_Peer = Annotated[InternalCaller, Depends(PeerOf(*_WITH_A_COPY))]
_Caller = Annotated[TenantCaller, Depends(TenantPeerOf(*_WITH_A_COPY))]


def router(
    tenants: TenantStore,
    projects: Projects,
    keys: SigningKeys,
    schemes: PermissionStore,
    tokens: Tokens,
) -> APIRouter:
    """Build the routes of the internal listener."""
    routes = APIRouter(prefix="/internal/v1")

    @routes.get("/tenant")
    async def tenant(caller: _Caller) -> Response:
        found = await tenants.get(caller.tenant)
        if found is None:
            raise NotFound("There is no such tenant.")
        revoked = tuple(sorted(await tokens.revoked(found.id)))
        answer = TenantAnswer(tenant=found.state(), sequence=found.rev, revoked_tokens=revoked)
        return _answer(answer)

    @routes.get("/projects/{id_or_key}")
    async def project(caller: _Caller, id_or_key: str) -> Response:
        found = await projects.get(caller.tenant, id_or_key)
        scheme = await schemes.get(caller.tenant, found.id)
        return _answer(ProjectAnswer(project=found.state(), permissions=scheme))

    @routes.get("/signing-keys")
    async def signing_keys(
        _: _Peer,
    ) -> Response:
        return _answer(SigningKeysAnswer(keys=[key.state() for key in await keys.all()]))

    return routes


def _answer(body: ProjectAnswer | TenantAnswer | SigningKeysAnswer) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
