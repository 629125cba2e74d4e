"""``/ostro/v1/telemetry/preview``: an administrator sees what would leave, byte for byte."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, Field

from contracts.catalogue import CATALOGUE
from contracts.envelope import Event
from contracts.telemetry import UploadFormat
from contracts.usage import ProductEvent
from kit.http.body import JsonBody, documented
from kit.http.fields import Index, Milliseconds, OwnBody
from services.telemetry.api.consent import Administrator
from services.telemetry.usecases.preview import Preview, Shown

Sample = Callable[[str, ProductEvent], Event[ProductEvent]]
"""Makes a product event of a tenant that happens now, to somebody who does not exist."""


def _of_the_catalogue(name: str) -> str:
    if name not in CATALOGUE:
        raise ValueError("must be one of the catalogue's events: " + ", ".join(sorted(CATALOGUE)))
    return name


class PreviewBody(OwnBody):
    """A product event to try. The user is made up: nobody's pseudonym can be asked for."""

    name: Annotated[str, AfterValidator(_of_the_catalogue)]
    url_path: Annotated[str | None, Field(max_length=2_048)] = None
    user_agent: Annotated[str | None, Field(max_length=2_048)] = None
    app_version: Annotated[str | None, Field(max_length=32)] = None
    format: UploadFormat | None = None
    count: Index | None = None
    duration_ms: Milliseconds | None = None


class RequestBean(OwnBody):
    """A request as it would leave, with asterisks for the characters of credentials."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


class ProcessorBean(OwnBody):
    """One processor. ``withheld`` says why nothing would be sent; null when it would be."""

    withheld: str | None
    request: RequestBean | None


class PreviewBean(OwnBody):
    """The anonymous event, or why the event would be dropped, and what each processor gets."""

    dropped: str | None
    event: dict[str, Any] | None
    processors: dict[str, ProcessorBean]


def router(preview: Preview, sample: Sample) -> APIRouter:
    """Build the route."""
    routes = APIRouter(prefix="/ostro/v1/telemetry", tags=["consent"])

    @routes.post(
        "/preview",
        summary="Show what each processor would get of an event",
        openapi_extra=documented(PreviewBody),
    )
    async def show(
        principal: Administrator, body: Annotated[PreviewBody, Depends(JsonBody(PreviewBody))]
    ) -> PreviewBean:
        """Show the exact bytes, made by the code that sends them; nothing is sent.

        Needs the scope admin.
        """
        data = ProductEvent(**body.model_dump(mode="json"))
        shows = await preview.of(sample(principal.tenant, data))
        return PreviewBean(
            dropped=None if shows.dropped is None else shows.dropped.value,
            event=None if shows.event is None else shows.event.model_dump(mode="json"),
            processors={name.value: _bean(shown) for name, shown in shows.processors.items()},
        )

    return routes


def _bean(shown: Shown) -> ProcessorBean:
    request = shown.request
    return ProcessorBean(
        withheld=shown.withheld,
        request=None
        if request is None
        else RequestBean(
            method=request.method,
            url=request.url,
            headers=dict(request.headers),
            body=request.body.decode(),
        ),
    )
