"""Sites and what happens to them: lifecycle actions, attacks, licence, renames."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.jira import demo
from devstack.jira.attacks import ATTACKS
from devstack.jira.control.body import Strict, read, site_named
from devstack.jira.descriptor import DescriptorError
from devstack.jira.forgery import Deviation, Forger, Hook
from devstack.jira.lifecycle import Driver, Impossible, Order
from devstack.jira.lifecycle_call import App, app_of
from devstack.jira.model import Installation, LicenceState, Site
from devstack.jira.sender import Sender
from devstack.jira.world import World

Listen = Callable[[int], Awaitable[str]]


class NewSite(Strict):
    """Either an address that already leads here, or a port to open a listener on (0: any)."""

    name: str
    base_url: str | None = None
    port: int = 0


class ForgeOrder(Strict):
    """A named attack, or a deviation of one's own; `raw` shows the request with its token."""

    attack: str | None = None
    hook: Hook | None = None
    deviation: Deviation | None = None
    descriptor_url: str | None = None
    app_key: str | None = None
    raw: bool = False


class LicenceOrder(Strict):
    state: LicenceState
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
    def __init__(self, world: World, driver: Driver, sender: Sender, listen: Listen | None) -> None:
        self._world = world
        self._driver = driver
        self._sender = sender
        self._listen = listen

    def routes(self) -> list[Route]:
        return [
            Route("/control/sites", self.list_sites, methods=["GET"]),
            Route("/control/sites", self.add, methods=["POST"]),
            Route("/control/sites/{site}", self.show, methods=["GET"]),
            Route("/control/sites/{site}/licence", self.licence, methods=["POST"]),
            Route("/control/sites/{site}/suspend", self.suspend, methods=["POST"]),
            Route("/control/sites/{site}/version", self.version, methods=["POST"]),
            Route("/control/sites/{site}/actions/forge_lifecycle", self.forge, methods=["POST"]),
            Route("/control/sites/{site}/actions/{action}", self.act, methods=["POST"]),
            Route("/control/attacks", self.attacks, methods=["GET"]),
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
            names = [*self._driver.names, "forge_lifecycle"]
            raise HTTPException(404, f"no action {action}; there are {names}") from error
        except Impossible as error:
            raise HTTPException(409, str(error)) from error
        return JSONResponse(outcome.model_dump(mode="json"))

    async def forge(self, request: Request) -> Response:
        """Send the call; `refused` tells whether the app answered with a 4xx."""
        order = await read(request, ForgeOrder)
        deviation = self._deviation(order)
        site = self._site(request)
        app, installed = await self._target(site, order)
        if deviation.hook not in app.lifecycle:
            raise HTTPException(409, f"the app has no {deviation.hook} hook")
        forger = Forger(self._world, site, app, installed)
        note = f"forged: {order.attack or 'own deviation'}"
        sent = await self._sender.send(forger.forge(deviation, note))
        content = sent.shown(raw=order.raw)
        content["refused"] = sent.status is not None and 400 <= sent.status < 500
        return JSONResponse(content)

    async def attacks(self, _request: Request) -> Response:
        pack = [
            {"name": attack.name, "why": attack.why, "hooks": list(attack.hooks)}
            for attack in ATTACKS.values()
        ]
        return JSONResponse({"attacks": pack})

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

    @staticmethod
    def _deviation(order: ForgeOrder) -> Deviation:
        if order.attack is None:
            deviation = order.deviation or Deviation()
            if order.hook is not None:
                deviation = deviation.model_copy(update={"hook": order.hook})
            return deviation
        attack = ATTACKS.get(order.attack)
        if attack is None:
            raise HTTPException(404, f"no attack {order.attack}; see GET /control/attacks")
        if order.hook is not None and order.hook not in attack.hooks:
            raise HTTPException(409, f"{attack.name} is for {list(attack.hooks)}")
        return attack.deviation(order.hook)

    async def _target(self, site: Site, order: ForgeOrder) -> tuple[App, Installation | None]:
        installed = self._driver.find(site, order.app_key)
        if installed is not None:
            return app_of(installed), installed
        try:
            _, app = await self._driver.read_descriptor(order.descriptor_url)
        except DescriptorError as error:
            raise HTTPException(409, str(error)) from error
        return app_of(app), None
