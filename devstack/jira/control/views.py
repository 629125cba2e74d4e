"""What tests look at: calls, deliveries, secrets, assumptions, what was not known."""

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.jira.assumptions import ASSUMPTIONS
from devstack.jira.control.body import after
from devstack.jira.world import World
from devstack.standin.clock import iso


class Views:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/control/health", self.health, methods=["GET"]),
            Route("/control/calls", self.calls, methods=["GET"]),
            Route("/control/deliveries", self.deliveries, methods=["GET"]),
            Route("/control/secrets", self.secrets, methods=["GET"]),
            Route("/control/unimplemented", self.unimplemented, methods=["GET"]),
            Route("/control/assumptions", self.assumptions, methods=["GET"]),
        ]

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok", "time": iso(self._world.clock.now())})

    async def calls(self, request: Request) -> Response:
        journal = self._world.records.calls
        found = [
            {"seq": entry.seq, **entry.value.shown()} for entry in journal.after(after(request))
        ]
        return JSONResponse({"calls": found, "last": journal.last, "dropped": journal.dropped})

    async def deliveries(self, request: Request) -> Response:
        """`?raw=true` shows tokens and bodies as sent."""
        journal = self._world.records.deliveries
        raw = request.query_params.get("raw") == "true"
        found = [entry.value.shown(raw=raw) for entry in journal.after(after(request))]
        return JSONResponse({"deliveries": found, "last": journal.last, "dropped": journal.dropped})

    async def secrets(self, request: Request) -> Response:
        """Every shared secret and token ever given out, for leak tests."""
        journal = self._world.records.secrets
        found = [asdict(entry.value) for entry in journal.after(after(request))]
        return JSONResponse({"secrets": found, "last": journal.last, "dropped": journal.dropped})

    async def unimplemented(self, request: Request) -> Response:
        """A test run fails unless this is empty."""
        journal = self._world.records.unimplemented
        found = [asdict(entry.value) for entry in journal.after(after(request))]
        return JSONResponse({"unimplemented": found, "last": journal.last})

    async def assumptions(self, _request: Request) -> Response:
        return JSONResponse(
            {"assumptions": [{"id": key, "text": text} for key, text in ASSUMPTIONS]}
        )
