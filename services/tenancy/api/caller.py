"""Who may administer a tenant, and what is noted of them."""

from typing import Annotated

from fastapi import Depends, Request

from kit.auth.principal import Principal, Scope
from kit.http.security import Caller
from services.tenancy.domain.audit import Actor, ActorKind
from services.tenancy.usecases.ports import By


async def _administrator(caller: Caller) -> Principal:
    caller.principal.require(Scope.ADMIN)
    return caller.principal


Administrator = Annotated[Principal, Depends(_administrator)]
"""The principal of a token with the scope admin; nothing else of a request is looked at before."""


def by(request: Request, principal: Principal) -> By:
    """Return who asks and how; the route's template, not the path."""
    actor = Actor(ActorKind.TOKEN, principal.account_id, principal.token_id)
    return By(actor, request.scope["route"].path, request.headers.get("user-agent"))
