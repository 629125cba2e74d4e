"""FastAPI dependencies: what the caller of a route may see, and whether it may do this at all."""

from typing import Annotated

from fastapi import Depends, Request

from kit.auth.principal import Scope
from kit.directory.access import Access
from kit.http.security import Caller
from services.testcases.api.references import References


async def _reader(request: Request, caller: Caller) -> Access:
    caller.principal.require(Scope.READ)
    return Access(caller.principal, caller.tenant, request.app.state.directory)


async def _writer(request: Request, caller: Caller) -> Access:
    caller.principal.require(Scope.WRITE)
    return Access(caller.principal, caller.tenant, request.app.state.directory)


Reader = Annotated[Access, Depends(_reader)]
Writer = Annotated[Access, Depends(_writer)]


def references(base: str, access: Access) -> References:
    """Return what builds the caller's references."""
    site = access.view.tenant.site_url
    return References(base, site.rstrip("/") if site is not None else None)
