"""Routes that are served before FastAPI answer as FastAPI lets them answer."""

from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict

from contracts.permissions import Entity, Right
from kit.auth.api_tokens import ApiTokens, VerifiedToken
from kit.auth.limits import OverLimit, Quota
from kit.auth.principal import ACTING
from kit.directory.access import Access
from kit.errors import NotFound
from kit.http.app import public_app
from kit.http.body import JsonBody
from kit.http.fast import FastRoutes
from kit.http.pages import json_response
from kit.http.prepared import prepared
from kit.http.security import access_to
from tests.harness.fakes import ManualClock
from tests.unit.kit.directory import FixedDirectory
from tests.unit.kit.test_api_tokens import claims, sign

PATH = "/v2/things"
TOKEN = {"authorization": f"Bearer {sign(claims())}"}
READER = claims(ostro=claims()["ostro"] | {"scopes": ["read"]}, jti="reader")


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


Maker = Annotated[Access, Depends(access_to(Entity.TEST_CASE, Right.CREATE))]
ToMake = Annotated[Thing, Depends(JsonBody(Thing))]


class Gate:
    """Lets a token make so many requests."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    async def admit(self, _: VerifiedToken) -> Quota:
        if not self.left:
            raise OverLimit(Quota(5, 0, 30))
        self.left -= 1
        return Quota(5, self.left, 30)


async def make(access: Maker, body: ToMake) -> Response:
    if body.name == "none":
        raise NotFound("It is not there.")
    if body.name == "bug":
        raise ValueError("what a customer wrote")
    return json_response({"tenant": access.tenant, "acting": ACTING.get() is access.principal}, 201)


async def make_two(access: Maker, body: ToMake, two: Annotated[int, Query()] = 2) -> Response:
    return json_response([access.tenant, body.name, two])


def sides(limit: int) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
    """Return clients of the application alone, and with what is served before it."""
    found = []
    for before in (False, True):
        routes = APIRouter()
        routes.add_api_route(PATH, make, methods=["POST"])
        routes.add_api_route(f"{PATH}/two", make_two, methods=["POST"])
        routes.add_api_route(f"{PATH}/{{key}}", make, methods=["POST"])
        app = public_app("kit", [routes], ApiTokens(FixedDirectory(), "local", ManualClock()))
        app.state.token_guard = Gate(limit)
        app.state.max_body_bytes = 1_000
        assert list(prepared(app)) == [PATH]
        asgi = FastRoutes(app, prepared(app)) if before else app
        transport = httpx.ASGITransport(asgi)
        found.append(httpx.AsyncClient(transport=transport, base_url="http://kit"))
    return found[0], found[1]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (TOKEN, '{"name": "n"}', 201),
        (TOKEN, '{"name": "none"}', 404),
        (TOKEN, '{"name": "bug"}', 500),
        (TOKEN, '{"name": 7}', 400),
        (TOKEN, '{"name": "n", "more": 1}', 400),
        (TOKEN, "no", 400),
        (TOKEN, "", 400),
        (TOKEN, '{"name": "' + "n" * 1_000 + '"}', 413),
        ({}, "no", 401),
        ({"authorization": "Bearer a.b.c"}, '{"name": "n"}', 401),
        ({"authorization": f"Bearer {sign(READER)}"}, "no", 403),
    ],
)
async def test_they_answer_alike(headers: dict[str, str], body: str, status: int) -> None:
    plain, before = sides(limit=5)
    async with plain, before:
        expected, found = [
            await http.post(PATH, headers=headers, content=body) for http in (plain, before)
        ]
    assert found.status_code == status
    assert (found.status_code, found.content) == (expected.status_code, expected.content)
    assert sorted(found.headers.items()) == sorted(expected.headers.items())
    if status != 401:
        assert found.headers["x-ratelimit-remaining"] == "4"


async def test_a_token_over_its_limit_is_told_the_same() -> None:
    plain, before = sides(limit=0)
    async with plain, before:
        expected, found = [await http.post(PATH, headers=TOKEN) for http in (plain, before)]
    assert (found.status_code, found.headers["x-ratelimit-remaining"]) == (429, "0")
    assert sorted(found.headers.items()) == sorted(expected.headers.items())


async def test_all_else_is_the_applications() -> None:
    _, before = sides(limit=9)
    async with before:
        other = await before.post(f"{PATH}/two?two=3", headers=TOKEN, content='{"name": "n"}')
        assert other.json() == ["t1", "n", 3]
        slash = await before.post(f"{PATH}/", headers=TOKEN, content='{"name": "n"}')
        assert slash.json() == {"tenant": "t1", "acting": True}
        assert (await before.options(PATH)).status_code == 204
        assert (await before.get(PATH)).status_code == 405
