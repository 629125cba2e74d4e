"""The dependency by which pages inside Jira call: ``Authorization: JWT <context token>``."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Request, Security
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security.base import SecurityBase

from kit.errors import Unauthenticated
from services.telemetry.usecases.browser_events import BrowserCaller

_MAX_TOKEN = 8_192
_CHALLENGE = {"WWW-Authenticate": 'JWT realm="ostro"'}
CallerOf = Callable[[str], Awaitable[BrowserCaller | None]]


class _ContextTokenScheme(SecurityBase):
    """Makes the OpenAPI document name the credential; nothing is read here."""

    def __init__(self) -> None:
        self.model = APIKey.model_validate(
            {"in": APIKeyIn.header, "name": "Authorization", "description": "JWT <context token>"}
        )
        self.scheme_name = "contextToken"

    async def __call__(self) -> None:
        """Do nothing."""


class Browser:
    """Dependency: the caller behind the one ``Authorization: JWT`` of a request."""

    def __init__(self, caller_of: CallerOf) -> None:
        self._caller_of = caller_of

    async def __call__(
        self, request: Request, _: Annotated[None, Security(_ContextTokenScheme())] = None
    ) -> BrowserCaller:
        """Return the caller; raise ``Unauthenticated``, ``Forbidden``, ``Unavailable``."""
        # proxies and servers differ about which of two counts
        found = request.headers.getlist("authorization")
        scheme, _sep, token = (found[0] if len(found) == 1 else "").partition(" ")
        token = token.strip()
        caller = None
        if scheme.lower() == "jwt" and 0 < len(token) <= _MAX_TOKEN:
            caller = await self._caller_of(token)
        if caller is None:
            message = "The token of this call is missing or not valid."
            raise Unauthenticated(message, headers=_CHALLENGE)
        return caller
