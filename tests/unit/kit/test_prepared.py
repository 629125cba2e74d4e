"""Routes that are served before FastAPI answer as FastAPI lets them answer."""

from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, Query, Request, Response
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
from kit.http.pages import Offset, json_response, offset_response
from kit.http.params import UpdatedAfter
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
Viewer = Annotated[Access, Depends(access_to(Entity.TEST_CASE, Right.VIEW))]
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


async def _chosen(
    access: Viewer, key: Annotated[str | None, Query(alias="key", pattern="^[A-Z]+$")] = None
) -> str | None:
    if key == "NONE":
        raise NotFound("It is not there.")
    return key


async def show(
    request: Request,
    access: Viewer,
    page: Offset,
    chosen: Annotated[str | None, Depends(_chosen)],
    since: UpdatedAfter,
    ids: Annotated[list[int] | None, Query()] = None,
) -> Response:
    values = [chosen, since, ids, request.query_params.multi_items()]
    return offset_response(request, "http://kit/v2", page, 99, [access.tenant, *values])


def sides(limit: int) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
    """Return clients of the application alone, and with what is served before it."""
    found = []
    for before in (False, True):
        routes = APIRouter()
        routes.add_api_route(PATH, make, methods=["POST"])
        routes.add_api_route(PATH, show, methods=["GET"])
        routes.add_api_route(f"{PATH}/two", make_two, methods=["POST"])
        routes.add_api_route(f"{PATH}/{{key}}", make, methods=["POST"])
        app = public_app("kit", [routes], ApiTokens(FixedDirectory(), "local", ManualClock()))
        app.state.token_guard = Gate(limit)
        app.state.max_body_bytes = 1_000
        assert set(prepared(app)) == {("POST", PATH), ("GET", PATH), ("POST", f"{PATH}/two")}
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


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("", 200, '"values":["t1",null,null,null,[]]'),
        ("maxResults=5&key=A&ids=1&ids=2&more=1", 200, '"A",null,[1,2],'),
        ("key=A&key=B&startAt=95", 200, '"isLast":true'),
        ("updatedAfter=2026-11-24T12:00:00Z", 200, "2026-11-24T12:00:00Z"),
        # empty ones are not given
        ("maxResults=&key=&ids=&startAt=7", 200, '"startAt":7,"maxResults":10'),
        ("maxResults=many&startAt=-1", 400, "startAt must be greater than or equal to 0"),
        ("ids=1&ids=x&key=a", 400, "key must match ^[A-Z]+$"),
        ("ids=1&ids=x", 400, "ids.1 must be an integer"),
        ("updatedAfter=today&maxResults=many", 400, "updatedAfter must be a date-time"),
        # what is called although something else is faulty may refuse first
        ("maxResults=many&key=NONE", 404, "It is not there."),
        ("maxResults=many&key=a", 400, "maxResults must be an integer"),
    ],
)
async def test_a_query_is_judged_alike(query: str, status: int, text: str) -> None:
    plain, before = sides(limit=5)
    async with plain, before:
        expected, found = [
            await http.get(f"{PATH}?{query}", headers=TOKEN) for http in (plain, before)
        ]
        missing = [await http.get(f"{PATH}?maxResults=many") for http in (plain, before)]
    assert (found.status_code, text in found.text) == (status, True)
    assert (found.status_code, found.content) == (expected.status_code, expected.content)
    assert sorted(found.headers.items()) == sorted(expected.headers.items())
    assert [(m.status_code, m.content) for m in missing] == 2 * [(401, missing[0].content)]


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
        assert (await before.put(PATH)).status_code == 405
        assert (await before.head(PATH)).status_code == 405
