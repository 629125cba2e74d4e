"""Sites and what happens to them: actions, licence, suspension, version."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.jira import demo
from devstack.jira.control.body import Strict, read, site_named
from devstack.jira.lifecycle import Driver, Impossible, Order
from devstack.jira.model import DEFAULT_LICENCE_TYPE, LicenceState, Site
from devstack.jira.world import World

Listen = Callable[[int], Awaitable[str]]


class NewSite(Strict):
    """Either an address that already leads here, or a port to open a listener on (0: any)."""

    name: str
    base_url: str | None = None
    port: int = 0


class LicenceOrder(Strict):
    state: LicenceState
    type: str = DEFAULT_LICENCE_TYPE
    support_entitlement_number: str | None = None
    """None: an entitlement as Atlassian writes it today, beside one that is always the same."""
    app_key: str | None = None


class SuspendOrder(Strict):
    suspended: bool


class VersionOrder(Strict):
    version: str


def shown(site: Site) -> dict[str, Any]:
    """The site without secrets."""
    hidden = {"shared_secret", "retired_secrets"}
    content = site.model_dump(mode="json", exclude={"installations", "forge"})
    content["installations"] = {
        key: app.model_dump(mode="json", exclude=hidden) for key, app in site.installations.items()
    }
    return content


class SiteControl:
    def __init__(self, world: World, driver: Driver, listen: Listen | None) -> None:
        self._world = world
        self._driver = driver
        self._listen = listen

    def routes(self) -> list[Route]:
        return [
            Route("/control/sites", self.list_sites, methods=["GET"]),
            Route("/control/sites", self.add, methods=["POST"]),
            Route("/control/sites/{site}", self.show, methods=["GET"]),
            Route("/control/sites/{site}/licence", self.licence, methods=["POST"]),
            Route("/control/sites/{site}/suspend", self.suspend, methods=["POST"]),
            Route("/control/sites/{site}/version", self.version, methods=["POST"]),
            Route("/control/sites/{site}/actions/{action}", self.act, methods=["POST"]),
        ]

    async def list_sites(self, _request: Request) -> Response:
        return JSONResponse({"sites": [shown(site) for site in self._world.state.sites.values()]})

    async def add(self, request: Request) -> Response:
        """A further furnished site; with a port the process opens a listener for it."""
        order = await read(request, NewSite)
        if order.name in self._world.state.sites:
            raise HTTPException(409, f"site {order.name} exists")
        if order.base_url is None and self._listen is None:
            raise HTTPException(400, "base_url is needed: this process opens no listeners")
        base_url = order.base_url
        if base_url is None and self._listen is not None:
            base_url = await self._listen(order.port)
        site = self._world.add_site(order.name, base_url or "")
        demo.furnish(site, self._world.clock.now())
        self._world.save()
        return JSONResponse(shown(site), 201)

    async def show(self, request: Request) -> Response:
        return JSONResponse(shown(self._site(request)))

    async def act(self, request: Request) -> Response:
        """200 with `ok` true or false; 404 unknown action, 409 when it does not apply."""
        action = request.path_params["action"]
        order = await read(request, Order)
        try:
            outcome = await self._driver.act(action, self._site(request), order)
        except KeyError as error:
            names = [*self._driver.names, "forge_lifecycle", "attack_route"]
            raise HTTPException(404, f"no action {action}; there are {names}") from error
        except Impossible as error:
            raise HTTPException(409, str(error)) from error
        return JSONResponse(outcome.model_dump(mode="json"))

    async def licence(self, request: Request) -> Response:
        order = await read(request, LicenceOrder)
        site = self._site(request)
        found = [self._driver.find(site, order.app_key)]
        found.append(site.forge.installation if site.forge else None)
        if not any(found):
            raise HTTPException(409, f"no app is installed on site {site.name}")
        for app in found:
            if app is not None:
                app.licence = order.state
                app.licence_type = order.type
                app.support_entitlement = order.support_entitlement_number
        self._world.save()
        return JSONResponse(shown(site))

    async def suspend(self, request: Request) -> Response:
        site = self._site(request)
        site.suspended = (await read(request, SuspendOrder)).suspended
        self._world.save()
        return JSONResponse(shown(site))

    async def version(self, request: Request) -> Response:
        """Jira's version as serverInfo tells it from now on."""
        site = self._site(request)
        site.version = (await read(request, VersionOrder)).version
        self._world.save()
        return JSONResponse(shown(site))

    def _site(self, request: Request) -> Site:
        return site_named(self._world, request.path_params["site"])
