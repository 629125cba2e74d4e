"""Clock, keys, key servers, REST faults, policy, and the way back to the beginning."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.jira.control.body import Strict, read
from devstack.jira.keys import KeyServer, KeyServerFault
from devstack.jira.model import Policy
from devstack.jira.rest.faults import RestFault
from devstack.jira.world import World


class ResetOrder(Strict):
    seed: int | None = None


class AdvanceOrder(Strict):
    seconds: float


class KeyServerOrder(Strict):
    """Without a server, both."""

    server: KeyServer | None = None
    fault: KeyServerFault = "none"
    seconds: float = 5.0


class Levers:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/control/reset", self.reset, methods=["POST"]),
            Route("/control/clock/advance", self.advance, methods=["POST"]),
            Route("/control/keys", self.keys, methods=["GET"]),
            Route("/control/keys/rotate", self.rotate, methods=["POST"]),
            Route("/control/keys/{kid}/withdraw", self.withdraw, methods=["POST"]),
            Route("/control/key-servers", self.key_servers, methods=["POST"]),
            Route("/control/faults", self.fault, methods=["POST"]),
            Route("/control/faults", self.clear_faults, methods=["DELETE"]),
            Route("/control/policy", self.policy, methods=["POST"]),
        ]

    async def reset(self, request: Request) -> Response:
        order = await read(request, ResetOrder)
        self._world.reset(order.seed)
        return JSONResponse({"seed": order.seed})

    async def advance(self, request: Request) -> Response:
        order = await read(request, AdvanceOrder)
        now = self._world.clock.advance(order.seconds)
        self._world.outbox.changed.set()  # more may be due
        return JSONResponse({"now": now})

    async def keys(self, _request: Request) -> Response:
        return JSONResponse(self._keys())

    async def rotate(self, _request: Request) -> Response:
        """A new signing key; earlier ones stay published."""
        self._world.keys.rotate(self._world.chance.uuid())
        self._world.save()
        return JSONResponse(self._keys())

    async def withdraw(self, request: Request) -> Response:
        """404 from both servers from now on; it still signs if it is the newest."""
        kid = request.path_params["kid"]
        if not self._world.keys.withdraw(kid):
            raise HTTPException(404, f"no key {kid}")
        self._world.save()
        return JSONResponse(self._keys())

    async def key_servers(self, request: Request) -> Response:
        order = await read(request, KeyServerOrder)
        for name, state in self._world.keys.servers.items():
            if order.server in (None, name):
                state.fault, state.seconds = order.fault, order.seconds
        return JSONResponse(self._keys())

    async def fault(self, request: Request) -> Response:
        fault = await read(request, RestFault)
        self._world.faults.add(fault)
        return JSONResponse(fault.model_dump(mode="json"), 201)

    async def clear_faults(self, _request: Request) -> Response:
        self._world.faults.clear()
        return Response(status_code=204)

    async def policy(self, request: Request) -> Response:
        """Replaces the policy; fields left out go back to their default."""
        self._world.state.policy = await read(request, Policy)
        self._world.save()
        return JSONResponse(self._world.state.policy.model_dump(mode="json"))

    def _keys(self) -> dict[str, Any]:
        ring = self._world.keys
        return {
            "signing": ring.signing[0],
            "keys": [{"kid": key.kid, "withdrawn": key.withdrawn} for key in ring.saved],
            "servers": {name: state.fault for name, state in ring.servers.items()},
        }
