"""What Forge calls: lifecycle events, the uninstall, and the hourly call that brings a token.

The credential is Forge's invocation token alone, behind ``Bearer``; nothing of a body is read. It
is bound to no path, so a call that a person's page made is refused here: it has a ``principal``.
Source: facts.md 10.
"""

from contextlib import AbstractAsyncContextManager
from enum import Enum

import structlog
from fastapi import APIRouter, Request, Response

from kit.errors import Unauthenticated
from services.tenancy.api.refusals import refusals_told
from services.tenancy.api.signed import signed_request
from services.tenancy.domain.audit import JIRA
from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.secret import Secret
from services.tenancy.usecases.credentials.forge_invocation import ForgeCall, ForgeInvocation
from services.tenancy.usecases.forge import ForgeEvent, ForgeLife
from services.tenancy.usecases.ports import By

log = structlog.get_logger(__name__)

PREFIX = "/forge"
SYSTEM_TOKEN = "x-forge-oauth-system"  # noqa: S105  a header, not a token
MAX_TOKEN_LENGTH = 16 * 1024
_DONE = 204


class Endpoint(Enum):
    """What the manifest names; the value is its key there and the last part of the path."""

    INSTALLED = "installed"
    UPGRADED = "upgraded"
    REFRESH = "refresh"
    UNINSTALLED = "uninstalled"

    @property
    def path(self) -> str:
        """Return the path below the app's base URL."""
        return f"{PREFIX}/{self.value}"

    @property
    def needs_token(self) -> bool:
        """Whether Forge shall send the system token along."""
        return self is not Endpoint.UNINSTALLED


class ForgeHooks:
    """Verifies a call of Forge, then acts on it."""

    def __init__(self, forge: ForgeInvocation, life: ForgeLife) -> None:
        self._forge = forge
        self._life = life

    async def called(self, request: Request, event: ForgeEvent) -> Response:
        """``installed``, ``upgraded`` and the hourly ``refresh``."""
        call = await self._call(request)
        async with self._refusals(request, call):
            await self._life.called(event, call, system_token(request), _by(request))
        return Response(status_code=_DONE)

    async def uninstalled(self, request: Request) -> Response:
        """``preUninstall``."""
        call = await self._call(request)
        async with self._refusals(request, call):
            await self._life.uninstalled(call, _by(request))
        return Response(status_code=_DONE)

    def _refusals(self, request: Request, call: ForgeCall) -> AbstractAsyncContextManager[None]:
        def tell(tenant: str | None, reason: str) -> None:
            log.warning("Forge call refused", hook=_hook(request), tenant=tenant, reason=reason)

        return refusals_told(tell, lambda: self._life.tenant_of(call))

    async def _call(self, request: Request) -> ForgeCall:
        try:
            call = await self._forge.verify(signed_request(request))
        except BadToken as error:
            raise _refused(request, error.reason) from None
        if call.account_id is not None:
            raise _refused(request, "a person's call")
        return call


def _refused(request: Request, reason: str) -> Unauthenticated:
    log.warning("Forge call refused", hook=_hook(request), tenant=None, reason=reason)
    # which check failed is for our log, not for whoever tries
    return Unauthenticated(
        "The token of this call is missing or not valid.",
        headers={"WWW-Authenticate": 'Bearer realm="forge"'},
    )


def system_token(request: Request) -> Secret | None:
    """Take the system token from its header; None when it is missing or no token at all."""
    text = request.headers.get(SYSTEM_TOKEN, "")
    usable = 0 < len(text) <= MAX_TOKEN_LENGTH and text.isascii() and text.isprintable()
    return Secret.of_text(text) if usable and " " not in text else None


def router(hooks: ForgeHooks) -> APIRouter:
    """Build the routes under ``/forge``; ``manifest.yml`` names them."""
    routes = APIRouter(prefix=PREFIX, tags=["Atlassian Forge"])

    @routes.post(f"/{Endpoint.INSTALLED.value}", status_code=_DONE)
    async def installed(request: Request) -> Response:
        """Take the installation of the Forge app: Atlassian calls it, signed."""
        return await hooks.called(request, ForgeEvent.INSTALLED)

    @routes.post(f"/{Endpoint.UPGRADED.value}", status_code=_DONE)
    async def upgraded(request: Request) -> Response:
        """Take an upgrade of the Forge app: Atlassian calls it, signed."""
        return await hooks.called(request, ForgeEvent.UPGRADED)

    @routes.post(f"/{Endpoint.REFRESH.value}", status_code=_DONE)
    async def refresh(request: Request) -> Response:
        """Take a fresh system token of the Forge app: Atlassian calls it, signed."""
        return await hooks.called(request, ForgeEvent.REFRESH)

    @routes.post(f"/{Endpoint.UNINSTALLED.value}", status_code=_DONE)
    async def uninstalled(request: Request) -> Response:
        """Take the removal of the Forge app: Atlassian calls it, signed."""
        return await hooks.uninstalled(request)

    return routes


def _route(request: Request) -> str:
    path: str = request.scope["route"].path
    return path


def _hook(request: Request) -> str:
    return _route(request).removeprefix(f"{PREFIX}/")


def _by(request: Request) -> By:
    return By(JIRA, _route(request), request.headers.get("user-agent"))
