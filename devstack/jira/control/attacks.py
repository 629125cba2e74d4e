"""Attacks on an app: lifecycle calls and its other routes, forged."""

from typing import Any, Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.jira.attacks import ATTACKS
from devstack.jira.control.body import Strict, read, site_named
from devstack.jira.descriptor import DescriptorError
from devstack.jira.forgery import Deviation, Forger, Hook
from devstack.jira.lifecycle import Driver
from devstack.jira.lifecycle_call import App, app_of
from devstack.jira.model import Installation, Site
from devstack.jira.records import Delivery
from devstack.jira.route_attacks import ROUTE_ATTACKS
from devstack.jira.route_forgery import Aim, RouteDeviation, RouteForger, RouteKind
from devstack.jira.sender import Sender
from devstack.jira.world import World


class ForgeOrder(Strict):
    """A named attack, or a deviation of one's own; `raw` shows the request with its token."""

    attack: str | None = None
    hook: Hook | None = None
    deviation: Deviation | None = None
    descriptor_url: str | None = None
    app_key: str | None = None
    raw: bool = False


class RouteOrder(Strict):
    """`route` is needed with a deviation only: an attack knows its own.

    `account`: the person the token names (`sub` or `principal`).
    """

    attack: str | None = None
    route: RouteKind | None = None
    deviation: RouteDeviation | None = None
    path: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    body: str = ""
    account: str | None = None
    app_key: str | None = None
    raw: bool = False


def _refusal(sent: Delivery, *, raw: bool) -> dict[str, Any]:
    """`refused` tells whether the app answered with a 4xx."""
    refused = sent.status is not None and 400 <= sent.status < 500
    return sent.shown(raw=raw) | {"refused": refused}


class AttackControl:
    def __init__(self, world: World, driver: Driver, sender: Sender) -> None:
        self._world = world
        self._driver = driver
        self._sender = sender

    def routes(self) -> list[Route]:
        actions = "/control/sites/{site}/actions"
        return [
            Route(actions + "/forge_lifecycle", self.lifecycle, methods=["POST"]),
            Route(actions + "/attack_route", self.route, methods=["POST"]),
            Route("/control/attacks", self.attacks, methods=["GET"]),
        ]

    async def attacks(self, _request: Request) -> Response:
        """The whole pack, each attack with the kind of route it is for."""
        pack: list[dict[str, Any]] = [
            {
                "name": attack.name,
                "why": attack.why,
                "route": "lifecycle",
                "hooks": list(attack.hooks),
            }
            for attack in ATTACKS.values()
        ]
        pack += [
            {"name": attack.name, "why": attack.why, "route": attack.route}
            for attack in ROUTE_ATTACKS.values()
        ]
        return JSONResponse({"attacks": pack})

    async def lifecycle(self, request: Request) -> Response:
        order = await read(request, ForgeOrder)
        deviation = self._deviation(order)
        site = self._site(request)
        app, installed = await self._target(site, order)
        if deviation.hook not in app.lifecycle:
            raise HTTPException(409, f"the app has no {deviation.hook} hook")
        forger = Forger(self._world, site, app, installed)
        note = f"forged: {order.attack or 'own deviation'}"
        sent = await self._sender.send(forger.forge(deviation, note))
        return JSONResponse(_refusal(sent, raw=order.raw))

    async def route(self, request: Request) -> Response:
        order = await read(request, RouteOrder)
        kind, deviation = self._route_deviation(order)
        site, app = self._site(request), self._world.state.forge_app
        forge = (app, site.forge) if app is not None and site.forge is not None else None
        forger = RouteForger(self._world, site, self._driver.find(site, order.app_key), forge)
        aim = Aim(kind, order.method, order.path, order.body.encode(), order.account)
        try:
            delivery = forger.forge(aim, deviation, f"forged: {order.attack or 'own deviation'}")
        except ValueError as error:
            raise HTTPException(409, str(error)) from error
        return JSONResponse(_refusal(await self._sender.send(delivery), raw=order.raw))

    def _site(self, request: Request) -> Site:
        return site_named(self._world, request.path_params["site"])

    @staticmethod
    def _route_deviation(order: RouteOrder) -> tuple[RouteKind, RouteDeviation]:
        if order.attack is not None:
            attack = ROUTE_ATTACKS.get(order.attack)
            if attack is None:
                raise HTTPException(404, f"no attack {order.attack}; see GET /control/attacks")
            return attack.route, attack.deviation()
        if order.route is None:
            raise HTTPException(400, "without an attack, route is needed")
        return order.route, order.deviation or RouteDeviation()

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
