"""``/ostro/v1/telemetry/events``: what pages inside Jira report, by context token."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, Field

from contracts.catalogue import CATALOGUE, Source
from contracts.usage import UsageEventName
from kit.http import jsontext
from kit.http.body import documented, read_body
from kit.http.fields import OwnBody
from services.telemetry.api.browser import Browser, CallerOf
from services.telemetry.usecases.browser_events import BrowserCaller, BrowserEvents, Seen

MAX_EVENTS = 50
MAX_BYTES = 64 * 1024
_NAMES = frozenset(
    name for name, definition in CATALOGUE.items() if definition.source is Source.BROWSER
)


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


def router(events: BrowserEvents, caller_of: CallerOf) -> APIRouter:
    """Build the route."""
    routes = APIRouter(prefix="/ostro/v1/telemetry", tags=["Events"])
    browser = Browser(caller_of)

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
