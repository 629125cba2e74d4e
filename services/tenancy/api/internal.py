"""What the other services ask; the tenant comes from the caller's token."""

from fastapi import APIRouter, Response

from contracts.internal import ProjectAnswer, SigningKeysAnswer, TenantAnswer
from kit.errors import NotFound
from kit.http.security import PeerCaller, TenantPeerCaller
from services.tenancy.usecases.permissions import PermissionStore
from services.tenancy.usecases.ports import TenantStore
from services.tenancy.usecases.projects import Projects
from services.tenancy.usecases.signing_keys import SigningKeys
from services.tenancy.usecases.tokens import Tokens


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
    async def tenant(caller: TenantPeerCaller) -> Response:
        found = await tenants.get(caller.tenant)
        if found is None:
            raise NotFound("There is no such tenant.")
        revoked = tuple(sorted(await tokens.revoked(found.id)))
        answer = TenantAnswer(tenant=found.state(), sequence=found.rev, revoked_tokens=revoked)
        return _answer(answer)

    @routes.get("/projects/{id_or_key}")
    async def project(caller: TenantPeerCaller, id_or_key: str) -> Response:
        found = await projects.get(caller.tenant, id_or_key)
        scheme = await schemes.get(caller.tenant, found.id)
        return _answer(ProjectAnswer(project=found.state(), permissions=scheme))

    @routes.get("/signing-keys")
    async def signing_keys(_: PeerCaller) -> Response:
        return _answer(SigningKeysAnswer(keys=[key.state() for key in await keys.all()]))

    return routes


def _answer(body: ProjectAnswer | TenantAnswer | SigningKeysAnswer) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
