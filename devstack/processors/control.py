"""The tests' handle: faults, limits, clock, reset; and the views on what arrived."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.processors.dispatch import Place
from devstack.processors.faults import KINDS, Fault
from devstack.processors.recorder import Recorder
from devstack.standin.clock import Clock, iso


class FaultsOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    processor: str
    faults: list[Fault]


class LimitsOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    processor: str
    limits: dict[str, Any] = Field(default_factory=dict)


class ResetOrder(BaseModel):
    """One processor's state and faults; without a name all of them, the records and the clock."""

    model_config = ConfigDict(extra="forbid")

    processor: str | None = None


class AdvanceOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seconds: float


class Control:
    def __init__(
        self,
        places: dict[str, Place],
        recorder: Recorder,
        clock: Clock,
        more: Sequence[Route] = (),
    ) -> None:
        self._more = more
        self._places = places
        self._recorder = recorder
        self._clock = clock

    @property
    def app(self) -> Starlette:
        routes = [
            Route("/recorded", self.recorded, methods=["GET"]),
            Route("/control/health", self.health, methods=["GET"]),
            Route("/control/faults", self.show_faults, methods=["GET"]),
            Route("/control/faults", self.set_faults, methods=["POST"]),
            Route("/control/limits", self.set_limits, methods=["POST"]),
            Route("/control/reset", self.reset, methods=["POST"]),
            Route("/control/clock/advance", self.advance, methods=["POST"]),
            Route("/control/visible/{processor}", self.visible, methods=["GET"]),
            Route("/control/dropped/{processor}", self.dropped, methods=["GET"]),
            *self._more,
        ]
        return Starlette(
            routes=routes,
            exception_handlers={HTTPException: _told, ValueError: _told},
        )

    async def recorded(self, request: Request) -> Response:
        """`?processor=segment&after=N`."""
        name = request.query_params.get("processor")
        if name is not None:
            self._place(name)
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            raise HTTPException(400, "after must be a number")
        return JSONResponse(self._recorder.listing(name, int(after)))

    async def health(self, _request: Request) -> Response:
        now = iso(self._clock.now())
        return JSONResponse({"status": "ok", "time": now, "processors": list(self._places)})

    async def show_faults(self, _request: Request) -> Response:
        """What is scripted, and the kinds there are."""
        scripted = {name: place.script.shown() for name, place in self._places.items()}
        return JSONResponse({"scripted": scripted, "kinds": KINDS})

    async def set_faults(self, request: Request) -> Response:
        """Appends to the processor's script."""
        order = FaultsOrder.model_validate_json(await request.body())
        place = self._place(order.processor)
        place.script.extend(order.faults)
        return JSONResponse({"scripted": place.script.shown()}, 201)

    async def set_limits(self, request: Request) -> Response:
        order = LimitsOrder.model_validate_json(await request.body())
        return JSONResponse(self._place(order.processor).processor.configure(order.limits))

    async def reset(self, request: Request) -> Response:
        order = ResetOrder.model_validate_json(await request.body() or b"{}")
        names = list(self._places) if order.processor is None else [order.processor]
        for name in names:
            place = self._place(name)
            place.script.clear()
            place.processor.reset()
        if order.processor is None:
            self._recorder.clear()
            self._clock.reset()
        return JSONResponse({"reset": names})

    async def advance(self, request: Request) -> Response:
        order = AdvanceOrder.model_validate_json(await request.body())
        return JSONResponse({"time": iso(self._clock.advance(order.seconds))})

    async def visible(self, request: Request) -> Response:
        processor = self._place(request.path_params["processor"]).processor
        return JSONResponse({"events": processor.visible()})

    async def dropped(self, request: Request) -> Response:
        """Answered with success and thrown away."""
        processor = self._place(request.path_params["processor"]).processor
        return JSONResponse({"dropped": processor.dropped()})

    def _place(self, name: str) -> Place:
        place = self._places.get(name)
        if place is None:
            raise HTTPException(404, f"no processor {name}; there are {list(self._places)}")
        return place


async def _told(_request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code)
    return JSONResponse({"error": str(error)}, 400)
