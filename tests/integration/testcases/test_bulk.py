"""Many test cases in one request: each is judged as if it came alone."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from kit.auth.principal import Scope
from tests.integration.testcases.site import Library, Site, fault

PATH = "/ostro/v1/testcases/bulk"
MAX_BODY = 64 * 1024
"""Of a single body, in the service that runs here."""
DEEP = "[" * 400 + "]" * 400


async def send(site: Site, texts: Sequence[str], method: str = "POST") -> list[dict[str, Any]]:
    """Send items as they are written; return the results, which are in their order."""
    content = f'{{"items": [{", ".join(texts)}]}}'
    answer = await ask(site, content, method)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    assert [r["index"] for r in results] == list(range(len(texts)))
    return results


async def ask(site: Site, content: str | bytes, method: str = "POST") -> httpx.Response:
    return await site.library.http.request(method, PATH, content=content, headers=site.headers)


async def create(site: Site, *items: dict[str, Any]) -> list[dict[str, Any]]:
    """Create; the project's key and a name are filled in."""
    usual = {"projectKey": site.key, "name": "n"}
    return await send(site, [json.dumps(usual | item) for item in items])


async def alone(site: Site, path: str, text: str, method: str = "POST") -> tuple[int, str]:
    """Ask the single operation for the same."""
    answer = await site.library.http.request(
        method, f"/v2{path}", content=text.encode(), headers=site.headers
    )
    return fault(answer)


async def test_what_is_wrong_with_one_is_said_of_it_as_of_a_single_one(site: Site) -> None:
    sent: dict[str, Any] = {"projectKey": "DEMO", "name": "n"}
    bad = [
        "7",
        "null",
        '"x"',
        "[]",
        "{}",
        "NaN",
        DEEP,
        '{"projectKey": "DEMO", "name": "a", "name": "b"}',
        '{"projectKey": "DEMO", "name": "\\ud800"}',
        f'{{"projectKey": "DEMO", "name": "n", "folderId": {"9" * 5_000}}}',
        *(
            json.dumps(sent | more)
            for more in (
                {"name": " "},
                {"projectKey": "NOPE"},
                {"folderId": 1},
                {"statusName": "No"},
                {"priorityName": "No"},
                {"labels": [""]},
                {"customFields": {"No": 1}},
                {"objective": "x" * MAX_BODY},
            )
        ),
    ]
    good = [json.dumps(sent | {"name": f"good {n}"}) for n in range(len(bad) + 1)]
    mixed = [good[0]]
    for one, another in zip(bad, good[1:], strict=True):
        mixed += [one, another]
    results = await send(site, mixed)
    for text, result in zip(bad, results[1::2], strict=True):
        status, message = await alone(site, "/testcases", text)
        found = {k: result[k] for k in result if k != "index"}
        assert found == {"status": status, "errorCode": status, "message": message}
    made = results[::2]
    assert {r["status"] for r in made} == {201}
    assert [r["key"] for r in made] == [f"DEMO-T{n + 1}" for n in range(len(good))]
    assert await site.case_names() == [f"good {n}" for n in range(len(good))]
    for result in made:
        assert result["self"] == site.url(f"/testcases/{result['key']}")
        assert result["id"] == site.id(int(result["key"].removeprefix("DEMO-T")))


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b"{}", 400),
        (b'{"items": null}', 400),
        (b'{"items": {}}', 400),
        (b'{"items": []', 400),
        (b'{"items": [] }x', 400),
        (b'{"items": [%s,]}' % b'{"projectKey": "DEMO", "name": "n"}', 400),
        (b'{"items": [%s], "more": 1}' % b'{"projectKey": "DEMO", "name": "n"}', 400),
        (b'{"items": [%s], "items": []}' % b'{"projectKey": "DEMO", "name": "n"}', 400),
        (b'{"items": ["\xff"]}', 400),
        (b'{"items": [%s]}' % (b"[" * 200_000), 400),
        (
            b'{"items": [%s]}' % b",".join([b'{"projectKey": "DEMO", "name": "n"}'] * 1_001),
            400,
        ),
        (b'{"items": ["%s"]}' % (b"x" * 8 * 1024 * 1024), 413),
    ],
    ids=range(16),
)
async def test_what_is_wrong_with_all_changes_nothing(
    untouched: Site, content: bytes, status: int
) -> None:
    answer = await ask(untouched, content)
    assert fault(answer)[0] == status
    assert len(answer.content) < 1_000
    assert await untouched.case_names() == []


async def test_a_thousand_at_once_and_all_of_them_replaced(site: Site) -> None:
    results = await create(site, *({"name": f"case {n}"} for n in range(1_000)))
    assert {r["status"] for r in results} == {201}
    assert [r["key"] for r in results] == [f"DEMO-T{n + 1}" for n in range(1_000)]
    page = await site.read("/testcases", projectKey="DEMO", maxResults=1_000)
    assert [case["name"] for case in page["values"]] == [f"case {n}" for n in range(1_000)]
    changed = [json.dumps(case | {"name": f"new {n}"}) for n, case in enumerate(page["values"])]
    done = await send(site, changed, "PUT")
    assert done == [r | {"status": 200} for r in results]
    assert await site.case_names() == [f"new {n}" for n in range(1_000)]
    assert (await ask(site, b'{"items": []}')).json() == {"results": []}


async def test_a_client_id_makes_no_second_one(library: Library, twins: tuple[Site, Site]) -> None:
    site, other = twins
    more = await library.add_project(site.tenant, "MORE")
    first, again, unnamed, elsewhere = await create(
        site, {"clientId": "a"}, {"clientId": "a"}, {}, {"clientId": "a", "projectKey": "MORE"}
    )
    assert again == first | {"index": 1}
    assert {first["key"], unnamed["key"], elsewhere["key"]} == {"DEMO-T1", "DEMO-T2", "MORE-T1"}
    # the first failed, so the second is made
    bad, good = await create(site, {"clientId": "b", "folderId": 1}, {"clientId": "b"})
    assert (bad["status"], good["status"]) == (400, 201)
    sent = [{"clientId": f"c {n}"} for n in range(50)]
    one, two = await asyncio.gather(create(site, *sent), create(site, *reversed(sent)))
    assert [r["id"] for r in one] == [r["id"] for r in reversed(two)]
    assert len({r["id"] for r in one}) == 50
    assert len(await site.case_names()) == 2 + 1 + 50
    assert len(await more.case_names()) == 1
    # ids of others are theirs
    (theirs,) = await create(other, {"clientId": "c 0"})
    assert await other.case_names() == ["n"]
    assert theirs["key"] == "DEMO-T1"
    for client_id, message in (("", "clientId"), (" ", "clientId"), ("x" * 101, "clientId")):
        (refused,) = await create(site, {"clientId": client_id})
        assert refused["status"] == 400
        assert message in refused["message"]


async def test_replacing_some_of_which_some_are_wrong(twins: tuple[Site, Site]) -> None:
    site, other = twins
    await create(site, *({"name": f"case {n}"} for n in range(3)))
    await create(other, *({"name": "theirs"} for _ in range(9)))
    cases = (await site.read("/testcases", projectKey="DEMO"))["values"]
    foreign = await other.read("/testcases/DEMO-T9")
    bad = [
        json.dumps(one)
        for one in (
            cases[0] | {"id": 7},
            cases[0] | {"name": ""},
            cases[0] | {"status": {"id": 1}},
            cases[0] | {"project": {"id": 1}},
            cases[0] | {"folder": {"id": 1}},
            foreign,
            7,
        )
    ]
    wanted = [cases[1] | {"name": f"turn {n}", "labels": [str(n)]} for n in range(20)]
    results = await send(site, [*bad, *map(json.dumps, wanted)], "PUT")
    for text, result in zip(bad, results, strict=False):
        body = json.loads(text)
        key = body["key"] if isinstance(body, dict) else "DEMO-T1"
        status, message = await alone(site, f"/testcases/{key}", text, "PUT")
        assert (result["status"], result["errorCode"]) == (status, status)
        assert result["message"] == message
    assert {r["status"] for r in results[len(bad) :]} == {200}
    # those of one case follow each other
    assert (await site.read("/testcases/DEMO-T2"))["labels"] == ["19"]
    assert await site.case_names() == ["case 0", "turn 19", "case 2"]
    assert await other.case_names() == ["theirs"] * 9


async def test_two_who_replace_the_same_ones_at_once(site: Site) -> None:
    await create(site, *({} for _ in range(40)))
    cases = (await site.read("/testcases", projectKey="DEMO", maxResults=50))["values"]

    async def all_as(name: str) -> None:
        texts = [json.dumps(case | {"name": name, "objective": name}) for case in cases]
        assert {r["status"] for r in await send(site, texts, "PUT")} == {200}

    await asyncio.gather(all_as("one"), all_as("two"))
    after = (await site.read("/testcases", projectKey="DEMO", maxResults=50))["values"]
    assert {(c["name"], c["objective"]) for c in after} <= {("one", "one"), ("two", "two")}


async def test_rights_are_decided_item_by_item(library: Library, site: Site) -> None:
    closed = await library.add_project(site.tenant, "SHUT")
    (made,) = await create(closed, {})
    case = await closed.read(f"/testcases/{made['key']}")
    bound = site.as_(projects=[site.project])
    results = await create(bound, {"projectKey": "SHUT"}, {}, {"projectKey": "SHUT"})
    assert [r["status"] for r in results] == [404, 201, 404]
    assert (await send(bound, [json.dumps(case | {"name": "x"})], "PUT"))[0]["status"] == 404
    assert await closed.case_names() == ["n"]
    for scopes in ([Scope.READ], [Scope.RESULTS]):
        for method in ("POST", "PUT"):
            answer = await ask(site.as_(scopes=scopes), b"no JSON", method)
            assert fault(answer)[0] == 403
    answer = await library.http.post(PATH, content=b"no JSON")
    assert answer.status_code == 401
