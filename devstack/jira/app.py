"""The ASGI application of the stand-in: sites at the root, key servers and control by path."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.jira.chance import Chance
from devstack.jira.control.attacks import AttackControl
from devstack.jira.control.forge import ForgeControl
from devstack.jira.control.issues import IssueControl
from devstack.jira.control.levers import Levers
from devstack.jira.control.people import PeopleControl
from devstack.jira.control.projects import ProjectControl
from devstack.jira.control.sites import Listen, SiteControl
from devstack.jira.control.views import Views
from devstack.jira.control.webhooks import WebhookControl
from devstack.jira.forge.caller import ForgeCaller
from devstack.jira.forge.driver import ForgeDriver
from devstack.jira.forge.gateway import MARK, PREFIXES, Gateway
from devstack.jira.forge.key_server import PATH as JWKS_PATH
from devstack.jira.forge.key_server import JwksEndpoint
from devstack.jira.key_servers import PATHS, KeyServerEndpoint
from devstack.jira.lifecycle import Driver
from devstack.jira.model import SigningKey
from devstack.jira.records import Call
from devstack.jira.rest.endpoint import RestEndpoint, raw_target
from devstack.jira.sender import Sender
from devstack.jira.webhooks.collector import Collector
from devstack.jira.webhooks.courier import Courier
from devstack.jira.world import World
from devstack.standin.clock import Clock

EVERY_METHOD = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


@dataclass(frozen=True, slots=True)
class Setup:
    """How a stand-in is started.

    In tests `transport` replaces the network towards the app, and `keys` made earlier save time.
    """

    base_url: str
    app_url: str | None = None
    state_file: Path | None = None
    seed: int | None = None
    keys: Sequence[SigningKey] = ()
    forge_keys: Sequence[SigningKey] = ()
    clock: Clock | None = None
    transport: httpx.AsyncBaseTransport | None = None
    listen: Listen | None = None


@dataclass(frozen=True, slots=True)
class StandIn:
    app: Starlette
    world: World
    driver: Driver
    sender: Sender
    courier: Courier


class TenantInfo:
    """`GET /_edge/tenant_info`: open to everybody."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, request: Request) -> Response:
        host = request.headers.get("host", "")
        site, _moved = self._world.site_at(host)
        status = 200 if site else 404
        self._world.records.calls.add(
            Call(self._world.clock.now(), host, "GET", raw_target(request), "open", status, "")
        )
        return JSONResponse({"cloudId": site.cloud_id} if site else {}, status)


async def _told(_request: Request, error: Exception) -> Response:
    """Control errors as JSON with the reason."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else str(error)
    return JSONResponse({"error": detail}, status)


def _forge_routes(world: World, rest: RestEndpoint) -> list[Route]:
    gateway = Gateway(world, rest)
    found = [Route(JWKS_PATH, JwksEndpoint(world).__call__)]
    for prefix in PREFIXES:
        api = f"{prefix}/forge/installation/v1"
        found += [
            Route(f"{prefix}{MARK}{{any:path}}", gateway.site, methods=EVERY_METHOD),
            Route(f"{api}/license", gateway.licence),
            Route(f"{api}/installation/{{installation:path}}", gateway.installation),
            Route(
                f"{api}/{{app}}/{{environment}}/installation/{{installation:path}}",
                gateway.installation,
            ),
        ]
    return found


def build(setup: Setup) -> StandIn:
    """Raises ValueError when the state file cannot be read."""
    world = World.create(
        setup.base_url,
        setup.clock or Clock(),
        Chance(setup.seed),
        setup.state_file,
        setup.keys,
        setup.forge_keys,
    )
    sender = Sender(world, setup.transport)
    forge, collector = ForgeCaller(world, sender), Collector(world)
    driver = Driver(world, sender, setup.app_url, ForgeDriver(world, forge).actions)
    courier = Courier(world, sender)
    courier.also.append(forge.deliver)
    world.listeners += [collector, forge]
    rest = RestEndpoint(world)
    routes = [
        *Views(world).routes(),
        *Levers(world).routes(),
        *PeopleControl(world).routes(),
        *ProjectControl(world).routes(),
        *IssueControl(world).routes(),
        *WebhookControl(world, collector, courier).routes(),
        *ForgeControl(world).routes(),
        *AttackControl(world, driver, sender).routes(),
        *SiteControl(world, driver, setup.listen).routes(),
        *(
            Route(path + "/{kid:path}", KeyServerEndpoint(world, server).__call__)
            for server, path in PATHS.items()
        ),
        Route("/_edge/tenant_info", TenantInfo(world).__call__),
        *_forge_routes(world, rest),
        Route("/{any:path}", rest.__call__, methods=EVERY_METHOD),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _told})
    return StandIn(app, world, driver, sender, courier)
