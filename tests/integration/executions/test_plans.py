"""Test plans: made, listed, read, refused."""

from typing import Any

import pytest

from contracts.permissions import Entity, Right
from contracts.testcases import DEFAULT_OPTIONS
from kit.clock import vendor_time
from tests.harness.grants import to_user
from tests.harness.polling import eventually
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.executions.linking import House, Linked, fault
from tests.integration.executions.shapes import PLAN, cursor_list, offset_list
from tests.integration.executions.uploading import every

NO_IDS: list[Any] = [0, -1, 2**63, 1.5, "x", [], True]


@pytest.fixture(scope="module")
async def untouched(house: House) -> Linked:
    """A tenant with one plan that stays as it is."""
    linked = await house.linked()
    await linked.make("testplans")
    return linked


async def shown(linked: Linked, plan: int | str) -> Any:
    return await linked.read(f"/testplans/{plan}", PLAN)


async def test_a_plan_with_everything_reads_back(linked: Linked) -> None:
    place = await linked.folder("TEST_PLAN")
    status = {"projectKey": "DEMO", "type": "TEST_PLAN", "name": "Ready"}
    ready = (await linked.http.post("/statuses", json=status)).json()["id"]
    await linked.define("test-plan", "SINGLE_LINE_TEXT", "Build")
    sent = {
        "name": "Release $where ä☃",
        "objective": "<b>o</b>",
        "statusName": "rEADY",
        "folderId": place,
        "ownerId": "557058:a-b",
        "labels": ["a", "b", "a"],
        "customFields": {"Build": "7"},
    }
    made = await linked.make("testplans", **sent, extra=1)
    url = made["self"].removesuffix(f"/testplans/{made['id']}")
    user = f"https://{linked.tenant}.atlassian.net/rest/api/2/user?accountId=557058%3Aa-b"
    plan = await shown(linked, made["key"])
    assert plan == {
        "id": made["id"],
        "key": "DEMO-P1",
        "name": sent["name"],
        "objective": "<b>o</b>",
        "project": {"id": linked.project.id, "self": f"{url}/projects/{linked.project.id}"},
        "status": {"id": ready, "self": f"{url}/statuses/{ready}"},
        "folder": {"id": place, "self": f"{url}/folders/{place}"},
        "owner": {"accountId": "557058:a-b", "self": user},
        "customFields": {"Build": "7"},
        "labels": ["a", "b", "a"],
        "links": {"webLinks": [], "issues": [], "testCycles": []},
    }
    assert await shown(linked, made["id"]) == plan
    for path, schema in (("", offset_list(PLAN)), ("/nextgen", cursor_list(PLAN))):
        page = await linked.read(f"/testplans{path}?projectKey=DEMO", schema)
        assert page["values"] == [plan]


async def test_a_bare_plan_takes_the_defaults(linked: Linked) -> None:
    absent = dict.fromkeys(
        ("objective", "statusName", "folderId", "ownerId", "labels", "customFields")
    )
    bare = await linked.make("testplans")
    nulls = await linked.make("testplans", **absent)
    first, second = [await shown(linked, made["id"]) for made in (bare, nulls)]
    draft = next(d for d in DEFAULT_OPTIONS if (d.name, d.type) == ("Draft", "TEST_PLAN"))
    assert first["status"]["id"] == draft.id(linked.project.id)
    assert [n for n, v in first.items() if v is None] == ["objective", "folder", "owner"]
    assert (first["labels"], first["customFields"]) == ([], {})
    for name in first.keys() - {"id", "key"}:
        assert first[name] == second[name]
    assert second["key"] == "DEMO-P2"


async def test_lists(linked: Linked) -> None:
    await linked.house.world.project(linked.tenant, "OTHER")
    await linked.until("/testplans", 200, projectKey="OTHER")
    made = [(await linked.make("testplans", name=f"n{i}"))["id"] for i in range(5)]
    # its options come from testcases, which hears of the project by itself
    body = {"projectKey": "OTHER", "name": "n"}
    other = await eventually(
        lambda: linked.http.post("/testplans", json=body), lambda a: a.status_code == 201
    )
    both = sorted([*made, other.json()["id"]])
    for size in (1, 2, 1000):
        params = {"projectKey": "DEMO", "maxResults": size}
        assert [p["id"] for p in await every(linked.http, "/testplans", **params)] == made
    page = await linked.read("/testplans?maxResults=2&startAt=2", offset_list(PLAN))
    assert (page["total"], page["isLast"], len(page["values"])) == (6, False, 2)
    walked, start = [], 0
    while True:
        path = f"/testplans/nextgen?limit=2&startAtId={start}"
        page = await linked.read(path, cursor_list(PLAN))
        walked += [p["id"] for p in page["values"]]
        if page["nextStartAtId"] is None:
            break
        start = page["nextStartAtId"]
    assert walked == both
    last = await linked.document("test_plans", made[2])
    await linked.plan_link(made[2], "weblinks", url="https://a.example/", description="d")
    # a link is a change
    since = vendor_time(last["updated_on"])
    page = await linked.read(f"/testplans/nextgen?updatedAfter={since}", cursor_list(PLAN))
    assert made[2] in [p["id"] for p in page["values"]]
    page = await linked.read("/testplans/nextgen?updatedAfter=2090-01-01T00:00:00Z", {})
    assert page["values"] == []


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        *[("", {"maxResults": v}, 400) for v in ("x", "-1")],
        *[("", {"startAt": v}, 400) for v in ("x", "-1", "1000001")],
        *[("/nextgen", {"limit": v}, 400) for v in ("x", "0", "1001")],
        *[("/nextgen", {"startAtId": v}, 400) for v in ("x", "-1", str(2**63))],
        *[("/nextgen", {"updatedAfter": v}, 400) for v in ("x", "2026-13-01T00:00:00Z")],
        *[(p, {"projectKey": "demo"}, 400) for p in ("", "/nextgen")],
        *[(p, {"projectKey": "NOPE"}, 404) for p in ("", "/nextgen")],
        *[(f"/{name}", {}, 400) for name in ("DEMO", "x", "DEMO-R")],
        *[(f"/{n}", {}, 404) for n in ("DEMO-P99", "NOPE-P1", "77", str(2**63), "9" * 400)],
    ],
)
async def test_bad_reads(untouched: Linked, path: str, params: Any, status: int) -> None:
    assert fault(await untouched.http.get(f"/testplans{path}", params=params))[0] == status


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"projectKey": None}, 400, "projectKey must not be null"),
        ({"projectKey": "demo"}, 400, "projectKey must match"),
        ({"projectKey": "NOPE"}, 404, "Project with key NOPE"),
        ({"name": None}, 400, "name must not be null"),
        ({"name": ""}, 400, "name must not be shorter"),
        ({"name": " \t"}, 400, "name must not be blank"),
        ({"name": "x" * 256}, 400, "name must not be longer"),
        ({"name": "x" * 1_000_000}, 400, "name must not be longer"),
        ({"objective": 5}, 400, "objective"),
        ({"statusName": ""}, 400, "statusName must not be shorter"),
        ({"statusName": "nope"}, 404, "No test plan status"),
        ({"statusName": "Done"}, 404, "No test plan status"),
        ({"ownerId": "a b"}, 400, "ownerId must match"),
        *[({"folderId": v}, 400, "folderId") for v in NO_IDS],
        ({"folderId": 77}, 400, "Folder 77"),
        ({"labels": ["x"] * 51}, 400, "labels must not hold more than 50"),
        ({"labels": [" "]}, 400, "labels must not hold a blank label"),
        ({"labels": [""]}, 400, "labels must not hold a blank label"),
        ({"labels": ["a b"]}, 400, "The label 'a b'"),
        ({"labels": "x"}, 400, "labels"),
        ({"labels": [5]}, 400, "labels.0"),
        ({"customFields": []}, 400, "customFields"),
        ({"customFields": {"$where": 1}}, 400, "No custom field"),
    ],
)
async def test_bad_creations(
    untouched: Linked, body: dict[str, Any], status: int, said: str
) -> None:
    sent = {"projectKey": "DEMO", "name": "n"} | body
    found = fault(await untouched.http.post("/testplans", json=sent))
    assert (found[0], found[1].startswith(said)) == (status, True), found
    assert (await untouched.http.get("/testplans")).json()["total"] == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"projectKey": "DEMO", "name": "\\udfff"}']
)
async def test_bodies_that_are_no_json(untouched: Linked, content: bytes) -> None:
    for path in ("", "/DEMO-P1/links/issues", "/DEMO-P1/links/weblinks", "/1/links/testcycles"):
        answer = await untouched.http.post(f"/testplans{path}", content=content)
        assert fault(answer)[0] == 400
    assert (await untouched.http.get("/testplans")).json()["total"] == 1


async def test_folders_of_another_kind_or_tenant(house: House, linked: Linked) -> None:
    twin = await house.linked(project=linked.project.id)
    for place in (await linked.folder("TEST_CYCLE"), await twin.folder("TEST_PLAN") + 5):
        sent = {"projectKey": "DEMO", "name": "n", "folderId": place}
        assert fault(await linked.http.post("/testplans", json=sent))[0] == 400


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"Must": 1, "Many": ["a"], "nope": 1}, "nope"),
        ({"Must": "1", "Many": ["a"]}, "number"),
        ({"Must": 1, "Many": ["z"]}, "z"),
        ({"Must": None, "Many": ["a"]}, "Must"),
        ({"Must": 1, "Many": []}, "Many"),
        ({"Must": 1}, "Many"),
        (None, "required"),
    ],
)
async def test_custom_fields_that_break_a_rule(linked: Linked, values: Any, said: str) -> None:
    await linked.define("test-plan", "NUMBER", "Must", required=True)
    many: dict[str, Any] = {"required": True, "options": [{"name": "a"}]}
    await linked.define("test-plan", "MULTI_CHOICE_SELECT_LIST", "Many", **many)
    sent = {"projectKey": "DEMO", "name": "n", "customFields": values}
    status, message = fault(await linked.http.post("/testplans", json=sent))
    assert (status, said in message) == (400, True), message
    made = await linked.make("testplans", customFields={"Must": 1, "Many": ["A"]})
    assert (await shown(linked, made["id"]))["customFields"] == {"Must": 1, "Many": ["a"]}


async def test_rights_and_a_disabled_project(linked: Linked) -> None:
    made = await linked.make("testplans")
    sent = {"projectKey": "DEMO", "name": "n"}
    reads = [f"/testplans/{made['id']}", f"/testplans/{made['key']}"]

    async def statuses() -> list[int]:
        found = [await linked.http.post("/testplans", json=sent)]
        found += [await linked.http.get(path) for path in reads]
        return [a.status_code for a in found]

    every_right = [
        to_user(ACCOUNT, entity, *Right) for entity in Entity if entity is not Entity.TEST_PLAN
    ]
    await linked.permit(*every_right)
    assert await statuses() == [403] * 3
    assert (await linked.http.get("/testplans")).json()["total"] == 0
    await linked.permit(to_user(ACCOUNT, Entity.TEST_PLAN, Right.VIEW, Right.EDIT))
    await linked.until(reads[0], 200)
    assert await statuses() == [403, 200, 200]
    await linked.permit(to_user(ACCOUNT, Entity.TEST_PLAN, Right.CREATE))
    await linked.until(reads[0], 403)
    assert await statuses() == [201, 403, 403]
    shut = linked.project.model_copy(update={"enabled": False})
    await linked.house.world.publish_project(linked.tenant, shut)
    await linked.until(reads[0], 404)
    assert await statuses() == [404] * 3


async def test_another_tenants_plan_is_unknown(house: House, linked: Linked) -> None:
    twin = await house.linked(project=linked.project.id)
    made = await linked.make("testplans")
    for name in (made["id"], made["key"]):
        assert fault(await twin.http.get(f"/testplans/{name}"))[0] == 404
    for path in ("/testplans", "/testplans/nextgen"):
        assert (await twin.http.get(path)).json()["values"] == []
