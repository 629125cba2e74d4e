"""Many test executions in one request: each is judged as if it came alone."""

import asyncio
from typing import Any

import httpx

from contracts.ids import public_id
from contracts.permissions import Entity, Right
from kit.auth.principal import Scope
from tests.harness.grants import to_user
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.executions.linking import House, Linked, fault
from tests.integration.executions.removing import OSTRO
from tests.integration.executions.removing import send as move
from tests.integration.executions.running import case_with, post, results_of, shown, write_steps

FORCE = {"force": "true"}
PATH = "http://ostro.test/ostro/v1/executions/bulk"
ONE = {
    "projectKey": "DEMO",
    "testCaseKey": "DEMO-T1",
    "testCycleKey": "DEMO-R1",
    "statusName": "Pass",
}


async def ask(linked: Linked, items: Any, method: str = "POST") -> httpx.Response:
    return await linked.http.request(method, PATH, json={"items": items})


async def send(linked: Linked, *items: Any, method: str = "POST") -> list[dict[str, Any]]:
    """Send items as they are; return the results, which are in their order."""
    answer = await ask(linked, items, method)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    assert [r["index"] for r in results] == list(range(len(items)))
    return results


async def create(linked: Linked, *items: dict[str, Any]) -> list[dict[str, Any]]:
    """Record; what every execution needs is filled in."""
    return await send(linked, *(ONE | item for item in items))


async def change(linked: Linked, *items: dict[str, Any]) -> list[dict[str, Any]]:
    return await send(linked, *items, method="PUT")


async def prepared(linked: Linked, *steps: str) -> None:
    await linked.make("testcycles")
    await case_with(linked, *steps)


async def last_of(linked: Linked, case: str) -> list[int]:
    """Return the ids of the newest executions of a case."""
    params: dict[str, Any] = {"testCase": case, "onlyLastExecutions": True}
    answer = await linked.http.get("/testexecutions", params=params)
    return [run["id"] for run in answer.json()["values"]]


async def test_good_and_bad_ones_and_the_last_is_the_newest(linked: Linked) -> None:
    await prepared(linked, "one", "two")
    await case_with(linked)
    other = await linked.house.world.project(linked.tenant, "OTHER")
    await linked.until("/testcycles", 200, projectKey="OTHER")
    await linked.until("/statuses", 200, projectKey="OTHER")
    assert other.id
    bad: list[dict[str, Any]] = [
        {"statusName": "No"},
        {"statusName": ""},
        {"testCaseKey": "DEMO-T99"},
        {"testCycleKey": "DEMO-R99"},
        {"testCycleKey": "r"},
        {"projectKey": "NOPE"},
        {"projectKey": "OTHER"},
        {"environmentName": "No"},
        {"testScriptResults": [{"statusName": "Pass"}] * 3},
        {"customFields": {"No": 1}},
        {"executionTime": -1},
        {"actualEndDate": "now"},
        {"clientId": 7},
    ]
    mixed: list[dict[str, Any]] = []
    for at, one in enumerate(bad):
        step = {"statusName": "Fail", "actualResult": str(at)}
        mixed += [one, {"comment": str(at), "testScriptResults": [step]}]
    # the other case in between: its steps are its own
    mixed.insert(5, {"testCaseKey": "DEMO-T2"})
    results = await create(linked, *mixed)
    for one, result in zip(mixed, results, strict=True):
        if one not in bad:
            assert result["status"] == 201
            continue
        if "clientId" not in one:
            answer = await post(linked, **one)
            assert (result["status"], result["message"]) == fault(answer)
            assert result["errorCode"] == result["status"]
        assert result["status"] >= 400
        assert "id" not in result
    made = [r for r in results if r["status"] == 201]
    assert len(made) == len(bad) + 1
    first = public_id(linked.project.id, 1)
    assert [r["id"] for r in made] == [first + n for n in range(len(made))]
    assert made[0]["self"].endswith(f"/v2/testexecutions/{made[0]['id']}")
    for at, result in enumerate(r for r in made if r["index"] != 5):
        assert (await shown(linked, result["id"]))["comment"] == str(at)
        assert await results_of(linked, result["id"]) == [
            ("one", "Fail", str(at)),
            ("two", "Not Executed", None),
        ]
    assert await last_of(linked, "DEMO-T1") == [made[-1]["id"]]
    assert await last_of(linked, "DEMO-T2") == [results[5]["id"]]
    # the script counts as it is when the next bulk comes
    await write_steps(linked, "DEMO-T1", "three")
    (later,) = await create(linked, {})
    assert await results_of(linked, later["id"]) == [("three", "Not Executed", None)]


async def test_a_thousand_at_once_and_no_more(linked: Linked) -> None:
    await prepared(linked, "one")
    answer = await ask(linked, [ONE] * 1_001)
    assert fault(answer) == (400, "items must not have more items than 1000")
    results = await create(linked, *({"comment": str(n)} for n in range(1_000)))
    assert {r["status"] for r in results} == {201}
    assert len({r["id"] for r in results}) == 1_000
    assert [r["id"] for r in results] == sorted(r["id"] for r in results)
    assert await last_of(linked, "DEMO-T1") == [results[-1]["id"]]
    done = await change(
        linked,
        *({"testExecutionIdOrKey": r["id"], "statusName": "Fail"} for r in results),
    )
    assert done == [r | {"status": 200} for r in results]
    page = await linked.http.get("/testexecutions", params={"maxResults": 1_000})
    values = page.json()["values"]
    assert [v["comment"] for v in values] == [str(n) for n in range(1_000)]
    assert len({v["testExecutionStatus"]["id"] for v in values}) == 1


async def test_a_client_id_makes_no_second_one(house: House, linked: Linked) -> None:
    await prepared(linked)
    first, again, more = await create(linked, {"clientId": "a"}, {"clientId": "a"}, {})
    assert again == first | {"index": 1}
    assert more["id"] == first["id"] + 1
    sent = [{"clientId": f"c {n}", "comment": str(n)} for n in range(150)]
    one, two = await asyncio.gather(create(linked, *sent), create(linked, *reversed(sent)))
    assert [r["id"] for r in one] == [r["id"] for r in reversed(two)]
    page = await linked.http.get("/testexecutions", params={"maxResults": 1_000})
    assert {v["id"] for v in page.json()["values"]} == {r["id"] for r in [first, more, *one]}
    # a repeat is answered though the execution is out of sight, or could not be made any more
    archived = await move(linked, f"executions/testexecutions/{first['id']}/archive")
    assert archived.status_code == 200, archived.text
    (repeated,) = await create(linked, {"clientId": "a", "statusName": "No"})
    assert (repeated["status"], repeated["id"]) == (201, first["id"])
    # one that is being erased is none to be named
    removed = await linked.http.delete(f"{OSTRO}/executions/testexecutions/{more['id'] + 1}")
    assert removed.status_code == 200, removed.text
    (name,) = (s["clientId"] for s, r in zip(sent, one, strict=True) if r["id"] == more["id"] + 1)
    (refused,) = await create(linked, {"clientId": name})
    assert (refused["status"], "being deleted" in refused["message"]) == (409, True)
    # nor is one whose cycle is being erased, in another cycle either: it would be lost
    await linked.make("testcycles")
    gone = await linked.http.delete(f"{OSTRO}/executions/testcycles/DEMO-R1", params=FORCE)
    assert gone.status_code == 200, gone.text
    for name in ("a", sent[1]["clientId"]):
        (refused,) = await create(linked, {"clientId": name, "testCycleKey": "DEMO-R2"})
        assert (refused["status"], "being deleted" in refused["message"]) == (409, True)
    # of another tenant with the same ids and keys it says nothing
    other = await house.linked(project=linked.project.id)
    await prepared(other)
    (theirs,) = await create(other, {"clientId": "a"})
    assert (await shown(other, theirs["id"]))["key"] == "DEMO-E1"


async def test_changes_of_one_follow_each_other(house: House, linked: Linked) -> None:
    await prepared(linked)
    mine = await create(linked, {}, {})
    other = await house.linked(project=linked.project.id)
    await prepared(other)
    theirs = await create(other, {}, {}, {})
    ident = mine[0]["id"]
    names: list[Any] = [ident, str(ident), "DEMO-E1"]
    turns = [
        {"testExecutionIdOrKey": names[n % 3], "comment": f"turn {n}", "executionTime": n}
        for n in range(60)
    ]
    bad: list[Any] = [
        {"testExecutionIdOrKey": theirs[2]["id"], "comment": "x"},
        {"testExecutionIdOrKey": "DEMO-E3", "comment": "x"},
        {"testExecutionIdOrKey": ident, "statusName": "No"},
        {"testExecutionIdOrKey": ident, "executionTime": "x"},
        {"testExecutionIdOrKey": "x"},
        {"testExecutionIdOrKey": True},
        {"comment": "x"},
        None,
    ]
    results = await change(linked, *bad, *turns)
    assert [r["status"] for r in results[: len(bad)]] == [404, 404, 422, 400, 400, 400, 400, 400]
    alone = await linked.http.put("/testexecutions/DEMO-E3", json={"comment": "x"})
    assert fault(alone) == (404, results[1]["message"])
    assert {(r["status"], r["id"]) for r in results[len(bad) :]} == {(200, ident)}
    found = await shown(linked, ident)
    assert (found["comment"], found["executionTime"]) == ("turn 59", 59)
    assert (await shown(linked, mine[1]["id"]))["comment"] is None
    assert (await shown(other, theirs[2]["id"]))["comment"] is None


async def test_rights(linked: Linked) -> None:
    await prepared(linked)
    (made,) = await create(linked, {})
    named = {"testExecutionIdOrKey": made["id"], "comment": "x"}
    elsewhere = await linked.as_(projects=[linked.project.id + 1])
    for result in [*await create(elsewhere, {}), *await change(elsewhere, named)]:
        assert result["status"] == 404
    for scopes in ([Scope.READ], [Scope.RESULTS]):
        held = await linked.as_(scopes=scopes)
        for method in ("POST", "PUT"):
            assert fault(await ask(held, "no list", method))[0] == 403
    await linked.permit(to_user(ACCOUNT, Entity.TEST_EXECUTION, Right.VIEW))
    for result in [*await create(linked, {}), *await change(linked, named)]:
        assert result["status"] == 403
        assert "execute test executions" in result["message"]
