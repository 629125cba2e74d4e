"""Webhooks as tests see and steer them."""

from typing import Any, Literal

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.jira.changes import issues
from devstack.jira.changes.happening import Happening
from devstack.jira.control.body import Strict, after, read, saved, site_named
from devstack.jira.model import Installation, Site
from devstack.jira.webhooks.collector import Collector
from devstack.jira.webhooks.courier import Courier
from devstack.jira.webhooks.faults import MAX_BODY_BYTES, WebhookFault
from devstack.jira.webhooks.targets import Target
from devstack.jira.world import World

UNKNOWN_EVENT = "jira:galaxy_collapsed"


class DeliverOrder(Strict):
    """Without a site, those of every site."""

    site: str | None = None
    parallel: int = Field(default=1, ge=1, le=100)


class AutomaticOrder(Strict):
    on: bool


class FaultOrder(Strict):
    """The kinds of `WebhookFault`, and two that make webhooks at once: unknown_event, bulk."""

    fault: Literal["duplicate", "reorder", "drop", "stale_secret", "huge", "unknown_event", "bulk"]
    site: str | None = None
    times: int | None = 1
    n: int = Field(default=1, ge=1, le=10_000)
    window: int = Field(default=2, ge=2)
    bytes: int = MAX_BODY_BYTES + 1


def _registrations(app: Installation) -> dict[str, Any]:
    return {
        "app": app.app_key,
        "descriptor": [one.model_dump(mode="json") for one in app.webhooks],
        "dynamic": [one.model_dump(mode="json") for one in app.dynamic_webhooks],
        "failed": [one.model_dump(mode="json") for one in app.failed_webhooks],
    }


def _addresses(app: Installation) -> list[str]:
    """Every address the app gave, once."""
    urls = [app.app_base_url + one.url for one in app.webhooks]
    urls += [one.url for one in app.dynamic_webhooks]
    return list(dict.fromkeys(url for url in urls if "{" not in url))


class WebhookControl:
    def __init__(self, world: World, collector: Collector, courier: Courier) -> None:
        self._world = world
        self._collector = collector
        self._courier = courier

    def routes(self) -> list[Route]:
        return [
            Route("/control/webhooks", self.show, methods=["GET"]),
            Route("/control/webhooks/deliver", self.deliver, methods=["POST"]),
            Route("/control/webhooks/automatic", self.automatic, methods=["POST"]),
            Route("/control/webhooks/faults", self.fault, methods=["POST"]),
            Route("/control/webhooks/faults", self.clear_faults, methods=["DELETE"]),
        ]

    async def show(self, request: Request) -> Response:
        """Of one site: registrations, what waits, attempts (`?after=N`), faults."""
        site = site_named(self._world, request.query_params.get("site"))
        outbox = self._world.outbox
        attempts = [
            {"seq": entry.seq, **entry.value.shown()}
            for entry in outbox.attempts.after(after(request))
            if entry.value.site == site.name
        ]
        return JSONResponse(
            {
                "automatic": self._courier.automatic,
                "registrations": [_registrations(app) for app in site.installations.values()],
                "queue": [one.shown() for one in outbox.waiting if one.site == site.name],
                "attempts": attempts,
                "last": outbox.attempts.last,
                "faults": [one.model_dump(mode="json") for one in outbox.faults.active],
            }
        )

    async def deliver(self, request: Request) -> Response:
        """Send all that is due by the stand-in's clock; answers the attempts made."""
        order = await read(request, DeliverOrder)
        made = await self._courier.all_due(order.site, order.parallel)
        return JSONResponse({"attempts": [attempt.shown() for attempt in made]})

    async def automatic(self, request: Request) -> Response:
        """Whether webhooks go out by themselves; only a stand-in run as a process does that."""
        self._courier.automatic = (await read(request, AutomaticOrder)).on
        self._world.outbox.changed.set()
        return JSONResponse({"automatic": self._courier.automatic})

    async def fault(self, request: Request) -> Response:
        order = await read(request, FaultOrder)
        site = site_named(self._world, order.site)
        if order.fault == "bulk":
            made = self._bulk(site, order.n)
        elif order.fault == "unknown_event":
            made = self._unknown(site)
        else:
            fault = WebhookFault.model_validate(order.model_dump())
            self._world.outbox.faults.add(fault)
            made = 0
        return saved(self._world, order.model_dump(mode="json") | {"made": made})

    async def clear_faults(self, _request: Request) -> Response:
        self._world.outbox.faults.clear()
        return Response(status_code=204)

    def _bulk(self, site: Site, number: int) -> int:
        """As many changes of labels, spread over the site's issues, in the slow flow."""
        known = list(site.issues.values())
        if not known:
            raise HTTPException(409, f"site {site.name} has no issues")
        for count in range(number):
            issue = known[count % len(known)]
            labels = [f"bulk-{site.next_number('bulk')}"]
            issues.update(self._world, site, issue, {"labels": labels}, None, bulk=True)
        return number

    def _unknown(self, site: Site) -> int:
        """An event no page names, to every address of every app."""
        happening = Happening(UNKNOWN_EVENT, {"galaxy": {"id": 42, "name": "Andromeda"}})
        made = [
            self._collector.enqueue(site, app, happening, Target(url))
            for app in site.installations.values()
            if app.state == "installed"
            for url in _addresses(app)
        ]
        return len(made)
