"""Who calls from inside Jira: one dependency per credential kind, each takes exactly one."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import structlog
from fastapi import Request, Security
from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBearer
from fastapi.security.base import SecurityBase

from contracts.tenancy import TenantStatus
from kit.errors import Forbidden, Unauthenticated
from services.tenancy.api.signed import signed_request
from services.tenancy.domain.audit import Actor, ActorKind
from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.tenants import Tenant
from services.tenancy.usecases.credentials.context_token import ContextToken
from services.tenancy.usecases.credentials.forge_invocation import ForgeCall, ForgeInvocation
from services.tenancy.usecases.own_tokens import Person
from services.tenancy.usecases.ports import By

log = structlog.get_logger(__name__)


class _JiraToken(SecurityBase):
    """Makes the OpenAPI document name the credential; nothing is read here."""

    def __init__(self, name: str, model: APIKey | HTTPBearer) -> None:
        self.model = model
        self.scheme_name = name

    async def __call__(self) -> None:
        """Do nothing."""


_CONTEXT = _JiraToken(
    "contextToken",
    APIKey.model_validate(
        {"in": APIKeyIn.header, "name": "Authorization", "description": "JWT <context token>"}
    ),
)
_FORGE = _JiraToken("forgeInvocation", HTTPBearer(bearerFormat="JWT"))


class ContextPerson:
    """Dependency: the person behind a context token of Connect (``Authorization: JWT``)."""

    def __init__(self, context: ContextToken, app_key: str) -> None:
        self._context = context
        self._app_key = app_key

    async def __call__(
        self, request: Request, _: Annotated[None, Security(_CONTEXT)] = None
    ) -> Person:
        """Return the person or raise ``Unauthenticated``, ``Forbidden``."""
        try:
            call = await self._context.verify(signed_request(request))
        except BadToken as error:
            raise refused(error, f'JWT realm="{self._app_key}"') from None
        check_active(call.status)
        return Person(call.tenant, _somebody(call.account_id))


class ForgePerson:
    """Dependency: the person behind a Forge invocation token (``Authorization: Bearer``)."""

    def __init__(
        self,
        forge: ForgeInvocation,
        owner_of: Callable[[ForgeCall], Awaitable[Tenant | None]],
        app_key: str,
    ) -> None:
        self._forge = forge
        self._owner_of = owner_of
        self._app_key = app_key

    async def __call__(
        self, request: Request, _: Annotated[None, Security(_FORGE)] = None
    ) -> Person:
        """Return the person or raise ``Unauthenticated``, ``Forbidden``."""
        try:
            call = await self._forge.verify(signed_request(request))
        except BadToken as error:
            raise refused(error, f'Bearer realm="{self._app_key}"') from None
        tenant = await self._owner_of(call)
        if tenant is None or tenant.cloud_id not in {None, call.cloud_id}:
            raise Forbidden("The app is not active on this site.")
        check_active(tenant.status)
        return Person(tenant.id, _somebody(call.account_id), call)


def by(request: Request, person: Person) -> By:
    """Return who asks and how; the route's template, not the path."""
    actor = Actor(ActorKind.JIRA, person.account_id)
    return By(actor, request.scope["route"].path, request.headers.get("user-agent"))


def check_active(status: TenantStatus) -> None:
    """Raise ``Forbidden`` unless the tenant may be served."""
    if status is not TenantStatus.ACTIVE:
        raise Forbidden("The app is not active on this site.")


def refused(error: BadToken, challenge: str) -> Unauthenticated:
    """Return the answer to a token that proves nothing; which check failed is for our log."""
    log.warning("call from inside Jira refused", reason=error.reason)
    return Unauthenticated(
        "The token of this call is missing or not valid.", headers={"WWW-Authenticate": challenge}
    )


def _somebody(account_id: str | None) -> str:
    if account_id is None:
        raise Forbidden("The call is nobody's: log in to Jira.")
    return account_id
