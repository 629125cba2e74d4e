"""Links of test cycles and executions: made, shown, refused, removed."""

import asyncio
from typing import Any

import pytest

from contracts.ids import LinkId, public_id
from kit.clock import vendor_time
from services.executions.main import INDEXES
from tests.integration.executions.linking import (
    BODIES,
    PAGE,
    ROUTES,
    House,
    Linked,
    fault,
)


def issue_shown(linked: Linked, link: int, issue: int, base: str) -> dict[str, Any]:
    """A link to an issue as it is shown."""
    return {
        "issueId": issue,
        "id": link,
        "self": f"{base}/links/{link}",
        "target": f"https://{linked.tenant}.atlassian.net/rest/api/2/issue/{issue}",
        "type": "COVERAGE",
    }


async def test_links_of_a_cycle_show_everywhere_at_once(linked: Linked) -> None:
    key, _ = await linked.upload()
    empty = await linked.of_cycle(key)
    base = empty["self"].partition("/testcycles/")[0]
    cycle = (await linked.http.get(f"/testcycles/{key}")).json()
    assert empty == {
        "self": f"{base}/testcycles/{cycle['id']}/links",
        "issues": [],
        "webLinks": [],
        "testPlans": [],
    }
    first, page = await linked.cycle_issue(key), await linked.cycle_page(key, PAGE, description="Ä")
    second = await linked.cycle_issue(cycle["id"], 10002)
    # no rule against another like it
    again, bare = await linked.cycle_page(key, PAGE, description="Ä"), await linked.cycle_page(key)
    wanted = empty | {
        "issues": [
            issue_shown(linked, link, issue, base)
            for link, issue in ((first, 10001), (second, 10002))
        ],
        "webLinks": [
            {"url": url, "id": link, "self": f"{base}/links/{link}", "type": "COVERAGE"} | more
            for link, url, more in (
                (page, PAGE, {"description": "Ä"}),
                (again, PAGE, {"description": "Ä"}),
                (bare, "https://a.example/", {}),
            )
        ],
    }
    assert await linked.of_cycle(key) == await linked.of_cycle(cycle["id"]) == wanted
    assert (await linked.http.get(f"/testcycles/{key}")).json()["links"] == wanted
    for path in ("/testcycles", "/testcycles/nextgen"):
        page_of = (await linked.http.get(path)).json()
        assert [c["links"] for c in page_of["values"]] == [wanted]


async def test_links_of_an_execution_show_everywhere_at_once(linked: Linked) -> None:
    _, (run, other) = await linked.upload()
    empty = await linked.of_execution(run)
    base = empty["self"].partition("/testexecutions/")[0]
    assert empty == {"self": f"{base}/testexecutions/{run}/links", "issues": []}
    key = (await linked.http.get(f"/testexecutions/{run}")).json()["key"]
    # the same issue once more is no fault here
    made = [await linked.execution_issue(run), await linked.execution_issue(key)]
    made.append(await linked.execution_issue(run, 10002))
    wanted = empty | {
        "issues": [
            issue_shown(linked, link, issue, base)
            for link, issue in zip(made, (10001, 10001, 10002), strict=True)
        ]
    }
    assert await linked.of_execution(run) == await linked.of_execution(key) == wanted
    assert (await linked.http.get(f"/testexecutions/{run}")).json()["links"] == wanted
    for path in ("/testexecutions", "/testexecutions/nextgen"):
        values = (await linked.http.get(path)).json()["values"]
        assert {v["id"]: v["links"]["issues"] for v in values} == {
            run: wanted["issues"],
            other: [],
        }


async def test_ids_are_even_and_say_what_they_are_links_of(linked: Linked) -> None:
    key, (run, _) = await linked.upload()
    made = [
        await linked.cycle_page(key),
        await linked.execution_issue(run),
        await linked.cycle_issue(key),
    ]
    assert made == [public_id(linked.project.id, n) for n in (8, 18, 24)]
    assert [LinkId(link, "executions") for link in made] == made


async def test_a_link_is_a_change_of_what_has_it(linked: Linked) -> None:
    key, (run, other) = await linked.upload()
    cycle = (await linked.http.get(f"/testcycles/{key}")).json()["id"]
    things = (
        ("test_cycles", cycle, linked.cycle_issue),
        ("test_executions", run, linked.execution_issue),
    )
    for collection, ident, link in things:
        before = await linked.document(collection, ident)
        assert "links" not in before
        made = await link(ident)
        after = await linked.document(collection, ident)
        assert after["updated_on"] > before["updated_on"]
        assert (await linked.remove(made)).status_code == 200
        gone = await linked.document(collection, ident)
        assert (gone["updated_on"] > after["updated_on"], gone["links"]) == (True, [])
        assert gone.get("rev", 0) == before.get("rev", -2) + 2
        since = vendor_time(before["updated_on"])
        path = "/testcycles" if collection == "test_cycles" else "/testexecutions"
        walked = await linked.http.get(f"{path}/nextgen", params={"updatedAfter": since})
        assert ident in [v["id"] for v in walked.json()["values"]]
    # what has none is stored as it was
    assert "links" not in await linked.document("test_executions", other)


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        *[
            (path, body, named)
            for path in (ROUTES[0][0], ROUTES[2][0])
            for body, named in (
                ({}, "issueId must not be null"),
                ({"issueId": None}, "issueId must not be null"),
                ({"issueId": 0}, "issueId must be greater"),
                ({"issueId": 2**63}, "issueId"),
                ({"issueId": "10001x"}, "issueId must be an integer"),
                ({"issueId": True}, "issueId must be an integer"),
                ({"issueId": 1.5}, "issueId must be an integer"),
                ([10001], "body"),
            )
        ],
        *[
            (ROUTES[1][0], body, named)
            for body, named in (
                ({}, "url must not be null"),
                ({"url": ""}, "url must not be shorter"),
                ({"url": " \t"}, "url must not be blank"),
                ({"url": "javascript:alert(1)"}, "url must not have the scheme javascript"),
                ({"url": "\x01 d\nAta:text/html,x"}, "url must not have the scheme data"),
                ({"url": 5}, "url"),
                ({"url": "https://" + "x" * 2041}, "url must not be longer"),
                ({"url": PAGE, "description": "x" * 1001}, "description must not be longer"),
                ({"url": PAGE, "description": 5}, "description"),
            )
        ],
        *[
            (f"{kind}/{name}/links/{what}", BODIES[what], f"{parameter} must match")
            for kind, name, what, parameter in (
                ("testcycles", "DEMO", "issues", "testCycleIdOrKey"),
                ("testcycles", "x", "weblinks", "testCycleIdOrKey"),
                ("testexecutions", "DEMO-R", "issues", "testExecutionIdOrKey"),
            )
        ],
    ],
)
async def test_what_breaks_the_schema(untouched: Linked, path: str, body: Any, named: str) -> None:
    where = path.format(cycle="DEMO-R1", run="DEMO-E1")
    status, message = fault(await untouched.http.post(f"/{where}", json=body))
    assert (status, message.startswith(named)) == (400, True), message


@pytest.fixture(scope="module")
async def untouched(house: House) -> Linked:
    """A tenant in which nothing is linked."""
    found = await house.linked()
    await found.upload()
    return found


@pytest.mark.parametrize("path", [path for path, _ in ROUTES])
async def test_a_body_that_is_no_json(untouched: Linked, path: str) -> None:
    where = path.format(cycle="DEMO-R1", run="DEMO-E1")
    status, message = fault(await untouched.http.post(f"/{where}", content=b"{"))
    assert (status, "not valid JSON" in message) == (400, True)
    assert (await untouched.of_cycle("DEMO-R1"))["issues"] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("testcycles/x/links", 400),
        ("testexecutions/DEMO-7/links", 400),
        ("testcycles/DEMO-R9/links", 404),
        ("testcycles/17/links", 404),
        ("testcycles/OTHER-R1/links", 404),
        # the one read whose unknown thing is a bad request
        ("testexecutions/DEMO-E9/links", 400),
        ("testexecutions/17/links", 400),
        ("testexecutions/OTHER-E1/links", 400),
    ],
)
async def test_reading_the_links_of_what_is_not_there(
    untouched: Linked, path: str, status: int
) -> None:
    assert fault(await untouched.http.get(f"/{path}"))[0] == status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("testcycles/DEMO-R9/links/issues", 404),
        ("testcycles/17/links/issues", 404),
        ("testcycles/OTHER-R1/links/issues", 404),
        # its project shows, and the vendor lists it among the bad requests
        ("testcycles/DEMO-R9/links/weblinks", 400),
        ("testcycles/OTHER-R1/links/weblinks", 404),
        ("testcycles/17/links/weblinks", 404),
        ("testexecutions/DEMO-E9/links/issues", 404),
        ("testexecutions/17/links/issues", 404),
        ("testexecutions/OTHER-E1/links/issues", 404),
    ],
)
async def test_linking_what_is_not_there(untouched: Linked, path: str, status: int) -> None:
    asked = len(untouched.house.jira.asked)
    body = BODIES[path.rpartition("/")[2]]
    assert fault(await untouched.http.post(f"/{path}", json=body))[0] == status
    # nothing is asked of Jira for it
    assert len(untouched.house.jira.asked) == asked


async def test_issues_that_are_not_there(linked: Linked) -> None:
    key, (run, _) = await linked.upload()
    for path in (f"/testcycles/{key}/links/issues", f"/testexecutions/{run}/links/issues"):
        status, message = fault(await linked.http.post(path, json={"issueId": 10003}))
        assert (status, "10003" in message) == (404, True)
    assert (await linked.of_cycle(key))["issues"] == []
    assert (await linked.of_execution(run))["issues"] == []


async def test_without_jira_there_are_no_issues(house: House) -> None:
    linked = await house.linked(jira=False)
    key, (run, _) = await linked.upload()
    for path in (f"/testcycles/{key}/links/issues", f"/testexecutions/{run}/links/issues"):
        assert fault(await linked.http.post(path, json={"issueId": 10001}))[0] == 404
    for kind in ("testcycles", "executions"):
        assert fault(await linked.http.get(f"/issuelinks/DEMO-1/{kind}"))[0] == 404
    await linked.cycle_page(key)
    # a tenant that has lost its Jira has nothing to point at
    link = {"id": public_id(linked.project.id, 82), "kind": "issue", "type": "BLOCKS", "issue": 5}
    query = {"tenant": linked.tenant, "id": run}
    await house.database["test_executions"].update_one(query, {"$push": {"links": link}})
    (shown,) = (await linked.of_execution(run))["issues"]
    assert (shown["issueId"], shown["type"], "target" in shown) == (5, "BLOCKS", False)


async def test_while_jira_cannot_be_asked(linked: Linked) -> None:
    key, (run, _) = await linked.upload()
    made = await linked.execution_issue(run)
    linked.house.jira.down = True
    try:
        for answer in (
            await linked.http.post(f"/testcycles/{key}/links/issues", json={"issueId": 10001}),
            await linked.http.post(f"/testexecutions/{run}/links/issues", json={"issueId": 10001}),
            await linked.http.get("/issuelinks/DEMO-10001/testcycles"),
            await linked.http.get("/issuelinks/DEMO-10001/executions"),
        ):
            assert fault(answer)[0] == 503
            assert int(answer.headers["retry-after"]) > 0
        # the rest needs no Jira
        await linked.cycle_page(key)
        assert [i["id"] for i in (await linked.of_execution(run))["issues"]] == [made]
        assert (await linked.remove(made)).status_code == 200
    finally:
        linked.house.jira.down = False
    assert (await linked.of_cycle(key))["issues"] == []


async def test_a_cycle_is_linked_to_an_issue_once(linked: Linked) -> None:
    key, _ = await linked.upload()
    second, _ = await linked.upload()
    path = f"/testcycles/{key}/links/issues"
    answers = await asyncio.gather(
        *(linked.http.post(path, json={"issueId": 10001}) for _ in range(6))
    )
    assert sorted(a.status_code for a in answers) == [201] + [400] * 5
    status, message = fault(await linked.http.post(path, json={"issueId": 10001}))
    assert (status, "already" in message) == (400, True)
    assert len((await linked.of_cycle(key))["issues"]) == 1
    await linked.cycle_issue(second)
    (made,) = (await linked.of_cycle(key))["issues"]
    assert (await linked.remove(made["id"])).status_code == 200
    await linked.cycle_issue(key)


async def test_many_at_once_are_all_there(linked: Linked) -> None:
    key, (run, _) = await linked.upload()
    made = await asyncio.gather(
        *(linked.cycle_page(key, f"{PAGE}{n}") for n in range(15)),
        *(linked.execution_issue(run) for _ in range(15)),
    )
    assert len(set(made)) == 30
    found = {link["id"] for link in (await linked.of_cycle(key))["webLinks"]}
    found |= {link["id"] for link in (await linked.of_execution(run))["issues"]}
    assert found == set(made)
    answers = await asyncio.gather(*(linked.remove(link) for link in made for _ in range(2)))
    assert sorted(a.status_code for a in answers) == [200] * 30 + [404] * 30
    assert (await linked.of_cycle(key))["webLinks"] == []


async def test_a_thousand_links_and_no_more(linked: Linked) -> None:
    key, (run, _) = await linked.upload()
    cycle = (await linked.http.get(f"/testcycles/{key}")).json()["id"]
    many = [
        {
            "id": public_id(linked.project.id, 80 * n),
            "kind": "issue",
            "type": "COVERAGE",
            "issue": n,
        }
        for n in range(1, 1000)
    ]
    for collection, ident in (("test_cycles", cycle), ("test_executions", run)):
        query = {"tenant": linked.tenant, "id": ident}
        await linked.house.database[collection].update_one(query, {"$set": {"links": many}})
    for paths in (
        [f"/testcycles/{key}/links/weblinks"] * 3 + [f"/testcycles/{key}/links/issues"],
        [f"/testexecutions/{run}/links/issues"] * 4,
    ):
        answers = await asyncio.gather(
            *(linked.http.post(p, json=BODIES[p.rpartition("/")[2]]) for p in paths)
        )
        assert sorted(a.status_code for a in answers) == [201, 400, 400, 400]
        refused = next(a for a in answers if a.status_code == 400)
        assert "more than 1000 links" in fault(refused)[1]


async def test_removal(linked: Linked) -> None:
    key, (run, _) = await linked.upload()
    links = [
        await linked.cycle_issue(key),
        await linked.cycle_page(key),
        await linked.execution_issue(run),
    ]
    kept = await linked.execution_issue(run, 10002)
    for link in links:
        answer = await linked.remove(link)
        assert (answer.status_code, answer.content) == (200, b"")
        status, message = fault(await linked.remove(link))
        assert (status, str(link) in message) == (404, True)
    cycle = await linked.of_cycle(key)
    assert (cycle["issues"], cycle["webLinks"]) == ([], [])
    assert [i["id"] for i in (await linked.of_execution(run))["issues"]] == [kept]


async def test_ids_of_links_that_are_not_there(untouched: Linked) -> None:
    unknown = [public_id(untouched.project.id, n) for n in (800, 802, 804, 806)]
    for link in (*unknown, 2, 8, 2**53, 2**63 - 2):
        assert fault(await untouched.remove(link))[0] == 404
    for link in (0, 2**64, 10**30):
        assert fault(await untouched.remove(link))[0] == 400


async def test_the_index_holds_links_alone_and_executions_have_six(linked: Linked) -> None:
    key, (run, _) = await linked.upload()
    link = await linked.execution_issue(run)
    await linked.cycle_page(key)
    rows = linked.house.database["test_executions"]
    assert len(await rows.index_information()) == 6 == len(INDEXES["test_executions"]) + 1
    exists = {"links.id": {"$exists": True}}
    for collection, condition, keys in (
        ("test_executions", {"links.id": link}, 2),
        ("test_executions", {"links.issue": 10001, **exists}, 1),
        ("test_executions", exists, 1),
        ("test_cycles", {"links.issue": 10001, **exists}, 0),
        ("test_cycles", exists, 1),
    ):
        find = {
            "find": collection,
            "filter": {"tenant": linked.tenant} | condition,
            "hint": "links",
        }
        plan = await linked.house.database.command("explain", find, verbosity="executionStats")
        assert plan["executionStats"]["totalKeysExamined"] <= keys, condition
    # without a hint, too: this is how a link is found
    find = {"find": "test_executions", "filter": {"tenant": linked.tenant, "links.id": link}}
    plan = await linked.house.database.command("explain", find)
    assert "'indexName': 'links'" in str(plan["queryPlanner"]["winningPlan"])
