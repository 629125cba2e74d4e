"""Links of test plans: to issues, pages and cycles, seen from both ends."""

import asyncio
from typing import Any

import pytest

from contracts.ids import number_of
from contracts.permissions import Entity, Right
from kit.clock import SystemClock
from services.executions.adapters.mongo import deletedissues, testplans
from services.executions.adapters.mongo import links as link_rows
from services.executions.domain.links import MAX_LINKS, Holder
from services.executions.usecases.deletedissues import DeletedIssues
from tests.harness.grants import to_user
from tests.harness.polling import eventually
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.executions.linking import House, Linked, fault
from tests.integration.executions.shapes import CYCLE, CYCLE_LINKS, PLAN

PAGE = {"url": "https://example.org/$a\x00?b=c#d", "description": "Ä"}
NO_IDS: list[Any] = [0, -1, 2**63, 1.5, "x", True, []]
BODIES: dict[str, dict[str, Any]] = {
    "issues": {"issueId": 10001},
    "weblinks": PAGE,
    "testcycles": {"testCycleIdOrKey": "DEMO-R1"},
}


@pytest.fixture
async def linked(house: House) -> Linked:
    return await planned(house)


@pytest.fixture(scope="module")
async def untouched(house: House) -> Linked:
    """A tenant with a plan and a cycle, in which nothing is linked."""
    return await planned(house)


async def planned(house: House, **more: Any) -> Linked:
    linked = await house.linked(**more)
    await linked.make("testplans")
    await linked.make("testcycles")
    return linked


async def links_of(linked: Linked, plan: str = "DEMO-P1") -> Any:
    return (await linked.read(f"/testplans/{plan}", PLAN))["links"]


async def test_every_kind_shows_at_once_from_both_ends(linked: Linked) -> None:
    plan = await linked.read("/testplans/DEMO-P1", PLAN)
    cycle = await linked.read("/testcycles/DEMO-R1", CYCLE)
    base = cycle["links"]["self"].partition("/testcycles/")[0]
    site = f"https://{linked.tenant}.atlassian.net"
    issue = await linked.plan_link("DEMO-P1", "issues", issueId="10001")
    page = await linked.plan_link(plan["id"], "weblinks", **PAGE)
    to_cycle = await linked.plan_link("DEMO-P1", "testcycles", testCycleIdOrKey=str(cycle["id"]))
    assert [number_of(link) % 8 for link in (issue, page, to_cycle)] == [4, 4, 4]
    assert await links_of(linked) == {
        "issues": [
            {
                "issueId": 10001,
                "id": issue,
                "self": f"{base}/links/{issue}",
                "target": f"{site}/rest/api/2/issue/10001",
                "type": "COVERAGE",
            }
        ],
        "webLinks": [PAGE | {"id": page, "self": f"{base}/links/{page}", "type": "COVERAGE"}],
        "testCycles": [
            {
                "testCycleId": cycle["id"],
                "id": to_cycle,
                "self": f"{base}/links/{to_cycle}",
                "target": f"{base}/testcycles/{cycle['id']}",
                "type": "COVERAGE",
            }
        ],
    }
    back = {
        "testPlanId": plan["id"],
        "id": to_cycle,
        "self": f"{base}/links/{to_cycle}",
        "target": f"{base}/testplans/{plan['id']}",
        "type": "COVERAGE",
    }
    found = await linked.read("/testcycles/DEMO-R1", CYCLE)
    assert found == cycle | {"links": cycle["links"] | {"testPlans": [back]}}
    assert await linked.read("/testcycles/DEMO-R1/links", CYCLE_LINKS) == found["links"]
    for path in ("/testcycles", "/testcycles/nextgen"):
        assert (await linked.http.get(path)).json()["values"] == [found]
    for path in ("/testplans", "/testplans/nextgen"):
        (shown,) = (await linked.http.get(path)).json()["values"]
        assert shown["links"] == await links_of(linked)
    assert await linked.to_issue("testplans") == [plan["id"]]
    # a cycle that is put back keeps what plans say of it
    assert (await linked.http.put("/testcycles/DEMO-R1", json=found)).status_code == 200
    assert await linked.read("/testcycles/DEMO-R1", CYCLE) == found
    for link in (issue, page, to_cycle):
        answer = await linked.remove(link)
        assert (answer.status_code, answer.content) == (200, b"")
        assert fault(await linked.remove(link))[0] == 404
    assert await links_of(linked) == {"issues": [], "webLinks": [], "testCycles": []}
    assert await linked.read("/testcycles/DEMO-R1", CYCLE) == cycle
    assert await linked.to_issue("testplans") == []


@pytest.mark.parametrize("kind", BODIES)
async def test_alike_is_refused_also_at_once_until_it_is_removed(linked: Linked, kind: str) -> None:
    path = f"/testplans/DEMO-P1/links/{kind}"
    answers = await asyncio.gather(*(linked.http.post(path, json=BODIES[kind]) for _ in range(5)))
    assert sorted(a.status_code for a in answers) == [201, 422, 422, 422, 422]
    status, message = fault(await linked.http.post(path, json=BODIES[kind]))
    assert (status, message.startswith("The test plan is linked to ")) == (422, True)
    (made,) = [a.json()["id"] for a in answers if a.status_code == 201]
    assert (await linked.remove(made)).status_code == 200
    assert (await linked.http.post(path, json=BODIES[kind])).status_code == 201


async def test_links_of_every_kind_made_at_once_are_all_there(linked: Linked) -> None:
    pages = [("weblinks", {"url": f"https://a.test/{n}", "description": ""}) for n in range(4)]
    answers = await asyncio.gather(
        *(
            linked.http.post(f"/testplans/DEMO-P1/links/{kind}", json=body)
            for kind, body in [*BODIES.items(), *pages]
        )
    )
    assert {a.status_code for a in answers} == {201}
    found = await links_of(linked)
    assert {kind: len(links) for kind, links in found.items()} == {
        "issues": 1,
        "webLinks": 5,
        "testCycles": 1,
    }


async def test_a_url_alone_makes_pages_alike(linked: Linked) -> None:
    await linked.plan_link("DEMO-P1", "weblinks", **PAGE)
    path, other = "/testplans/DEMO-P1/links/weblinks", PAGE | {"description": "other"}
    assert fault(await linked.http.post(path, json=other))[0] == 422
    await linked.plan_link("DEMO-P1", "weblinks", url="https://example.org/", description="")
    await linked.make("testplans")
    await linked.plan_link("DEMO-P2", "weblinks", **PAGE)


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("issues", {}, "issueId must not be null"),
        ("issues", {"issueId": None}, "issueId must not be null"),
        *[("issues", {"issueId": v}, "issueId") for v in NO_IDS],
        ("weblinks", {"url": PAGE["url"]}, "description must not be null"),
        ("weblinks", PAGE | {"description": None}, "description must not be null"),
        ("weblinks", PAGE | {"description": "x" * 1001}, "description must not be longer"),
        ("weblinks", {"description": "d"}, "url must not be null"),
        ("weblinks", PAGE | {"url": ""}, "url must not be shorter"),
        ("weblinks", PAGE | {"url": " "}, "url must not be blank"),
        ("weblinks", PAGE | {"url": "\tjavascript:x"}, "url must not have the scheme javascript"),
        ("weblinks", PAGE | {"url": 5}, "url"),
        ("weblinks", PAGE | {"url": "x" * 1_000_000}, "url must not be longer"),
        ("testcycles", {}, "testCycleIdOrKey must not be null"),
        ("testcycles", {"testCycleIdOrKey": "demo"}, "testCycleIdOrKey must match"),
        ("testcycles", {"testCycleIdOrKey": ""}, "testCycleIdOrKey must match"),
        ("testcycles", {"testCycleIdOrKey": {"$gt": 0}}, "testCycleIdOrKey"),
    ],
)
async def test_what_breaks_the_schema(untouched: Linked, kind: str, body: Any, said: str) -> None:
    answer = await untouched.http.post(f"/testplans/DEMO-P1/links/{kind}", json=body)
    status, message = fault(answer)
    assert (status, message.startswith(said)) == (400, True), message
    for name in ("DEMO", "x", "DEMO-P"):
        answer = await untouched.http.post(f"/testplans/{name}/links/{kind}", json=BODIES[kind])
        assert fault(answer)[0] == 400
    assert await links_of(untouched) == {"issues": [], "webLinks": [], "testCycles": []}


async def test_what_is_not_there(untouched: Linked) -> None:
    for name in ("DEMO-P99", "NOPE-P1", "77", str(2**63)):
        for kind, body in BODIES.items():
            answer = await untouched.http.post(f"/testplans/{name}/links/{kind}", json=body)
            assert fault(answer)[0] == 404
    missing: list[tuple[str, dict[str, Any]]] = [
        ("issues", {"issueId": 99999}),
        ("issues", {"issueId": 2**63 - 1}),
        *[
            ("testcycles", {"testCycleIdOrKey": v})
            for v in ("DEMO-R99", "NOPE-R1", "77", "9" * 400, "DEMO-R1\x00")
        ],
    ]
    for kind, body in missing:
        answer = await untouched.http.post(f"/testplans/DEMO-P1/links/{kind}", json=body)
        assert fault(answer)[0] == 404, body
    assert fault(await untouched.http.get("/issuelinks/DEMO-99999/testplans"))[0] == 404
    assert fault(await untouched.http.get("/issuelinks/DEMO/testplans"))[0] == 400
    assert await links_of(untouched) == {"issues": [], "webLinks": [], "testCycles": []}


async def test_jira_that_cannot_be_asked(house: House, linked: Linked) -> None:
    house.jira.down = True
    try:
        answers = [
            await linked.http.post("/testplans/DEMO-P1/links/issues", json=BODIES["issues"]),
            await linked.http.get("/issuelinks/DEMO-10001/testplans"),
        ]
    finally:
        house.jira.down = False
    assert [fault(a)[0] for a in answers] == [503, 503]
    assert (await links_of(linked))["issues"] == []


async def test_a_thousand_links_fit(linked: Linked) -> None:
    plan = (await linked.read("/testplans/DEMO-P1", PLAN))["id"]
    rows = [
        {"id": n, "kind": "web", "type": "COVERAGE", "url": f"u{n}", "description": ""}
        for n in range(1, MAX_LINKS)
    ]
    query = {"tenant": linked.tenant, "id": plan}
    await linked.house.database["test_plans"].update_one(query, {"$set": {"links": rows}})
    await linked.plan_link(plan, "weblinks", **PAGE)
    for kind, body in BODIES.items():
        answer = await linked.http.post(f"/testplans/{plan}/links/{kind}", json=body)
        assert fault(answer)[0] == (422 if kind == "weblinks" else 400)


async def test_the_cycle_of_an_undecided_upload_cannot_be_linked(linked: Linked) -> None:
    upload = await linked.by_hand()
    path = "/testplans/DEMO-P1/links/testcycles"
    for cycle in (upload.context.cycle, upload.context.cycle + 100):
        answer = await linked.http.post(path, json={"testCycleIdOrKey": str(cycle)})
        assert fault(answer)[0] == 404
    await upload.seal(chunks=1)
    await upload.accept()
    await linked.plan_link("DEMO-P1", "testcycles", testCycleIdOrKey=str(upload.context.cycle))


async def test_a_deleted_issue_takes_its_links_along(linked: Linked) -> None:
    page = await linked.plan_link("DEMO-P1", "weblinks", **PAGE)
    for issue in (10001, 10002):
        await linked.plan_link("DEMO-P1", "issues", issueId=issue)
    rows = link_rows.LinkRepository(linked.house.database[testplans.COLLECTION], Holder.TEST_PLAN)
    notes = deletedissues.DeletedIssueNotes(linked.house.database)
    issues = DeletedIssues(notes, [rows], SystemClock())
    for _ in range(2):
        await issues.deleted(linked.tenant, [10001])
        found = await links_of(linked)
        assert [link["issueId"] for link in found["issues"]] == [10002]
        assert [link["id"] for link in found["webLinks"]] == [page]
    answer = await linked.http.post("/testplans/DEMO-P1/links/issues", json=BODIES["issues"])
    assert fault(answer)[0] == 404


async def test_rights(linked: Linked) -> None:
    link = await linked.plan_link("DEMO-P1", "testcycles", testCycleIdOrKey="DEMO-R1")
    await linked.plan_link("DEMO-P1", "issues", issueId=10001)
    plan = (await linked.read("/testplans/DEMO-P1", PLAN))["id"]
    await linked.make("testcycles")
    view_cycles = to_user(ACCOUNT, Entity.TEST_CYCLE, Right.VIEW)
    view_plans = to_user(ACCOUNT, Entity.TEST_PLAN, Right.VIEW)
    edit_plans = to_user(ACCOUNT, Entity.TEST_PLAN, Right.EDIT)

    async def statuses() -> list[int]:
        bodies = BODIES | {"testcycles": {"testCycleIdOrKey": "DEMO-R2"}}
        bodies["issues"] = {"issueId": 10002}
        answers = [
            await linked.http.post(f"/testplans/DEMO-P1/links/{kind}", json=body)
            for kind, body in bodies.items()
        ]
        return [a.status_code for a in answers]

    # what the other end is remains unknown to who may not view it
    await linked.permit(view_cycles, to_user(ACCOUNT, Entity.TEST_CYCLE, Right.EDIT))
    assert (await linked.of_cycle("DEMO-R1"))["testPlans"] == []
    assert fault(await linked.remove(link))[0] == 403
    assert await statuses() == [403, 403, 403]
    await linked.permit(view_plans)
    await linked.until("/testplans/DEMO-P1", 200)
    assert (await links_of(linked))["testCycles"] == []
    assert await linked.to_issue("testplans") == [plan]
    assert await statuses() == [403, 403, 403]
    await linked.permit(view_plans, edit_plans)
    await linked.until("/testcycles/DEMO-R1", 403)

    async def may_edit() -> bool:
        body = {"url": "https://b.example/", "description": ""}
        answer = await linked.http.post("/testplans/DEMO-P1/links/weblinks", json=body)
        return answer.status_code != 403

    await eventually(may_edit, bool)
    # a cycle that may not be viewed cannot be linked
    assert await statuses() == [201, 201, 403]
    await linked.permit(view_plans, edit_plans, view_cycles)
    await linked.until("/testcycles/DEMO-R1", 200)
    assert await statuses() == [422, 422, 201]
    assert [p["testPlanId"] for p in (await linked.of_cycle("DEMO-R1"))["testPlans"]] == [plan]
    assert (await linked.remove(link)).status_code == 200


async def test_what_is_another_tenants(house: House) -> None:
    mine = await planned(house)
    twin = await planned(house, project=mine.project.id)
    second = await mine.make("testcycles")
    link = await mine.plan_link("DEMO-P1", "testcycles", testCycleIdOrKey="DEMO-R1")
    plan = await mine.make("testplans")
    for kind, body in BODIES.items():
        answer = await twin.http.post(f"/testplans/{plan['id']}/links/{kind}", json=body)
        assert fault(answer)[0] == 404
    body = {"testCycleIdOrKey": str(second["id"])}
    answer = await twin.http.post("/testplans/DEMO-P1/links/testcycles", json=body)
    assert fault(answer)[0] == 404
    assert fault(await twin.remove(link))[0] == 404
    assert (await twin.of_cycle("DEMO-R1"))["testPlans"] == []
    assert await twin.to_issue("testplans") == []
    assert len((await mine.of_cycle("DEMO-R1"))["testPlans"]) == 1
