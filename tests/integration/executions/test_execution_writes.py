"""Recording and changing single test executions: what is stored, what is refused."""

import asyncio
from typing import Any

import pytest

from contracts.ids import number_of
from kit.clock import SystemClock, vendor_time
from services.executions.adapters.mongo.versions import RemovedVersions
from services.executions.domain.versions import RemovedVersion
from tests.harness.polling import eventually
from tests.integration.executions.linking import FIELDS, House, Linked, fault
from tests.integration.executions.running import (
    case_with,
    post,
    results_of,
    run,
    shown,
    status_id,
    steps_of,
)
from tests.integration.executions.shapes import EXECUTION, cursor_list, offset_list

END = "2026-11-24T12:00:00Z"


@pytest.fixture(scope="module")
async def untouched(house: House) -> Linked:
    """A tenant with one case, cycle and run that stay as they are."""
    linked = await house.linked()
    await linked.make("testcycles")
    await case_with(linked, "one", "two")
    await run(linked)
    return linked


async def option(linked: Linked, path: str, **body: Any) -> int:
    answer = await linked.http.post(path, json={"projectKey": "DEMO"} | body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


SENT: dict[str, Any] = {
    "statusName": "fLAKY",
    "testScriptResults": [
        {"statusName": "PASS", "actualResult": "<b>a</b>", "actualEndDate": END},
        {"statusName": "flaky", "actualResult": None},
    ],
    "environmentName": "chrome",
    "actualEndDate": "2026-11-24T13:00:00.999+01:00",
    "executionTime": 120_000,
    "executedById": "557058:a-b",
    "assignedToId": "557058:c-d",
    "comment": "<br>\x00 $where ä☃",
    "customFields": {"Build": "7"},
}
STEP = {"testData": "d", "expectedResult": "e", "reflectRef": "r"}


async def test_an_execution_with_everything_reads_back_at_once(linked: Linked) -> None:
    """Options, case, steps, cycle and field were all made a moment ago."""
    flaky = await option(linked, "/statuses", type="TEST_EXECUTION", name="Flaky")
    chrome = await option(linked, "/environments", name="Chrome")
    await linked.define("test-execution", "SINGLE_LINE_TEXT", "Build")
    cycle = await linked.make("testcycles", jiraProjectVersion=10007)
    key = await case_with(
        linked, "one", {"inline": {"description": "two"} | STEP}, estimatedTime=4_000
    )
    ident = await run(linked, **SENT, extra=1, automated=True)
    execution = await shown(linked, ident)
    url = execution["links"]["self"].removesuffix(f"/testexecutions/{ident}/links")
    versions = (await linked.http.get(f"/testcases/{key}/versions")).json()["values"]
    version = f"https://{linked.tenant}.atlassian.net/rest/api/2/version/10007"
    assert execution == {
        "id": ident,
        "key": "DEMO-E1",
        "project": {"id": linked.project.id, "self": f"{url}/projects/{linked.project.id}"},
        "testCase": versions[0],
        "environment": {"id": chrome, "self": f"{url}/environments/{chrome}"},
        "jiraProjectVersion": {"id": 10007, "self": version},
        "testExecutionStatus": {"id": flaky, "self": f"{url}/statuses/{flaky}"},
        "actualEndDate": END,
        "estimatedTime": 4_000,
        **{n: SENT[n] for n in ("executionTime", "executedById", "assignedToId", "comment")},
        "automated": False,
        "testCycle": {"id": cycle["id"], "self": f"{url}/testcycles/{cycle['id']}"},
        "customFields": {"Build": "7"},
        "links": {"self": f"{url}/testexecutions/{ident}/links", "issues": []},
    }
    assert await shown(linked, "DEMO-E1") == execution
    for path, schema in (("", offset_list(EXECUTION)), ("/nextgen", cursor_list(EXECUTION))):
        for more in ("", f"&testCycle={cycle['key']}", f"&testCase={key}"):
            page = await linked.read(f"/testexecutions{path}?projectKey=DEMO{more}", schema)
            assert page["values"] == [execution]


async def test_its_steps_read_back_at_once(linked: Linked) -> None:
    flaky = await option(linked, "/statuses", type="TEST_EXECUTION", name="Flaky")
    await linked.make("testcycles")
    await case_with(linked, "one", {"inline": {"description": "two"} | STEP})
    ident = await run(linked, testScriptResults=SENT["testScriptResults"])
    first, second = await steps_of(linked, ident)
    statuses = first["inline"]["status"]["self"].rpartition("/")[0]
    passed = status_id(linked, "Pass")
    unset = dict.fromkeys(("testData", "expectedResult", "testDataRowNumber", "reflectRef"))
    assert first["inline"] == unset | {
        "description": "one",
        "actualResult": "<b>a</b>",
        "status": {"id": passed, "self": f"{statuses}/{passed}"},
    }
    assert second["inline"] == STEP | {
        "description": "two",
        "actualResult": None,
        "testDataRowNumber": None,
        "status": {"id": flaky, "self": f"{statuses}/{flaky}"},
    }
    assert second["id"] == first["id"] + 1


async def test_a_bare_execution(linked: Linked) -> None:
    await linked.make("testcycles")
    await case_with(linked)
    names = "testScriptResults environmentName actualEndDate executionTime executedById"
    absent = dict.fromkeys(f"{names} assignedToId comment customFields".split())
    before = vendor_time(SystemClock().now())
    bare, nulls = await run(linked), await run(linked, **absent)
    await run(linked, environmentName="", customFields={}, testScriptResults=[])
    first, second = await shown(linked, bare), await shown(linked, nulls)
    assert [name for name, value in first.items() if value is None] == [
        "environment",
        "jiraProjectVersion",
        "estimatedTime",
        "executionTime",
        "executedById",
        "assignedToId",
        "comment",
    ]
    assert first["automated"] is True
    assert before <= first["actualEndDate"] <= vendor_time(SystemClock().now())
    for name in first.keys() - {"id", "key", "links", "actualEndDate"}:
        assert first[name] == second[name]
    # the one empty step of a new case
    assert await results_of(linked, bare) == [(None, "Not Executed", None)]
    # uploads count on
    _, uploaded = await linked.upload()
    assert {(await shown(linked, i))["key"] for i in uploaded} == {"DEMO-E4", "DEMO-E5"}


LATER = "2026-12-24T12:00:00Z"
NO_TEXT: list[Any] = [5, True, ["x"], {}]
NO_TIME: list[Any] = [-1, 1.5, "x", 2**63, [], True]
BAD_VALUES: list[tuple[dict[str, Any], str]] = [
    *[({"statusName": value}, "statusName") for value in ["", "x" * 256, *NO_TEXT]],
    *[({"environmentName": value}, "environmentName") for value in NO_TEXT],
    *[({"comment": value}, "comment") for value in NO_TEXT],
    *[
        ({"actualEndDate": value}, "actualEndDate must be a date-time")
        for value in ("", "x", 5, "2026-11-24", "2026-13-24T12:00:00Z", "2026-11-24T12:00:00")
    ],
    *[({"executionTime": value}, "executionTime") for value in NO_TIME],
    *[
        ({name: value}, f"{name} must match")
        for name in ("executedById", "assignedToId")
        for value in ("", "a b", "x" * 129)
    ],
]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        *BAD_VALUES,
        *[
            ({name: value}, f"{name} must not be null")
            for name in ("projectKey", "testCaseKey", "testCycleKey", "statusName")
            for value in (None, ...)
        ],
        *[({"projectKey": value}, "projectKey") for value in ("demo", 5)],
        *[({"testCaseKey": value}, "testCaseKey") for value in ("DEMO", "T1", "DEMO-R1", 5)],
        *[({"testCycleKey": value}, "testCycleKey") for value in ("DEMO", "1", "DEMO-T1", 5)],
        ({"customFields": "x"}, "customFields"),
        ({"customFields": {"$where": 1}}, "No custom field"),
        ({"statusName": "nope"}, "No test execution status with the name 'nope'"),
        ({"statusName": "Draft"}, "No test execution status with the name 'Draft'"),
        ({"environmentName": "nope"}, "No environment with the name 'nope'"),
        ({"testScriptResults": {}}, "testScriptResults"),
        ({"testScriptResults": ["x"]}, "testScriptResults"),
        ({"testScriptResults": [{}]}, "testScriptResults"),
        ({"testScriptResults": [{"statusName": "Pass", "actualResult": 5}]}, "testScriptResults"),
        ({"testScriptResults": [{"statusName": "Pass", "actualEndDate": 5}]}, "testScriptResults"),
        ({"testScriptResults": [{"statusName": "nope"}]}, "No test execution status"),
        ({"testScriptResults": [{"statusName": "Pass"}] * 3}, "testScriptResults holds 3 results"),
        ({"testScriptResults": [{"statusName": "Pass"}] * 1_001}, "testScriptResults"),
    ],
)
async def test_what_breaks_a_rule_of_a_new_one(
    untouched: Linked, body: dict[str, Any], said: str
) -> None:
    status, message = fault(await post(untouched, **body))
    assert (status, message.startswith(said)) == (400, True), message
    assert (await untouched.http.get("/testexecutions")).json()["total"] == 1


@pytest.mark.parametrize(("body", "said"), BAD_VALUES)
async def test_what_breaks_the_schema_of_a_change(
    untouched: Linked, body: dict[str, Any], said: str
) -> None:
    before = await shown(untouched, "DEMO-E1")
    status, message = fault(await untouched.http.put("/testexecutions/DEMO-E1", json=body))
    assert (status, message.startswith(said)) == (400, True), message
    assert await shown(untouched, "DEMO-E1") == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"comment": "\\ud800"}'])
async def test_bodies_that_are_no_json(untouched: Linked, content: bytes) -> None:
    for method, path in (("POST", ""), ("PUT", "/DEMO-E1"), ("PUT", "/DEMO-E1/teststeps")):
        answer = await untouched.http.request(method, f"/testexecutions{path}", content=content)
        assert fault(answer)[0] == 400
    assert (await untouched.http.get("/testexecutions")).json()["total"] == 1


async def test_what_a_new_one_names_must_be_there(linked: Linked) -> None:
    await linked.make("testcycles")
    await case_with(linked)
    other = await linked.house.world.project(linked.tenant, "OTHER")
    await linked.until("/testcycles", 200, projectKey="OTHER")
    await linked.until("/statuses", 200, projectKey="OTHER")
    await linked.make("testcycles", projectKey="OTHER")
    await case_with(linked, projectKey="OTHER")
    upload = await linked.by_hand()
    hidden = await linked.document("test_cycles", upload.context.cycle)
    for body, said in (
        ({"projectKey": "NOPE"}, "Project with key NOPE"),
        ({"testCaseKey": "DEMO-T99"}, "Test case DEMO-T99"),
        ({"testCaseKey": "demo-T1"}, "Test case demo-T1"),
        ({"testCaseKey": f"DEMO-T{10**12}"}, "Test case DEMO-T1000000000000"),
        ({"testCaseKey": "OTHER-T1"}, "Test case OTHER-T1"),
        ({"testCycleKey": "DEMO-R99"}, "Test cycle DEMO-R99"),
        ({"testCycleKey": "OTHER-R1"}, "Test cycle OTHER-R1"),
        # that of an upload which is not accepted
        ({"testCycleKey": f"DEMO-R{number_of(hidden['id'])}"}, "Test cycle DEMO-R"),
    ):
        status, message = fault(await post(linked, **body))
        assert (status, message.startswith(said)) == (404, True), message
    theirs = {"projectKey": "OTHER", "testCaseKey": "OTHER-T1", "testCycleKey": "OTHER-R1"}
    ident = await run(linked, **theirs)
    shut = other.model_copy(update={"enabled": False})
    await linked.house.world.publish_project(linked.tenant, shut)
    await linked.until("/testcycles", 404, projectKey="OTHER")
    path = f"/testexecutions/{ident}"
    for answer in (
        await post(linked, **theirs),
        await linked.http.put(path, json={}),
        await linked.http.get(f"{path}/teststeps"),
        await linked.http.put(f"{path}/teststeps", json={"steps": [{}]}),
        await linked.http.post(f"{path}/teststeps/sync"),
    ):
        assert fault(answer)[0] == 404


async def test_a_version_that_jira_removed(linked: Linked) -> None:
    """The cycle still has it: the run is stored before or after it is taken out."""
    await linked.make("testcycles", jiraProjectVersion=10008)
    await case_with(linked)
    gone = RemovedVersion(
        _id=f"{linked.tenant}/10008",
        tenant=linked.tenant,
        version=10008,
        merged_into=10007,
        at=SystemClock().now(),
    )
    await RemovedVersions(linked.house.database).add(gone)
    assert (await shown(linked, await run(linked)))["jiraProjectVersion"]["id"] == 10007


FAULTS: list[tuple[Any, str]] = [
    ({"Must": 1, "Many": ["a"], "nope": 1}, "nope"),
    ({"Must": "1", "Many": ["a"]}, "number"),
    ({"Must": 1, "Many": ["z"]}, "z"),
    ({"Must": None, "Many": ["a"]}, "Must"),
    ({"Must": 1, "Many": []}, "Many"),
    ({"Must": 1}, "Many"),
    ({}, "required"),
    (None, "required"),
]


async def test_custom_fields(linked: Linked) -> None:
    await linked.make("testcycles")
    await case_with(linked)
    await linked.define("test-execution", "NUMBER", "Must", required=True)
    many: dict[str, Any] = {"required": True, "options": [{"name": "a"}]}
    await linked.define("test-execution", "MULTI_CHOICE_SELECT_LIST", "Many", **many)
    for values, said in FAULTS:
        status, message = fault(await post(linked, customFields=values))
        assert (status, said in message) == (400, True), message
    ident = await run(linked, customFields={"Must": 1, "Many": ["A"]})
    assert (await shown(linked, ident))["customFields"] == {"Must": 1, "Many": ["a"]}
    await linked.http.put(f"/testexecutions/{ident}", json={"customFields": {"Must": 2}})
    assert (await shown(linked, ident))["customFields"] == {"Must": 1, "Many": ["a"]}
    # nothing of a field that is removed stays
    fields = (await linked.http.get(FIELDS, params={"entity": "test-execution"})).json()
    must = next(f["id"] for f in fields["values"] if f["name"] == "Must")
    answer = await linked.http.delete(f"{FIELDS}/{must}")
    assert answer.json() == {"id": must, "deleted": True, "values": 1}

    async def stored() -> list[int]:
        found = await linked.document("test_executions", ident)
        return [value["field"] for value in found["custom_fields"]]

    await eventually(stored, lambda found: must not in found)


async def test_a_change_sets_what_it_names(linked: Linked) -> None:
    await linked.make("testcycles")
    key = await case_with(linked)
    ident = await run(linked, executedById="557058:a", comment="c", executionTime=1)
    fields = "testCase environment testExecutionStatus actualEndDate executionTime executedById"
    fields += " assignedToId comment"
    path, before = f"/testexecutions/{ident}", await shown(linked, ident)
    for body in ({}, dict.fromkeys(fields.split()), {"environmentName": ""}, before):
        assert (await linked.http.put(path, json=body)).status_code == 200
    assert await shown(linked, ident) == before
    chrome = await option(linked, "/environments", name="Chrome")
    flaky = await option(linked, "/statuses", type="TEST_EXECUTION", name="Flaky")
    # the answers of lists that are polled hold whatever changed
    since = vendor_time((await linked.document("test_executions", ident))["updated_on"])
    sent = {
        "statusName": "FLAKY",
        "environmentName": " chrome ",
        "actualEndDate": LATER,
        "executionTime": 0,
        "executedById": "557058:b",
        "assignedToId": "557058:c",
        "comment": "",
    }
    answer = await linked.http.put("/testexecutions/DEMO-E1", json=sent | {"automated": True})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["location"].endswith(f"/v2{path}")
    changed = await shown(linked, ident)
    assert changed == before | {
        "testExecutionStatus": {
            "id": flaky,
            "self": before["testExecutionStatus"]["self"].rpartition("/")[0] + f"/{flaky}",
        },
        "environment": changed["environment"],
        "actualEndDate": LATER,
        "executionTime": 0,
        "executedById": "557058:b",
        "assignedToId": "557058:c",
        "comment": "",
    }
    assert changed["environment"]["id"] == chrome
    assert (await linked.http.put(path, json={"comment": "d"})).status_code == 200
    assert await shown(linked, ident) == changed | {"comment": "d"}
    page = await linked.http.get("/testexecutions/nextgen", params={"updatedAfter": since})
    assert [r["comment"] for r in page.json()["values"]] == ["d"]
    for body in ({"statusName": "nope"}, {"environmentName": "nope"}, {"statusName": "Draft"}):
        assert fault(await linked.http.put(path, json=body))[0] == 422
    # what became archived may stay, and is taken by nothing else
    archive = {"id": flaky, "name": "Flaky", "index": 5, "archived": True, "default": False}
    archive["project"] = {"id": linked.project.id}
    assert (await linked.http.put(f"/statuses/{flaky}", json=archive)).status_code == 200

    async def refused() -> bool:
        return (await post(linked, testCaseKey=key, statusName="Flaky")).status_code == 400

    await eventually(refused, bool)
    assert (await linked.http.put(path, json={"statusName": "flaky"})).status_code == 200


async def test_two_who_change_an_execution_at_once(linked: Linked) -> None:
    """Each changes what it names; a frozen run may be changed, too."""
    await linked.make("testcycles")
    await case_with(linked)
    ident = await run(linked)
    changes: list[dict[str, Any]] = [
        {"comment": "c"},
        {"executionTime": 5},
        {"assignedToId": "a"},
        {"statusName": "Fail"},
    ]
    path = f"/testexecutions/{ident}"
    answers, *_ = await asyncio.gather(
        asyncio.gather(*(linked.http.put(path, json=change) for change in changes)),
        run(linked),
        linked.execution_issue(ident),
    )
    assert {a.status_code for a in answers} == {200}
    found = await shown(linked, ident)
    assert [found["comment"], found["executionTime"], found["assignedToId"]] == ["c", 5, "a"]
    assert found["testExecutionStatus"]["id"] == status_id(linked, "Fail")
    assert len(found["links"]["issues"]) == 1
