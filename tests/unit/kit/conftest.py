"""An application with one of everything, reached without a socket."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, Field
from pymongo.errors import AutoReconnect

from kit.auth.api_tokens import ApiTokens
from kit.auth.principal import ACTING
from kit.clock import SystemClock
from kit.errors import Conflict, TooManyRequests, Unavailable
from kit.http.app import public_app
from kit.http.pages import Cursor, Offset, cursor_response, offset_response
from kit.http.security import Caller
from tests.unit.kit.directory import FixedDirectory

BASE = "https://ostro.example/v2"
api = APIRouter()


class Thing(BaseModel):
    """A body."""

    name: str = Field(min_length=1, max_length=5)
    query: int


@api.get("/v2/things")
async def things(request: Request, page: Offset, project: str | None = None) -> Response:
    values = list(range(25))[page.start_at : page.start_at + page.max_results]
    return offset_response(request, BASE, page, 25, values)


@api.get("/v2/things/nextgen")
async def nextgen(request: Request, page: Cursor) -> Response:
    found = [n for n in range(25) if n >= page.start_at_id][: page.limit + 1]
    following = found[page.limit] if len(found) > page.limit else None
    return cursor_response(request, BASE, page, following, found[: page.limit])


@api.get("/v2/things/{key}/parts")
async def parts(request: Request, page: Offset, key: str) -> Response:
    return offset_response(request, BASE, page, 25, [key])


@api.post("/v2/things")
async def create(body: Thing) -> Thing:
    return body


@api.get("/v2/me")
async def me(caller: Caller) -> dict[str, str]:
    return {"tenant": caller.principal.tenant}


@api.get("/v2/acting")
async def acting(caller: Caller) -> dict[str, bool]:
    return {"acting": ACTING.get() is caller.principal}


@api.get("/ostro/v1/executions/me")
async def me_beside(caller: Caller) -> dict[str, str]:
    return {"tenant": caller.principal.tenant}


@api.get("/v2/faults/{kind}")
async def fault(kind: str) -> Response:
    raise {
        "conflict": Conflict("The test execution is frozen."),
        "quota": TooManyRequests("Too many results wait.", retry_after=2),
        "kafka": Unavailable("The message broker is not available; try again."),
        "mongo": AutoReconnect("secret-host:27017 closed the connection"),
        "bug": ValueError("content of the customer"),
    }[kind]


@api.get("/v2/broken-stream")
async def broken_stream() -> Response:
    class Broken(Response):
        async def __call__(self, scope: object, receive: object, send: object) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
            raise ValueError("content of the customer")

    return Broken()


@pytest.fixture
def directory() -> FixedDirectory:
    return FixedDirectory()


@pytest.fixture
def app(directory: FixedDirectory) -> FastAPI:
    return public_app("executions", [api], ApiTokens(directory, "local", SystemClock()))


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
