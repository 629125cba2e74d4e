"""Who may administer a tenant, and what is noted of them."""

from fastapi import Request

from kit.auth.api_tokens import VerifiedToken
from kit.auth.principal import Principal, Scope
from services.tenancy.domain.audit import Actor, ActorKind
from services.tenancy.usecases.ports import By


def administrator(caller: VerifiedToken) -> Principal:
    """Return the principal; raise ``Forbidden`` unless its token has the scope admin."""
    caller.principal.require(Scope.ADMIN)
    return caller.principal


def by(request: Request, principal: Principal) -> By:
    """Return who asks and how; the route's template, not the path."""
    actor = Actor(ActorKind.TOKEN, principal.account_id, principal.token_id)
    return By(actor, request.scope["route"].path, request.headers.get("user-agent"))
