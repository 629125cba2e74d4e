"""The levers of LaunchDarkly's stand-in: flags, and its open streams."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.processors.launchdarkly import LaunchDarkly, fixed


class FlagOrder(BaseModel):
    """Either one value for everybody, or `rules` as the vendor's SDK API writes them."""

    model_config = ConfigDict(extra="forbid")

    value: Any = None
    rules: dict[str, Any] | None = None


class FlagControl:
    def __init__(self, launchdarkly: LaunchDarkly) -> None:
        self._launchdarkly = launchdarkly

    def routes(self) -> Sequence[Route]:
        return (
            Route("/control/flags", self.show, methods=["GET"]),
            Route("/control/flags/{key}", self.set, methods=["PUT"]),
            Route("/control/flags/{key}", self.remove, methods=["DELETE"]),
            Route("/control/streams/close", self.hang_up, methods=["POST"]),
        )

    async def show(self, _request: Request) -> Response:
        """The flags, and how many clients listen."""
        found = {"flags": self._launchdarkly.flags(), "streams": self._launchdarkly.streams()}
        return JSONResponse(found)

    async def set(self, request: Request) -> Response:
        order = FlagOrder.model_validate_json(await request.body())
        rules = fixed(order.value) if order.rules is None else order.rules
        return JSONResponse(self._launchdarkly.set_flag(request.path_params["key"], rules))

    async def remove(self, request: Request) -> Response:
        if not self._launchdarkly.remove_flag(request.path_params["key"]):
            raise HTTPException(404, "no such flag")
        return Response(status_code=204)

    async def hang_up(self, _request: Request) -> Response:
        return JSONResponse({"closed": self._launchdarkly.hang_up()})
