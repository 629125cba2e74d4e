"""HTTP at the edge of a service: shapes of errors, pages, paths, headers."""

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from kit.http.params import given

CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
    "access-control-allow-headers": "Authorization, Content-Type, zscale-source",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=31536000",
}


@pytest.mark.parametrize(
    ("kind", "status", "message", "retry_after"),
    [
        ("conflict", 409, "The test execution is frozen.", None),
        ("quota", 429, "Too many results wait.", "2"),
        ("kafka", 503, "The message broker is not available; try again.", "5"),
        ("mongo", 503, "The database is not available; try again.", "5"),
        ("bug", 500, "Internal error.", None),
    ],
)
async def test_errors_have_the_vendors_shape(
    http: httpx.AsyncClient, kind: str, status: int, message: str, retry_after: str | None
) -> None:
    answer = await http.get(f"/v2/faults/{kind}")
    assert answer.status_code == status
    assert answer.json() == {"errorCode": status, "message": message}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers.get("retry-after") == retry_after
    assert CORS.items() <= answer.headers.items()


async def test_an_unauthenticated_call_gets_the_other_shape(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v2/me")
    assert answer.status_code == 401
    assert answer.json() == {"error": "The Authorization header with a bearer token is missing."}


async def test_two_authorization_headers_are_refused_whatever_they_hold(
    http: httpx.AsyncClient,
) -> None:
    for values in (("Bearer a.b.c", "Bearer d.e.f"), ("Bearer a.b.c", "Bearer a.b.c"), ("", "")):
        sent = [("authorization", value) for value in values]
        for path in ("/v2/me", "/ostro/v1/executions/me"):
            answer = await http.get(path, headers=sent)
            assert answer.status_code == 401
            assert answer.json() == {
                "error": "The Authorization header must stand in a request once."
            }


async def test_an_unknown_path_and_a_wrong_method(http: httpx.AsyncClient) -> None:
    unknown, wrong = await http.get("/v2/nothing"), await http.delete("/v2/things")
    assert (unknown.status_code, unknown.json()["errorCode"]) == (404, 404)
    assert (wrong.status_code, wrong.json()["errorCode"]) == (405, 405)
    assert set(wrong.headers["allow"].split(", ")) <= {"GET", "POST"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("startAt=-1", "startAt must be greater than or equal to 0"),
        ("startAt=1000001", "startAt must be less than or equal to 1000000"),
        ("maxResults=-1", "maxResults must be greater than or equal to 0"),
        ("maxResults=many", "maxResults must be an integer"),
        ("maxResults=1.5", "maxResults must be an integer"),
    ],
)
async def test_a_bad_parameter_is_named(http: httpx.AsyncClient, query: str, message: str) -> None:
    answer = await http.get(f"/v2/things?{query}")
    assert (answer.status_code, answer.json()["message"]) == (400, message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("no", "The request body is not valid JSON: Expecting value."),
        ("[" * 50_000, "There was an error parsing the body"),
        ("{}", "name must not be null"),
        ('{"name": null, "query": 1}', "name must not be null"),
        ('{"name": "", "query": 1}', "name must not be shorter than 1"),
        ('{"name": "sixsix", "query": 1}', "name must not be longer than 5"),
        ('{"name": "x", "query": "y"}', "query must be an integer"),
        ('{"name": 7, "query": 1}', "name must be text"),
    ],
)
async def test_a_bad_body_is_named_by_field(
    http: httpx.AsyncClient, body: str, message: str
) -> None:
    headers = {"content-type": "application/json"}
    answer = await http.post("/v2/things", content=body, headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


async def test_after_the_first_byte_a_fault_only_cuts_the_connection(app: FastAPI) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        with pytest.raises(ConnectionAbortedError) as fault:
            await client.get("/v2/broken-stream")
    assert fault.value.__suppress_context__


async def test_offset_pages_agree_with_each_other(http: httpx.AsyncClient) -> None:
    first = (await http.get("/v2/things?project=D+E&maxResults=10")).json()
    assert {k: first[k] for k in ("startAt", "maxResults", "total", "isLast")} == {
        "startAt": 0,
        "maxResults": 10,
        "total": 25,
        "isLast": False,
    }
    url = urlsplit(first["next"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://ostro.example/v2/things"
    assert dict(parse_qsl(url.query)) == {
        "project": "D E",
        "startAt": "10",
        "maxResults": "10",
    }
    walked, page = list(first["values"]), first
    while page["next"]:
        page = (await http.get(page["next"].replace("https://ostro.example", ""))).json()
        walked += page["values"]
    assert walked == list(range(25))
    assert page["isLast"]


@pytest.mark.parametrize(("asked", "used"), [("0", 1), ("1000", 1000), ("999999", 1000)])
async def test_the_page_size_is_clamped_and_told(
    http: httpx.AsyncClient, asked: str, used: int
) -> None:
    assert (await http.get(f"/v2/things?maxResults={asked}")).json()["maxResults"] == used


async def test_beyond_the_end_a_page_is_empty_and_last(http: httpx.AsyncClient) -> None:
    page = (await http.get("/v2/things?startAt=100")).json()
    assert (page["values"], page["isLast"], page["next"]) == ([], True, None)


async def test_a_key_in_the_path_stays_encoded_in_links(http: httpx.AsyncClient) -> None:
    page = (await http.get("/v2/things/a%20b%3F/parts")).json()
    assert page["next"].startswith("https://ostro.example/v2/things/a%20b%3F/parts?")


async def test_cursor_pages_walk_by_id(http: httpx.AsyncClient) -> None:
    walked: list[int] = []
    path: str | None = "/v2/things/nextgen?limit=10&updatedAfter=2026-01-01"
    while path:
        page = (await http.get(path)).json()
        assert set(page) == {"next", "nextStartAtId", "limit", "values"}
        walked += page["values"]
        if page["next"]:
            query = dict(parse_qsl(urlsplit(page["next"]).query))
            assert query["startAtId"] == str(page["nextStartAtId"])
            assert query["updatedAfter"] == "2026-01-01"
        path = page["next"] and page["next"].replace("https://ostro.example", "")
    assert walked == list(range(25))
    for bad in ("limit=0", "limit=1001", "startAtId=-1", f"startAtId={1 << 63}"):
        assert (await http.get(f"/v2/things/nextgen?{bad}")).status_code == 400


async def test_a_parameter_that_says_nothing_was_not_given(http: httpx.AsyncClient) -> None:
    plain = (await http.get("/v2/things?project=D")).json()
    for nothing in ("startAt=", "maxResults=&startAt=", "&startAt&", "maxResults=10&maxResults="):
        assert (await http.get(f"/v2/things?{nothing}&project=D")).json() == plain
    walked = await http.get("/v2/things/nextgen?limit=&startAtId=&updatedAfter=")
    assert walked.json() == (await http.get("/v2/things/nextgen")).json()


def test_what_changes_something_and_what_is_signed_keeps_its_query() -> None:
    query = b"dryRun=&cp="
    for method, path, left in (
        ("GET", "/ostro/v1/testcases/testcases/search", b""),
        ("POST", "/v2/automations/executions/junit", b""),
        ("DELETE", "/ostro/v1/testcases/testcases/A-T1", query),
        ("GET", "/connect/page", query),
    ):
        assert given(method, path, query) == left


async def test_a_trailing_slash_is_answered_in_place(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v2/things/?maxResults=1")
    assert answer.status_code == 200
    assert answer.json()["next"].startswith("https://ostro.example/v2/things?")
    posted = await http.post("/v2/things/", json={"name": "x", "query": 1})
    assert posted.status_code == 200


async def test_a_preflight_is_answered_for_every_path(http: httpx.AsyncClient) -> None:
    answer = await http.options("/v2/whatever", headers={"origin": "https://x.example"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert CORS.items() <= answer.headers.items()
