"""The JWKS of Forge's invocation tokens, with the bad days of a key server."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)

from devstack.jira.keys import KeyServerFault
from devstack.jira.records import Call
from devstack.jira.rest.endpoint import raw_target
from devstack.jira.world import World

PATH = "/forge/.well-known/jwks.json"
HUGE_BYTES = 1 << 20


def _number(value: int) -> str:
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(kid: str, key: RSAPrivateKey) -> dict[str, Any]:
    """The public half of a key."""
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "kid": kid,
        "use": "sig",
        "alg": "RS256",
        "n": _number(numbers.n),
        "e": _number(numbers.e),
    }


class JwksEndpoint:
    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, request: Request) -> Response:
        state = self._world.forge_keys.servers["primary"]
        if state.fault == "slow":
            await asyncio.sleep(state.seconds)
        response = self._faulty(state.fault) or JSONResponse({"keys": self._keys()})
        self._world.records.calls.add(
            Call(
                at=self._world.clock.now(),
                place="keys:forge",
                method=request.method,
                target=raw_target(request),
                auth="open",
                status=response.status_code,
                reason=state.fault,
            )
        )
        return response

    def _keys(self, *, wrong: bool = False) -> list[dict[str, Any]]:
        ring = self._world.forge_keys
        return [jwk(kid, ring.stranger if wrong else key) for kid, key in ring.all_published()]

    def _faulty(self, fault: KeyServerFault) -> Response | None:
        makers: dict[KeyServerFault, Callable[[], Response]] = {
            "down": lambda: PlainTextResponse("upstream connect error", 503),
            "html": lambda: HTMLResponse("<html><body>Just a moment</body></html>"),
            "redirect": lambda: RedirectResponse(PATH + "?again", 302),
            "huge": lambda: JSONResponse({"keys": self._keys(), "filler": "x" * HUGE_BYTES}),
            "wrong_key": lambda: JSONResponse({"keys": self._keys(wrong=True)}),
            "404": lambda: PlainTextResponse("not found", 404),
        }
        maker = makers.get(fault)
        return maker() if maker else None
