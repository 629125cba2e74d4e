"""Endpoints in front of the application: same errors, same metrics, and everything else goes on."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response
from pymongo.errors import AutoReconnect
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from kit.errors import TooManyRequests, Unauthenticated
from kit.http.fast import FastRoutes
from kit.observability.metrics import REGISTRY

PATH = "/fast/route"
FAULTS: dict[str, Exception] = {
    "busy": TooManyRequests("Later.", retry_after=7),
    "nobody": Unauthenticated("No."),
    "down": AutoReconnect("mongo.example:27017"),
    "bug": ValueError("what a customer wrote"),
}


async def endpoint(scope: Scope, receive: Receive) -> Response:
    fault = FAULTS.get(scope["query_string"].decode())
    if fault is not None:
        raise fault
    if scope["query_string"] == b"gone":
        raise ClientDisconnect
    body = (await receive())["body"]
    return Response(body[::-1])


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()

    @app.get("/{path:path}")
    async def other(path: str) -> str:
        return "application"

    transport = httpx.ASGITransport(FastRoutes(app, {("POST", PATH): endpoint}))
    async with httpx.AsyncClient(transport=transport, base_url="http://kit") as found:
        yield found


def counted(status: int) -> float:
    labels = {"method": "POST", "route": PATH, "status": str(status)}
    return REGISTRY.get_sample_value("ostro_http_requests_total", labels) or 0


async def test_an_endpoint_answers_and_is_counted(http: httpx.AsyncClient) -> None:
    before = counted(200)
    answer = await http.post(PATH, content=b"abc")
    assert (answer.status_code, answer.content) == (200, b"cba")
    assert counted(200) == before + 1


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ("busy", 429, {"errorCode": 429, "message": "Later."}),
        ("nobody", 401, {"error": "No."}),
        (
            "down",
            503,
            {"errorCode": 503, "message": "The database is not available; try again."},
        ),
        ("bug", 500, {"errorCode": 500, "message": "Internal error."}),
    ],
)
async def test_faults_have_the_usual_shapes(
    http: httpx.AsyncClient, fault: str, status: int, body: Any
) -> None:
    before = counted(status)
    answer = await http.post(f"{PATH}?{fault}")
    assert (answer.status_code, answer.json()) == (status, body)
    assert counted(status) == before + 1
    if fault == "busy":
        assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize("path", [f"{PATH}/", "/fast", "/fast/route/more"])
async def test_other_paths_are_the_applications(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).json() == "application"
    assert (await http.post(path)).status_code == 405
    assert (await http.get(PATH)).json() == "application"


async def test_a_client_that_left_is_counted(http: httpx.AsyncClient) -> None:
    before = counted(499)
    with pytest.raises(AssertionError):  # httpx's transport wants an answer
        await http.post(f"{PATH}?gone")
    assert counted(499) == before + 1
