"""Who calls from a page inside Jira: asked by a service that serves such pages, too.

Only tenancy holds the secrets that prove a context token.
"""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Header, Response

from contracts.internal import CONTEXT_TOKEN_HEADER, BrowserCallAnswer
from contracts.routes import TELEMETRY
from contracts.tenancy import TenantStatus
from kit.auth.service_tokens import InternalCaller
from kit.errors import NotFound
from kit.http.security import PeerOf
from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.requests import SignedRequest
from services.tenancy.usecases.credentials.context_token import ContextToken

log = structlog.get_logger(__name__)

_LONGEST_TOKEN = 8_192
_Peer = Annotated[InternalCaller, Depends(PeerOf(TELEMETRY))]
_Token = Annotated[str, Header(alias=CONTEXT_TOKEN_HEADER, max_length=_LONGEST_TOKEN)]


def router(context: ContextToken) -> APIRouter:
    """Build the route of the internal listener."""
    routes = APIRouter(prefix="/internal/v1")

    @routes.get("/browser-call")
    async def browser_call(_: _Peer, token: _Token = "") -> Response:
        try:
            # nothing but the credential counts: it is bound to no request
            call = await context.verify(SignedRequest("GET", "/", f"JWT {token}"))
        except BadToken as error:
            log.warning("call from inside Jira refused", reason=error.reason)
            raise NotFound("The token proves nothing.") from None
        answer = BrowserCallAnswer(
            tenant=call.tenant,
            active=call.status is TenantStatus.ACTIVE,
            account_id=call.account_id,
        )
        return Response(answer.model_dump_json(), media_type="application/json")

    return routes
