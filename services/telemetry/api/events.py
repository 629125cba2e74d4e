"""``/ostro/v1/telemetry/events``: what pages inside Jira report, by context token."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Security
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security.base import SecurityBase
from pydantic import AfterValidator, Field

from contracts.catalogue import CATALOGUE, Source
from contracts.usage import UsageEventName
from kit.errors import Unauthenticated
from kit.http import jsontext
from kit.http.body import documented, read_body
from kit.http.fields import OwnBody
from services.telemetry.usecases.browser_events import BrowserCaller, BrowserEvents, Seen

MAX_EVENTS = 50
MAX_BYTES = 64 * 1024
_MAX_TOKEN = 8_192
_CHALLENGE = {"WWW-Authenticate": 'JWT realm="ostro"'}
_NAMES = frozenset(
    name for name, definition in CATALOGUE.items() if definition.source is Source.BROWSER
)
CallerOf = Callable[[str], Awaitable[BrowserCaller | None]]


def _of_browsers(name: str) -> str:
    if name not in _NAMES:
        # what was sent may be anything, so it is not said again
        raise ValueError("must be one of the browser's events: " + ", ".join(sorted(_NAMES)))
    return name


class BrowserEventBody(OwnBody):
    """One event. What is not here cannot be said: no properties, no text."""

    name: Annotated[str, AfterValidator(_of_browsers)]
    id: UUID | None = None
    """The page's own id of it: sent again, it is the same event."""
    url_path: Annotated[str | None, Field(max_length=2_048)] = None
    app_version: Annotated[str | None, Field(max_length=32)] = None


class BrowserEventsBody(OwnBody):
    """Up to 50 events."""

    events: Annotated[list[BrowserEventBody], Field(min_length=1, max_length=MAX_EVENTS)]


class TakenBean(OwnBody):
    """How many there were."""

    accepted: int


class _ContextTokenScheme(SecurityBase):
    """Makes the OpenAPI document name the credential; nothing is read here."""

    def __init__(self) -> None:
        self.model = APIKey.model_validate(
            {"in": APIKeyIn.header, "name": "Authorization", "description": "JWT <context token>"}
        )
        self.scheme_name = "contextToken"

    async def __call__(self) -> None:
        """Do nothing."""


class _Browser:
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


def router(events: BrowserEvents, caller_of: CallerOf) -> APIRouter:
    """Build the route."""
    routes = APIRouter(prefix="/ostro/v1/telemetry", tags=["Events"])
    browser = _Browser(caller_of)

    @routes.post(
        "/events",
        summary="Report what somebody did in a page",
        status_code=202,
        openapi_extra=documented(BrowserEventsBody),
    )
    async def take(
        request: Request, caller: Annotated[BrowserCaller, Depends(browser)]
    ) -> TakenBean:
        """Publish product events, up to 50 in 64 KiB; each is anonymised before it goes on."""
        await events.admit(caller)
        body = jsontext.read(BrowserEventsBody, await read_body(request, MAX_BYTES))
        seen = [
            Seen(
                UsageEventName(one.name),
                one.url_path,
                one.app_version,
                None if one.id is None else str(one.id),
            )
            for one in body.events
        ]
        await events.take(caller, seen, request.headers.get("user-agent"))
        return TakenBean(accepted=len(seen))

    return routes
