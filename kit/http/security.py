"""FastAPI dependencies: who calls a public route and what it may see, who an internal one."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from contracts.permissions import Entity, Right
from kit.auth.api_tokens import ApiTokens, VerifiedToken
from kit.auth.guard import TokenGuard
from kit.auth.limits import OverLimit
from kit.auth.principal import ACTING, Scope
from kit.auth.service_tokens import InternalCaller, ServiceTokens
from kit.directory.access import Access
from kit.directory.permissions import Need
from kit.errors import Forbidden, Unauthenticated
from kit.observability.diagnostics import CONCERNED


class _TokenHeader(SecurityBase):
    """The Authorization header as it was sent; makes the OpenAPI document ask for a token."""

    def __init__(self) -> None:
        self.model = HTTPBearer(bearerFormat="JWT")
        self.scheme_name = "token"

    async def __call__(self, request: Request) -> str | None:
        return _authorization(request)


def _authorization(request: Request) -> str | None:
    # proxies and servers differ about which of two counts
    found = request.headers.getlist("authorization")
    if len(found) > 1:
        raise Unauthenticated("The Authorization header must stand in a request once.")
    return found[0] if found else None


async def _caller(
    request: Request, authorization: Annotated[str | None, Security(_TokenHeader())]
) -> VerifiedToken:
    tokens: ApiTokens = request.app.state.api_tokens
    public_api = request.scope["path"].startswith("/v2")
    verified = await tokens.verify(authorization, public_api=public_api)
    guard: TokenGuard | None = getattr(request.app.state, "token_guard", None)
    if guard is not None:
        try:
            request.state.quota = await guard.admit(verified)
        except OverLimit as refusal:
            request.state.quota = refusal.quota
            raise
    ACTING.set(verified.principal)
    CONCERNED.set(verified.principal.tenant)
    return verified


async def _internal_caller(request: Request) -> InternalCaller:
    tokens: ServiceTokens = request.app.state.service_tokens
    scheme, _, token = (_authorization(request) or "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("the service token is missing")
    caller = tokens.verify(token)
    CONCERNED.set(caller.tenant)
    return caller


class TenantCaller(InternalCaller):
    """An internal caller whose token names a tenant."""

    tenant: str


class PeerOf:
    """The dependency of an internal route: its caller, which must be one of these services.

    Every internal route has one, so that a service can ask for what it works with, and no more.
    """

    def __init__(self, *services: str) -> None:
        self.services = frozenset(services)

    async def __call__(
        self, caller: Annotated[InternalCaller, Depends(_internal_caller)]
    ) -> InternalCaller:
        """Return the caller; raise ``Forbidden`` for another service."""
        if caller.service not in self.services:
            raise Forbidden("This service may not ask for this.")
        return caller


class TenantPeerOf(PeerOf):
    """The same, for routes that need a tenant."""

    async def __call__(
        self, caller: Annotated[InternalCaller, Depends(_internal_caller)]
    ) -> TenantCaller:
        """Return the caller; raise ``Forbidden``, or ``Unauthenticated`` without a tenant."""
        checked = await super().__call__(caller)
        if checked.tenant is None:
            raise Unauthenticated("the service token names no tenant")
        return TenantCaller(checked.service, checked.tenant, checked.principal)


Caller = Annotated[VerifiedToken, Depends(_caller)]
"""The verified API token of a public request."""


class AccessTo:
    """The dependency of a route: what its caller may do, if the token holds one of the scopes.

    The right is decided where the request names a project or something in it, and for lists over
    all projects: see ``Access``.
    """

    def __init__(self, need: Need, *any_of: Scope) -> None:
        self.need = need
        self.scopes = any_of

    async def __call__(self, request: Request, caller: Caller) -> Access:
        """Return the access; raise ``Forbidden`` for a token of the wrong scope."""
        caller.principal.require(*self.scopes)
        tokens: ApiTokens = request.app.state.api_tokens
        return Access.of(caller, tokens.directory, self.need)


def access_to(entity: Entity, right: Right) -> AccessTo:
    """Return the dependency of a route that needs one right, with the scope that goes with it."""
    return AccessTo(Need.of((entity, right)), Scope.READ if right is Right.VIEW else Scope.WRITE)
