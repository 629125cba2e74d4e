"""Making and replacing test cycles: what is stored, what stays, what is refused."""

import asyncio
from typing import Any

import pytest

from contracts.testcases import DEFAULT_OPTIONS
from kit.clock import SystemClock
from services.executions.adapters.mongo.versions import RemovedVersions
from services.executions.domain.versions import RemovedVersion
from tests.harness.polling import eventually
from tests.integration.executions.linking import House, Linked, fault
from tests.integration.executions.shapes import CYCLE, cursor_list, offset_list

START, END = "2026-11-24T12:00:00Z", "2026-12-24T12:00:00Z"
READ_ONLY = {"createdOn": START, "links": {"issues": [{"issueId": "x"}]}, "self": 5}


@pytest.fixture(scope="module")
async def untouched(house: House) -> Linked:
    """A tenant with one cycle that stays as it is."""
    linked = await house.linked()
    await linked.make("testcycles", plannedStartDate=START)
    return linked


def status_id(linked: Linked, name: str, kind: str = "TEST_CYCLE") -> int:
    found = next(d for d in DEFAULT_OPTIONS if (d.name, d.type) == (name, kind))
    return found.id(linked.project.id)


async def option(linked: Linked, **body: Any) -> int:
    sent = {"projectKey": "DEMO", "type": "TEST_CYCLE", "name": "Ready"} | body
    answer = await linked.http.post("/statuses", json=sent)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def shown(linked: Linked, cycle: int | str) -> Any:
    return await linked.read(f"/testcycles/{cycle}", CYCLE)


async def test_a_cycle_with_everything_reads_back(linked: Linked) -> None:
    ready, place = await option(linked), await linked.folder("TEST_CYCLE")
    await linked.define("test-cycle", "SINGLE_LINE_TEXT", "Build")
    sent = {
        "name": "  Nightly $where ä☃",
        "description": "<b>d</b>",
        "plannedStartDate": START,
        "plannedEndDate": "2026-12-24T13:00:00.999+01:00",
        "jiraProjectVersion": 10007,
        "statusName": "rEADY",
        "folderId": place,
        "ownerId": "557058:a-b",
        "customFields": {"Build": "7"},
    }
    made = await linked.make("testcycles", **sent, extra={"x": 1})
    url = made["self"].removesuffix(f"/testcycles/{made['id']}")
    site = f"https://{linked.tenant}.atlassian.net/rest/api/2"
    cycle = await shown(linked, made["key"])
    assert cycle == {
        "id": made["id"],
        "key": "DEMO-R1",
        "name": sent["name"],
        "project": {"id": linked.project.id, "self": f"{url}/projects/{linked.project.id}"},
        "jiraProjectVersion": {"id": 10007, "self": f"{site}/version/10007"},
        "status": {"id": ready, "self": f"{url}/statuses/{ready}"},
        "folder": {"id": place, "self": f"{url}/folders/{place}"},
        "description": "<b>d</b>",
        "plannedStartDate": START,
        "plannedEndDate": END,
        "owner": {"accountId": "557058:a-b", "self": f"{site}/user?accountId=557058%3Aa-b"},
        "customFields": {"Build": "7"},
        "links": {
            "self": f"{made['self']}/links",
            "issues": [],
            "webLinks": [],
            "testPlans": [],
        },
    }
    for path, schema in (("", offset_list(CYCLE)), ("/nextgen", cursor_list(CYCLE))):
        for params in ("", f"folderId={place}", "jiraProjectVersionId=10007"):
            page = await linked.read(f"/testcycles{path}?{params}", schema)
            assert page["values"] == [cycle]


async def test_a_bare_cycle_takes_the_defaults(linked: Linked) -> None:
    absent = dict.fromkeys(
        (
            "description",
            "plannedStartDate",
            "plannedEndDate",
            "jiraProjectVersion",
            "statusName",
            "folderId",
            "ownerId",
            "customFields",
        )
    )
    bare, nulls = await linked.make("testcycles"), await linked.make("testcycles", **absent)
    first, second = [await shown(linked, made["id"]) for made in (bare, nulls)]
    assert first["status"]["id"] == status_id(linked, "Not Executed")
    assert [name for name, value in first.items() if value is None] == [
        "jiraProjectVersion",
        "folder",
        "description",
        "plannedStartDate",
        "plannedEndDate",
        "owner",
    ]
    for name in first.keys() - {"id", "key", "links"}:
        assert first[name] == second[name]
    assert (first["key"], second["key"]) == ("DEMO-R1", "DEMO-R2")
    # uploads count on
    assert (await linked.upload())[0] == "DEMO-R3"


async def test_the_default_is_the_projects_own(linked: Linked) -> None:
    ready = await option(linked)
    path, project = f"/statuses/{ready}", {"id": linked.project.id}
    rest = {"name": "Ready", "project": project, "index": 5, "archived": False}
    answer = await linked.http.put(path, json={"id": ready, "default": True} | rest)
    assert answer.status_code == 200
    await linked.until(path, 200)

    async def default() -> int:
        return int((await shown(linked, (await linked.make("testcycles"))["id"]))["status"]["id"])

    await eventually(default, lambda status: status == ready)
    answer = await linked.http.put(path, json={"id": ready, "default": False} | rest)
    assert answer.status_code == 200

    async def refused() -> bool:
        sent = {"projectKey": "DEMO", "name": "n"}
        answer = await linked.http.post("/testcycles", json=sent)
        return answer.status_code == 404 and "no default" in answer.json()["message"]

    await eventually(refused, bool)


WRONG: list[Any] = [0, -1, 2**63, 1.5, "x", [], {"id": 1}, True, 10**400]
"""No id."""
NO_DATES: list[Any] = [
    "",
    "x",
    5,
    True,
    {},
    "2026-11-24",
    "24.11.2026",
    "2026-11-24 12:00:00",
    "2026-11-24T12:00:00",
    "2026-13-24T12:00:00Z",
    "2026-02-30T12:00:00Z",
    "2026-11-24T25:00:00Z",
    "2026-11-24T12:00:60Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-01:00",
    "2026-W48-2T12:00:00Z",
    "20261124T120000Z",
    "\uff12026-11-24T12:00:00Z",
    "2026-11-24T12:00:00Z\n",
    "2026-11-24T12:00:00Z" * 50_000,
]
BAD_VALUES: list[tuple[dict[str, Any], str]] = [
    ({"name": None}, "name must not be null"),
    ({"name": ""}, "name must not be shorter"),
    ({"name": " \t\n"}, "name must not be blank"),
    ({"name": "x" * 256}, "name must not be longer"),
    ({"name": "x" * 1_000_000}, "name must not be longer"),
    ({"name": 5}, "name"),
    ({"description": ["x"]}, "description"),
    ({"customFields": "x"}, "customFields"),
    ({"customFields": {"$where": 1}}, "No custom field"),
    *[
        ({name: value}, f"{name} must be a date-time")
        for name in ("plannedStartDate", "plannedEndDate")
        for value in NO_DATES
    ],
]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        *BAD_VALUES,
        ({"projectKey": None}, "projectKey must not be null"),
        ({"projectKey": "demo"}, "projectKey must match"),
        ({"projectKey": 5}, "projectKey"),
        ({"statusName": ""}, "statusName must not be shorter"),
        ({"statusName": "x" * 256}, "statusName must not be longer"),
        ({"ownerId": "a b"}, "ownerId must match"),
        ({"ownerId": "x" * 129}, "ownerId must match"),
        ({"ownerId": ""}, "ownerId must match"),
        *[({name: value}, name) for name in ("jiraProjectVersion", "folderId") for value in WRONG],
        ({"folderId": 2**62}, "Folder"),
        ({"folderId": 77}, "Folder"),
    ],
)
async def test_what_breaks_the_schema_of_a_new_one(
    untouched: Linked, body: dict[str, Any], said: str
) -> None:
    sent = {"projectKey": "DEMO", "name": "n"} | body
    status, message = fault(await untouched.http.post("/testcycles", json=sent))
    assert (status, message.startswith(said)) == (400, True), message
    assert (await untouched.http.get("/testcycles")).json()["total"] == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        *BAD_VALUES,
        *[
            ({name: value}, name)
            for name in ("project", "status", "jiraProjectVersion", "folder")
            for value in ({}, {"id": None}, {"id": 0}, {"id": 2**63}, {"id": "x"}, 5, "x", [1])
        ],
        *[
            ({"owner": value}, "owner")
            for value in ({}, {"accountId": "a b"}, {"accountId": 5}, "x", 5)
        ],
        *[
            ({name: None}, f"{name} must not be null")
            for name in ("id", "key", "project", "status")
        ],
        *[({name: ...}, f"{name} must not be null") for name in ("id", "key", "name", "status")],
        ({"id": 2**63}, "id"),
        ({"id": 77}, "The id in the body"),
        ({"key": "DEMO-R2"}, "The key in the body"),
        ({"key": "DEMO-T1"}, "The key in the body"),
        ({"key": "NOPE-R1"}, "The key in the body"),
        ({"key": "\x00"}, "The key in the body"),
        ({"project": {"id": 77}}, "The project"),
        ({"status": {"id": 77}}, "Status with id 77"),
        ({"folder": {"id": 77}}, "Folder 77"),
    ],
)
async def test_what_breaks_the_schema_of_a_replacement(
    untouched: Linked, body: dict[str, Any], said: str
) -> None:
    cycle = await shown(untouched, "DEMO-R1")
    before = await untouched.document("test_cycles", cycle["id"])
    status, message = fault(await untouched.put_cycle(cycle, **body))
    assert (status, message.startswith(said)) == (400, True), message
    assert await untouched.document("test_cycles", cycle["id"]) == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"5",
        b'{"projectKey": "DEMO", "name": "\\ud800"}',
        b'{"projectKey": "DEMO", "name": "\xff"}',
        b'{"projectKey": "DEMO", "name": NaN}',
        b'{"projectKey": "DEMO", "name": "n", "customFields": ' + b"[" * 10_000,
        "{}".encode("utf-16"),
    ],
)
async def test_bodies_that_are_no_json(untouched: Linked, content: bytes) -> None:
    for method, path in (("POST", ""), ("PUT", "/DEMO-R1")):
        answer = await untouched.http.request(method, f"/testcycles{path}", content=content)
        assert fault(answer)[0] == 400
    assert (await untouched.http.get("/testcycles")).json()["total"] == 1


async def test_what_a_new_one_names_must_be_there(linked: Linked) -> None:
    other = await linked.house.world.project(linked.tenant, "OTHER")
    await linked.until("/testcycles", 200, projectKey="OTHER")
    await linked.until("/statuses", 200, projectKey="OTHER")
    elsewhere = await linked.folder("TEST_CYCLE", "OTHER")
    wrong = await linked.folder("TEST_CASE")
    gone = RemovedVersion(
        _id=f"{linked.tenant}/10009",
        tenant=linked.tenant,
        version=10009,
        merged_into=None,
        at=SystemClock().now(),
    )
    merged = gone | {"_id": f"{linked.tenant}/10008", "version": 10008, "merged_into": 10007}
    removed = RemovedVersions(linked.house.database)
    await removed.add(gone)
    await removed.add(merged)
    for body, status, said in (
        ({"projectKey": "NOPE"}, 404, "Project with key NOPE"),
        ({"statusName": "nope"}, 404, "No test cycle status"),
        ({"statusName": "Approved"}, 404, "No test cycle status"),
        ({"jiraProjectVersion": 10009}, 404, "Jira version"),
        ({"folderId": elsewhere}, 400, f"Folder {elsewhere} does not exist"),
        ({"folderId": wrong}, 400, "should be of type TEST_CYCLE"),
    ):
        sent = {"projectKey": "DEMO", "name": "n"} | body
        found = fault(await linked.http.post("/testcycles", json=sent))
        assert found[0] == status, found
        assert said in found[1]
    made = await linked.make("testcycles", jiraProjectVersion=10008)
    assert (await shown(linked, made["id"]))["jiraProjectVersion"]["id"] == 10007
    shut = other.model_copy(update={"enabled": False})
    await linked.house.world.publish_project(linked.tenant, shut)
    await linked.until("/testcycles", 404, projectKey="OTHER")
    sent = {"projectKey": "OTHER", "name": "n"}
    assert fault(await linked.http.post("/testcycles", json=sent))[0] == 404


CUSTOM_FAULTS: list[tuple[Any, str]] = [
    ({"Must": 1, "Many": ["a"], "nope": 1}, "nope"),
    ({"Must": "1", "Many": ["a"]}, "number"),
    ({"Must": 1, "Many": ["z"]}, "z"),
    ({"Must": None, "Many": ["a"]}, "Must"),
    ({"Must": 1, "Many": []}, "Many"),
    ({"Must": 1}, "Many"),
    ({}, "required"),
    (None, "required"),
]


@pytest.mark.parametrize(("values", "said"), CUSTOM_FAULTS)
async def test_custom_fields_that_break_a_rule(linked: Linked, values: Any, said: str) -> None:
    await linked.define("test-cycle", "NUMBER", "Must", required=True)
    many: dict[str, Any] = {"required": True, "options": [{"name": "a"}]}
    await linked.define("test-cycle", "MULTI_CHOICE_SELECT_LIST", "Many", **many)
    sent = {"projectKey": "DEMO", "name": "n", "customFields": values}
    status, message = fault(await linked.http.post("/testcycles", json=sent))
    assert (status, said in message) == (400, True), message
    made = await linked.make("testcycles", customFields={"Must": 1, "Many": ["A"]})
    cycle = await shown(linked, made["id"])
    status, message = fault(await linked.put_cycle(cycle, customFields=values))
    assert (status, said in message) == (400, True), message
    assert await shown(linked, made["id"]) == cycle
    assert cycle["customFields"] == {"Must": 1, "Many": ["a"]}


async def test_a_cycle_put_back_as_it_was_read_stays_as_it_is(linked: Linked) -> None:
    await linked.define("test-cycle", "CHECKBOX", "Nightly")
    key, _ = await linked.upload()
    full = await linked.make(
        "testcycles",
        plannedStartDate=START,
        plannedEndDate=END,
        jiraProjectVersion=10007,
        ownerId="a",
        folderId=await linked.folder("TEST_CYCLE"),
        customFields={"Nightly": True},
    )
    for name in (key, full["id"]):
        await linked.cycle_issue(name)
        await linked.cycle_page(name)
        cycle = await shown(linked, name)
        answer = await linked.put_cycle(cycle, **READ_ONLY)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["location"] == cycle["links"]["self"].removesuffix("/links")
        assert await shown(linked, name) == cycle
        before = await linked.document("test_cycles", cycle["id"])
        assert (await linked.put_cycle(cycle)).status_code == 200
        after = await linked.document("test_cycles", cycle["id"])
        assert (after["rev"], after["updated_on"] >= before["updated_on"]) == (
            before["rev"] + 1,
            True,
        )
        assert after.get("upload") == before.get("upload")


async def test_what_is_left_out_is_cleared_but_planned_dates(linked: Linked) -> None:
    ready = await option(linked)
    made = await linked.make(
        "testcycles",
        description="d",
        plannedStartDate=START,
        plannedEndDate=END,
        jiraProjectVersion=10007,
        ownerId="a",
        folderId=await linked.folder("TEST_CYCLE"),
    )
    await linked.cycle_page(made["key"])
    cycle = await shown(linked, made["key"])
    small = {"id": made["id"], "key": made["key"], "project": cycle["project"]}
    small |= {"name": "new", "status": {"id": ready}}
    answer = await linked.http.put(f"/testcycles/{made['key']}", json=small)
    assert answer.status_code == 200, answer.text
    found = await shown(linked, made["id"])
    cleared = dict.fromkeys(("description", "jiraProjectVersion", "owner", "folder"))
    assert found == cycle | cleared | {
        "name": "new",
        "status": {"id": ready, "self": cycle["status"]["self"].rpartition("/")[0] + f"/{ready}"},
    }
    moved = {"plannedStartDate": None, "plannedEndDate": "2027-01-01T00:00:00Z"}
    assert (await linked.put_cycle(found, **moved, owner={"accountId": None})).status_code == 200
    assert await shown(linked, made["id"]) == found | moved | {"plannedStartDate": START}


async def test_an_archived_status_stays_where_it_is_and_comes_nowhere_else(linked: Linked) -> None:
    ready = await option(linked)
    holder = await linked.make("testcycles", statusName="Ready")
    other = await linked.make("testcycles")
    row = {"id": ready, "name": "Ready", "project": {"id": linked.project.id}, "index": 5}
    frozen = row | {"archived": True, "default": False}
    assert (await linked.http.put(f"/statuses/{ready}", json=frozen)).status_code == 200
    cycle = await shown(linked, other["id"])

    async def refused() -> bool:  # once executions has heard of it
        answer = await linked.put_cycle(cycle, status={"id": ready})
        taken = answer.status_code == 200
        if taken:
            await linked.put_cycle(cycle)
        return not taken

    await eventually(refused, bool)
    assert fault(await linked.put_cycle(cycle, status={"id": ready}))[0] == 400
    held = await shown(linked, holder["id"])
    assert (await linked.put_cycle(held, name="again")).status_code == 200
    assert (await shown(linked, holder["id"]))["status"]["id"] == ready
    sent = {"projectKey": "DEMO", "name": "n", "statusName": "Ready"}
    assert fault(await linked.http.post("/testcycles", json=sent))[0] == 404
    # a status of executions is none of cycles
    passed = status_id(linked, "Pass", "TEST_EXECUTION")
    assert fault(await linked.put_cycle(held, status={"id": passed}))[0] == 400


async def test_two_who_replace_a_cycle_at_once(linked: Linked) -> None:
    """One of them comes last with all it said; links made meanwhile and dates stay."""
    made = await linked.make("testcycles", plannedStartDate=START)
    cycle = await shown(linked, made["id"])
    changes = [{"name": f"n{i}", "description": f"d{i}"} for i in range(8)]
    changes.append({"plannedEndDate": END})
    answers, _ = await asyncio.gather(
        asyncio.gather(*(linked.put_cycle(cycle, **change) for change in changes)),
        asyncio.gather(*(linked.cycle_page(made["id"]) for _ in range(4))),
    )
    assert [a.status_code for a in answers] == [200] * 9
    found = await shown(linked, made["id"])
    assert (found["name"], found["description"]) in [
        (c.get("name", "n"), c.get("description")) for c in changes
    ]
    assert (found["plannedStartDate"], found["plannedEndDate"]) == (START, END)
    assert len(found["links"]["webLinks"]) == 4
    assert (await linked.document("test_cycles", made["id"]))["rev"] == 1 + 9 + 4
