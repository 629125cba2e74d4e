"""FastAPI dependencies: who calls a public route and what it may see, who an internal one."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from kit.auth.api_tokens import ApiTokens, VerifiedToken
from kit.auth.guard import TokenGuard
from kit.auth.limits import OverLimit
from kit.auth.principal import ACTING, Scope
from kit.auth.service_tokens import InternalCaller, ServiceTokens
from kit.directory.access import Access
from kit.errors import Unauthenticated


class _TokenHeader(SecurityBase):
    """The Authorization header as it was sent; makes the OpenAPI document ask for a token."""

    def __init__(self) -> None:
        self.model = HTTPBearer(bearerFormat="JWT")
        self.scheme_name = "token"

    async def __call__(self, request: Request) -> str | None:
        return request.headers.get("authorization")


async def _caller(
    request: Request, authorization: Annotated[str | None, Security(_TokenHeader())]
) -> VerifiedToken:
    tokens: ApiTokens = request.app.state.api_tokens
    public_api = request.url.path.startswith("/v2")
    verified = await tokens.verify(authorization, public_api=public_api)
    guard: TokenGuard | None = getattr(request.app.state, "token_guard", None)
    if guard is not None:
        try:
            request.state.quota = await guard.admit(verified)
        except OverLimit as refusal:
            request.state.quota = refusal.quota
            raise
    ACTING.set(verified.principal)
    return verified


async def _internal_caller(
    request: Request, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
) -> InternalCaller:
    tokens: ServiceTokens = request.app.state.service_tokens
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("the service token is missing")
    return tokens.verify(token)


async def _tenant_caller(
    caller: Annotated[InternalCaller, Depends(_internal_caller)],
) -> "TenantCaller":
    if caller.tenant is None:
        raise Unauthenticated("the service token names no tenant")
    return TenantCaller(caller.service, caller.tenant, caller.principal)


class TenantCaller(InternalCaller):
    """An internal caller whose token names a tenant."""

    tenant: str


Caller = Annotated[VerifiedToken, Depends(_caller)]
"""The verified API token of a public request."""


def access_with(*any_of: Scope) -> Callable[..., Awaitable[Access]]:
    """Return the dependency that gives what the caller may see, if it holds one of the scopes."""

    async def holder(request: Request, caller: Caller) -> Access:
        caller.principal.require(*any_of)
        tokens: ApiTokens = request.app.state.api_tokens
        return Access.of(caller, tokens.directory)

    return holder


Reader = Annotated[Access, Depends(access_with(Scope.READ))]
"""What the caller of a reading route may see."""
Writer = Annotated[Access, Depends(access_with(Scope.WRITE))]
"""The same, of a route that changes something."""
PeerCaller = Annotated[InternalCaller, Depends(_internal_caller)]
"""The service behind an internal request."""
TenantPeerCaller = Annotated[TenantCaller, Depends(_tenant_caller)]
"""The same, for routes that need a tenant."""
