"""Lists of cycles and executions: filters, pages, cursors, the newest run."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from kit.clock import vendor_time
from tests.integration.executions.conftest import Site
from tests.integration.executions.uploading import every, junit, uploaded


async def test_offset_pages_are_consistent(site: Site) -> None:
    cycle = await uploaded(site.http, junit(7))
    params = {"testCycle": cycle["key"], "maxResults": 3}
    pages = [
        (await site.http.get("/testexecutions", params={**params, "startAt": start})).json()
        for start in (0, 3, 6)
    ]
    assert [len(p["values"]) for p in pages] == [3, 3, 1]
    assert [p["isLast"] for p in pages] == [False, False, True]
    assert [p["total"] for p in pages] == [7, 7, 7]
    assert pages[2]["next"] is None
    following = httpx.URL(pages[0]["next"])
    assert dict(following.params) == {"testCycle": cycle["key"], "startAt": "3", "maxResults": "3"}
    assert len({e["id"] for p in pages for e in p["values"]}) == 7


async def test_cursor_pages_walk_by_id(site: Site) -> None:
    await uploaded(site.http, junit(5))
    await uploaded(site.http, junit(4))
    seen: list[int] = []
    params: dict[str, Any] = {"projectKey": "DEMO", "limit": 2}
    while True:
        page = (await site.http.get("/testexecutions/nextgen", params=params)).json()
        assert set(page) == {"next", "nextStartAtId", "limit", "values"}
        seen += [e["id"] for e in page["values"]]
        if page["nextStartAtId"] is None:
            assert page["next"] is None
            break
        params["startAtId"] = page["nextStartAtId"]
    assert len(seen) == 9
    assert seen == sorted(set(seen))


async def test_cycle_lists(site: Site) -> None:
    folder = await site.http.post(
        "/folders", json={"name": "f", "projectKey": "DEMO", "folderType": "TEST_CYCLE"}
    )
    inside = await uploaded(site.http, cycle={"name": "a", "folderId": folder.json()["id"]})
    versioned = await uploaded(site.http, cycle={"name": "b", "jiraProjectVersion": 77})
    everything = await every(site.http, "/testcycles", projectKey="DEMO")
    assert [c["id"] for c in everything] == [inside["id"], versioned["id"]]
    by_folder = await every(site.http, "/testcycles", folderId=folder.json()["id"])
    assert [c["id"] for c in by_folder] == [inside["id"]]
    by_version = await every(site.http, "/testcycles", jiraProjectVersionId=77)
    assert [c["id"] for c in by_version] == [versioned["id"]]
    walked = await site.http.get("/testcycles/nextgen", params={"limit": 1})
    assert walked.json()["nextStartAtId"] == versioned["id"]


async def test_only_the_newest_run_of_each_case_in_each_cycle(site: Site) -> None:
    made = await site.http.post("/testcases", json={"projectKey": "DEMO", "name": "twice"})
    key = made.json()["key"]
    file = (
        '{"version":1,"executions":['
        f'{{"result":"Failed","testCase":{{"key":"{key}"}}}},'
        f'{{"result":"Passed","testCase":{{"key":"{key}"}}}}]}}'
    )
    first = await uploaded(site.http, file, fmt="custom", name="r.json")
    second = await uploaded(site.http, file, fmt="custom", name="r.json")
    assert len(await every(site.http, "/testexecutions", testCase=key)) == 4
    newest = await every(site.http, "/testexecutions", testCase=key, onlyLastExecutions=True)
    both = [
        max(e["id"] for e in await every(site.http, "/testexecutions", testCycle=c["key"]))
        for c in (first, second)
    ]
    assert [e["id"] for e in newest] == both
    walked = await site.http.get(
        "/testexecutions/nextgen",
        params={"projectKey": "DEMO", "onlyLastExecutions": True, "limit": 1},
    )
    assert [e["id"] for e in walked.json()["values"]] == both[:1]
    assert walked.json()["nextStartAtId"] == both[1]


async def test_filters_by_case_and_time(site: Site) -> None:
    await uploaded(site.http, junit(3))
    case = (await every(site.http, "/testcases", projectKey="DEMO"))[0]
    for name in (case["key"], case["id"]):
        assert len(await every(site.http, "/testexecutions", testCase=name)) == 1
    now = datetime.now(UTC)
    before, after = vendor_time(now - timedelta(hours=1)), vendor_time(now + timedelta(hours=1))
    for params, count in (
        ({"actualEndDateAfter": before}, 3),
        ({"actualEndDateAfter": after}, 0),
        ({"actualEndDateBefore": after}, 3),
        ({"actualEndDateBefore": before}, 0),
        ({"actualEndDateAfter": before, "actualEndDateBefore": after}, 3),
        ({"actualEndDateAfter": before, "onlyLastExecutions": True}, 3),
        ({"actualEndDateAfter": after, "onlyLastExecutions": True}, 0),
        ({"includeStepLinks": True}, 3),
    ):
        assert len(await every(site.http, "/testexecutions", projectKey="DEMO", **params)) == count
    for moment, count in ((before, 3), (after, 0)):
        page = await site.http.get("/testexecutions/nextgen", params={"updatedAfter": moment})
        assert len(page.json()["values"]) == count


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/testexecutions", {"maxResults": -1}),
        ("/testexecutions", {"startAt": 1_000_001}),
        ("/testexecutions", {"startAt": "x"}),
        ("/testexecutions", {"projectKey": "demo"}),
        ("/testexecutions", {"testCycle": "DEMO-T1"}),
        ("/testexecutions", {"testCase": "DEMO"}),
        ("/testexecutions", {"actualEndDateAfter": "yesterday"}),
        ("/testexecutions", {"onlyLastExecutions": "maybe"}),
        ("/testexecutions/nextgen", {"limit": 0}),
        ("/testexecutions/nextgen", {"limit": 1001}),
        ("/testexecutions/nextgen", {"updatedAfter": "2026"}),
        ("/testcycles", {"folderId": 0}),
        ("/testcycles", {"folderId": 2**63}),
        ("/testcycles", {"jiraProjectVersionId": 2**63}),
        ("/testexecutions", {"jiraProjectVersionId": 2**63}),
        ("/testexecutions", {"actualEndDateAfter": "9999-12-31T23:59:59-05:00"}),
        ("/testexecutions", {"actualEndDateBefore": "0001-01-01T00:00:00+05:00"}),
        ("/testcycles/nextgen", {"updatedAfter": "0001-01-01T00:00:00+05:00"}),
    ],
)
async def test_bad_parameters_are_400_in_the_vendors_shape(
    site: Site, path: str, params: dict[str, Any]
) -> None:
    answer = await site.http.get(path, params=params)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errorCode"] == 400
    assert answer.json()["message"]


async def test_clients_liberties_are_taken(site: Site) -> None:
    await uploaded(site.http, junit(2))
    for params in ({"maxResults": 0}, {"maxResults": 5000}, {"unknown": "x"}):
        answer = await site.http.get("/testexecutions", params=params)
        assert answer.status_code == 200
    assert (await site.http.get("/testexecutions/")).status_code == 200


async def test_filters_that_name_something_unknown(site: Site) -> None:
    await uploaded(site.http, junit(2))
    for params in (
        {"testCycle": "DEMO-R99"},
        {"testCase": "DEMO-T99"},
        {"testCase": 5},
        {"testCase": "1" * 5_000},
    ):
        assert await every(site.http, "/testexecutions", **params) == []
    answer = await site.http.get("/testexecutions", params={"projectKey": "NOPE"})
    assert answer.status_code == 404
    for path in ("/testcycles", "/testcycles/nextgen"):
        answer = await site.http.get(path, params={"folderId": 5})
        assert answer.status_code == 404, answer.text


async def test_single_reads(site: Site) -> None:
    cycle = await uploaded(site.http, junit(1))
    (execution,) = await every(site.http, "/testexecutions")
    for name in (execution["id"], execution["key"]):
        assert (await site.http.get(f"/testexecutions/{name}")).json() == execution
    for path in (
        "/testexecutions/DEMO-E9",
        "/testexecutions/17",
        "/testcycles/DEMO-R9",
        "/testcycles/17",
        "/testcycles/" + "1" * 5_000,
    ):
        answer = await site.http.get(path)
        assert answer.status_code == 404
        assert answer.json()["errorCode"] == 404
    for path in ("/testexecutions/x", "/testcycles/x"):
        assert (await site.http.get(path)).status_code == 400
    assert (await site.http.get(f"/testcycles/{cycle['id']}")).json()["key"] == cycle["key"]
