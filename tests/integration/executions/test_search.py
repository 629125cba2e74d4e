"""Search over test executions: filters, orders, pages, bounds, and who sees what."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.ids import public_id
from contracts.permissions import Entity, Grant, Holder, Right
from kit.clock import SystemClock, vendor_time
from kit.errors import Unprocessable
from kit.http.search import Order, SearchPage
from services.executions.adapters.mongo.search import ExecutionSearch
from services.executions.adapters.mongo.testexecutions import COLLECTION
from services.executions.usecases.search import RunSearch
from tests.harness.polling import eventually
from tests.integration.executions.linking import House, Linked
from tests.integration.executions.uploading import junit, uploaded

PATH = "http://ostro.test/ostro/v1/executions/search"
SINCE = {"updatedAfter": "2020-01-01T00:00:00Z"}


async def asked(http: httpx.AsyncClient, **params: Any) -> httpx.Response:
    """Search."""
    return await http.get(PATH, params=params)


async def found(http: httpx.AsyncClient, **params: Any) -> list[int]:
    """Return the numbers of the keys that one page shows."""
    answer = await asked(http, **params)
    assert answer.status_code == 200, answer.text
    return [int(run["key"].rpartition("E")[2]) for run in answer.json()["values"]]


async def refused(http: httpx.AsyncClient, **params: Any) -> tuple[int, str]:
    """Search what must be refused."""
    answer = await asked(http, **params)
    assert set(answer.json()) == {"errorCode", "message"}, answer.text
    return answer.status_code, str(answer.json()["message"])


@pytest.fixture
async def runs(linked: Linked) -> Linked:
    """Four runs of two cases in two cycles that differ in everything, the newest ended first."""
    http = linked.http
    await linked.define("test-execution", "SINGLE_LINE_TEXT", "Build")
    answer = await http.post("/environments", json={"projectKey": "DEMO", "name": "Fox 7"})
    assert answer.status_code == 201, answer.text
    cases = [
        (await http.post("/testcases", json={"projectKey": "DEMO", "name": name})).json()["key"]
        for name in ("one", "two")
    ]
    cycles = [(await linked.make("testcycles", name=name))["key"] for name in ("a", "b")]
    now = SystemClock().now()
    fields: list[dict[str, Any]] = [
        {"statusName": "Pass", "comment": "plain <b>text</b> &amp; more"},
        {"statusName": "Fail", "comment": "用户登录 失败 (a+b)*", "environmentName": "Fox 7"},
        {"statusName": "Fail", "executedById": "acc-1", "assignedToId": "acc-2"},
        {"statusName": "Blocked", "customFields": {"Build": "b-7"}},
    ]
    for number, more in enumerate(fields):
        body = {
            "projectKey": "DEMO",
            "testCaseKey": cases[number % 2],
            "testCycleKey": cycles[number // 2],
            "actualEndDate": vendor_time(now - timedelta(hours=number)),
        }
        made = await http.post("/testexecutions", json=body | more)
        assert made.status_code == 201, made.text
    return linked


async def test_every_filter(runs: Linked) -> None:
    now = SystemClock().now()
    page = (await runs.http.get("/testexecutions", params={"projectKey": "DEMO"})).json()
    environment = page["values"][1]["environment"]["id"]
    fail = page["values"][1]["testExecutionStatus"]["id"]
    two_hours, day = (vendor_time(now - timedelta(hours=h)) for h in (1.5, 24))
    expected: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [1, 2, 3, 4]),
        ({"status": "fail"}, [2, 3]),
        ({"status": ["FAIL", "Blocked"]}, [2, 3, 4]),
        ({"status": fail}, [2, 3]),
        ({"status": 5}, []),
        ({"environment": "fox 7"}, [2]),
        ({"environment": environment}, [2]),
        ({"testCase": "DEMO-T1"}, [1, 3]),
        ({"testCase": ["DEMO-T1", public_id(runs.project.id, 2)]}, [1, 2, 3, 4]),
        ({"testCase": ["DEMO-T99", "x"]}, []),
        ({"testCycle": "DEMO-R2"}, [3, 4]),
        ({"testCycle": "DEMO-R2", "testCase": "DEMO-T1"}, [3]),
        ({"executedById": "acc-1"}, [3]),
        ({"assignedToId": ["acc-1", "acc-2"]}, [3]),
        # who names a person says that it was no machine
        ({"automated": True}, [1, 2, 4]),
        ({"automated": False, "status": "Fail"}, [3]),
        ({"jiraProjectVersionId": 77}, []),
        ({"actualEndDateAfter": two_hours}, [1, 2]),
        ({"actualEndDateAfter": day, "actualEndDateBefore": two_hours}, [3, 4]),
        ({"updatedAfter": day}, [1, 2, 3, 4]),
        ({"updatedBefore": day}, []),
        ({"customField": "Build=b-7"}, [4]),
        ({"customField": "Build=b"}, []),
        ({"without": "comment"}, [3, 4]),
        ({"without": ["comment", "assignedToId", "environment"]}, [4]),
        ({"without": ["testCycle"]}, []),
        ({"without": "jiraProjectVersion", "status": "pass"}, [1]),
        ({"comment": "PLAIN", **SINCE}, [1]),
        ({"comment": "more & plain", **SINCE}, [1]),
        ({"comment": "登录 (A+B)*", **SINCE}, [2]),
        ({"comment": "a.b", **SINCE}, []),
        ({"comment": "plain", "testCase": "DEMO-T2"}, []),
    ]
    for params, numbers in expected:
        for project in ({}, {"projectKey": "DEMO"}):
            assert await found(runs.http, **params, **project) == numbers, params


async def test_orders_fields_and_the_question_of_the_week(runs: Linked) -> None:
    http = runs.http
    for sort, numbers in {
        "key": [1, 2, 3, 4],
        "actualEndDate": [4, 3, 2, 1],
        "updatedOn": [1, 2, 3, 4],
    }.items():
        assert await found(http, sort=sort, **SINCE) == numbers
        assert await found(http, sort=f"-{sort}", **SINCE) == numbers[::-1]
    week = vendor_time(SystemClock().now() - timedelta(days=7))
    failed = {"status": "Fail", "actualEndDateAfter": week, "sort": "actualEndDate"}
    assert await found(http, **failed) == [3, 2]
    answer = await asked(http, **failed, fields="key,comment", limit=1)
    assert answer.json()["values"] == [{"key": "DEMO-E3", "comment": None}]
    whole = (await asked(http)).json()["values"]
    assert whole == (await http.get("/testexecutions")).json()["values"]


@pytest.mark.parametrize("sort", ["key", "-key", "actualEndDate", "-actualEndDate", "-updatedOn"])
async def test_pages_meet_each_once_while_others_write(linked: Linked, sort: str) -> None:
    # a whole file has one end, so that the id decides
    await uploaded(linked.http, junit(7))
    params: dict[str, Any] = {"sort": sort, "limit": 3, "projectKey": "DEMO", **SINCE}
    answer = await asked(linked.http, **params)
    seen: list[str] = []
    for turn in range(9):
        page = answer.json()
        assert set(page) == {"next", "nextCursor", "limit", "values"}
        seen += [run["key"] for run in page["values"]]
        if page["nextCursor"] is None:
            break
        if turn == 0:
            await uploaded(linked.http, junit(2))
        parts = httpx.URL(page["next"])
        assert parts.path == "/ostro/v1/executions/search"
        answer = await linked.http.get(PATH, params=parts.params)
    assert len(seen) == len(set(seen))
    assert {f"DEMO-E{n}" for n in range(1, 8)} <= set(seen)


async def test_what_may_not_be_seen_is_not_found(runs: Linked, house: House) -> None:
    await runs.by_hand(rows=2)
    row = await house.database["uploads"].find_one({"tenant": runs.tenant})
    assert row is not None
    assert await house.database[COLLECTION].find_one({"cycle": row["cycle"]}) is not None
    assert await found(runs.http) == [1, 2, 3, 4]
    assert await found(runs.http, testCycle=row["cycle"], **SINCE) == []
    twin = await house.linked(project=runs.project.id)
    assert await found(twin.http, **SINCE) == []
    assert await found(twin.http, testCase=public_id(runs.project.id, 1)) == []
    limited = await house.client(runs.tenant, projects=[runs.project.id % 1000 + 1])
    assert await found(limited, testCase="DEMO-T1") == []
    assert (await refused(limited, projectKey="DEMO"))[0] == 404
    assert (await asked(await house.client(runs.tenant, scopes=["results"]))).status_code == 403
    edit = Grant(entity=Entity.TEST_EXECUTION, rights=(Right.EDIT,), holder=Holder.USER, id="x")
    await house.world.membership(runs.tenant)
    await house.world.permissions(runs.tenant, runs.project, edit)
    # while the scheme is on its way it is 503
    await eventually(
        lambda: asked(runs.http), lambda a: a.status_code == 200 and a.json()["values"] == []
    )
    for params in ({"projectKey": "DEMO"}, {"testCase": "DEMO-T1"}, {"testCycle": "DEMO-R9"}):
        assert (await refused(runs.http, **params))[0] == 403, params


BAD: list[tuple[dict[str, Any], str]] = [
    ({"surplus": "x"}, "surplus is no parameter here"),
    ({"comment": "x"}, "needs one of"),
    ({"comment": " ", **SINCE}, "1 to 10 words"),
    ({"comment": "x " * 11, **SINCE}, "1 to 10 words"),
    ({"comment": "x" * 501, **SINCE}, "longer"),
    ({"sort": "actualEndDate"}, "needs one of"),
    ({"sort": "-updatedOn", "actualEndDateBefore": "2026-01-01T00:00:00Z"}, "needs one of"),
    ({"sort": "status"}, "sort must be one of"),
    ({"fields": "key,steps"}, "fields must be some of"),
    ({"limit": 0}, "limit"),
    ({"limit": 1001}, "limit"),
    ({"cursor": "x"}, "cursor"),
    ({"cursor": "WyJrZXkiLG51bGwsMV0", "sort": "-key"}, "another order"),
    ({"status": "no such"}, "No status"),
    ({"environment": "no such"}, "No environment"),
    ({"customField": "no such=1"}, "name=value"),
    ({"without": "status"}, "without"),
    ({"automated": "maybe"}, "automated"),
    ({"jiraProjectVersionId": "x"}, "jiraProjectVersionId"),
    ({"actualEndDateAfter": "yesterday"}, "actualEndDateAfter"),
    ({"projectKey": "demo"}, "projectKey"),
    ({"status[$ne]": "x"}, "not known"),
]


async def test_bad_values_are_400(linked: Linked) -> None:
    for params, text in BAD:
        status, message = await refused(linked.http, **params)
        assert (status, text in message) == (400, True), (params, message)


async def test_what_looks_like_an_operator_is_text(runs: Linked) -> None:
    for params in (
        {"executedById": '{"$ne": null}'},
        {"assignedToId": "$executed_by"},
        {"comment": ".*", **SINCE},
        {"comment": "pla|xyz", **SINCE},
        {"comment": '{"$gt":', **SINCE},
        {"customField": 'Build={"$ne": 1}'},
    ):
        assert await found(runs.http, **params) == [], params


async def test_a_search_that_takes_too_long_is_ended(linked: Linked, house: House) -> None:
    project, rows = linked.project.id, house.database[COLLECTION]
    row = {"tenant": linked.tenant, "project": project, "cycle": None, "executed_by": None}
    await rows.insert_many(
        [
            row | {"_id": f"{linked.tenant}/slow/{n}", "id": public_id(project, n + 1)}
            for n in range(20_000)
        ]
    )
    wanted, page = RunSearch([project], executed_by=["x"]), SearchPage(Order("key"), None, 5, ())
    with pytest.raises(Unprocessable, match="narrow"):
        await ExecutionSearch(house.database, 0.001).search(linked.tenant, wanted, (), page)
    await rows.delete_many({"tenant": linked.tenant})
