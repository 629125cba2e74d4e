"""The Forge app as tests describe it, its keys and their server."""

from typing import Any

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.jira.control.body import Strict, read, saved
from devstack.jira.forge.app import EndpointName, ForgeApp
from devstack.jira.forge.invocation import KID_PREFIX
from devstack.jira.forge.key_server import PATH
from devstack.jira.keys import KeyServerFault
from devstack.jira.world import World


class EnvironmentPart(Strict):
    type: str = "PRODUCTION"
    id: str | None = None


class ForgeAppOrder(Strict):
    """What the app's manifest says. Ids may be whole ARIs or their last parts."""

    app_id: str
    environment: EnvironmentPart | str = Field(default_factory=EnvironmentPart)
    base_url: str
    endpoints: dict[EndpointName, str] = Field(default_factory=dict)
    triggers: dict[str, str] = Field(default_factory=dict)
    scopes: list[str] = Field(default_factory=lambda: ["READ"])
    connect_key: str | None = None
    name: str = "Forge app"


class KidOrder(Strict):
    kid: str


class KeyServerOrder(Strict):
    fault: KeyServerFault = "none"
    seconds: float = 5.0


def _ari(kind: str, text: str) -> str:
    return text if text.startswith("ari:") else f"ari:cloud:ecosystem::{kind}/{text}"


class ForgeControl:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/control/forge", self.show, methods=["GET"]),
            Route("/control/forge", self.describe, methods=["POST"]),
            Route("/control/forge/keys/rotate", self.rotate, methods=["POST"]),
            Route("/control/forge/keys/withdraw", self.withdraw, methods=["POST"]),
            Route("/control/forge/key-server", self.key_server, methods=["POST"]),
        ]

    async def describe(self, request: Request) -> Response:
        """Replaces the app; what is installed stays until an action changes it."""
        order = await read(request, ForgeAppOrder)
        part = order.environment
        environment = EnvironmentPart(type=part) if isinstance(part, str) else part
        app_id = _ari("app", order.app_id)
        app_uuid = app_id.rpartition("/")[2]
        chosen = environment.id or self._world.chance.uuid()
        self._world.state.forge_app = ForgeApp(
            app_id=app_id,
            environment_type=environment.type,
            environment_id=_ari(f"environment/{app_uuid}", chosen),
            **order.model_dump(exclude={"app_id", "environment"}),
        )
        return saved(self._world, self._shown())

    async def show(self, _request: Request) -> Response:
        return JSONResponse(self._shown())

    async def rotate(self, _request: Request) -> Response:
        """A new signing key; earlier ones stay in the set."""
        self._world.forge_keys.rotate(KID_PREFIX + self._world.chance.uuid())
        return saved(self._world, self._shown())

    async def withdraw(self, request: Request) -> Response:
        """No longer in the set; it still signs if it is the newest."""
        order = await read(request, KidOrder)
        if not self._world.forge_keys.withdraw(order.kid):
            raise HTTPException(404, f"no key {order.kid}")
        return saved(self._world, self._shown())

    async def key_server(self, request: Request) -> Response:
        order = await read(request, KeyServerOrder)
        server = self._world.forge_keys.servers["primary"]
        server.fault, server.seconds = order.fault, order.seconds
        return JSONResponse(self._shown())

    def _shown(self) -> dict[str, Any]:
        app, ring = self._world.state.forge_app, self._world.forge_keys
        installations = {
            site.name: {
                "id": site.forge.id,
                "state": site.forge.installation.state,
                "version": site.forge.version,
                "cloud_id": site.cloud_id,
            }
            for site in self._world.state.sites.values()
            if site.forge is not None
        }
        return {
            "app": app.model_dump(mode="json") if app else None,
            "jwks": self._world.origin + PATH,
            "keys": [{"kid": key.kid, "withdrawn": key.withdrawn} for key in ring.saved],
            "key_server": ring.servers["primary"].fault,
            "installations": installations,
        }
