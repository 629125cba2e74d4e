"""The install-keys servers: `GET /install-keys/{kid}` and the backup, with their bad days."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from devstack.jira.keys import KeyServer, KeyServerFault, public_pem
from devstack.jira.records import Call
from devstack.jira.rest.endpoint import raw_target
from devstack.jira.world import World

PATHS: dict[KeyServer, str] = {"primary": "/install-keys", "backup": "/install-keys-backup"}
HUGE_BYTES = 1 << 20


class KeyServerEndpoint:
    def __init__(self, world: World, server: KeyServer) -> None:
        self._world = world
        self._server: KeyServer = server

    async def __call__(self, request: Request) -> Response:
        """PEM of the key, 404 for any other path below."""
        target = raw_target(request)
        kid = target.removeprefix(PATHS[self._server]).removeprefix("/")
        response = await self._answer(kid)
        self._world.records.calls.add(
            Call(
                at=self._world.clock.now(),
                place=f"keys:{self._server}",
                method=request.method,
                target=target,
                auth="open",
                status=response.status_code,
                reason=self._world.keys.servers[self._server].fault,
            )
        )
        return response

    async def _answer(self, kid: str) -> Response:
        state = self._world.keys.servers[self._server]
        if state.fault == "slow":
            await asyncio.sleep(state.seconds)
        return self._faulty(state.fault, kid) or self._honest(kid)

    def _honest(self, kid: str) -> Response:
        pem = self._world.keys.published(kid)
        if pem is None:
            return PlainTextResponse("not found", 404)
        return PlainTextResponse(pem, media_type="application/x-pem-file")

    def _faulty(self, fault: KeyServerFault, kid: str) -> Response | None:
        other: KeyServer = "backup" if self._server == "primary" else "primary"
        makers: dict[KeyServerFault, Callable[[], Response]] = {
            "down": lambda: PlainTextResponse("upstream connect error", 503),
            "html": lambda: HTMLResponse("<html><body>Just a moment</body></html>"),
            "redirect": lambda: RedirectResponse(f"{PATHS[other]}/{kid}", 302),
            "huge": lambda: PlainTextResponse(
                (self._world.keys.published(kid) or "") + "\n" * HUGE_BYTES
            ),
            "wrong_key": lambda: PlainTextResponse(public_pem(self._world.keys.stranger)),
            "404": lambda: PlainTextResponse("not found", 404),
        }
        maker = makers.get(fault)
        return maker() if maker else None
