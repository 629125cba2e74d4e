"""Recording and changing single test executions: what is stored, what is refused."""

from typing import Any

import pytest

from kit.clock import SystemClock, vendor_time
from tests.integration.executions.linking import House, Linked
from tests.integration.executions.running import (
    case_with,
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


async def test_an_execution_with_everything_reads_back_at_once(linked: Linked) -> None:
    """Options, case, steps, cycle and field were all made a moment ago."""
    flaky = await option(linked, "/statuses", type="TEST_EXECUTION", name="Flaky")
    chrome = await option(linked, "/environments", name="Chrome")
    await linked.define("test-execution", "SINGLE_LINE_TEXT", "Build")
    cycle = await linked.make("testcycles", jiraProjectVersion=10007)
    data = {"testData": "d", "expectedResult": "e", "reflectRef": "r"}
    second = {"inline": {"description": "two"} | data}
    key = await case_with(linked, "one", second, estimatedTime=4_000)
    sent = {
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
    ident = await run(linked, **sent, extra=1, automated=True)
    execution = await shown(linked, ident)
    url = execution["links"]["self"].removesuffix(f"/testexecutions/{ident}/links")
    versions = (await linked.http.get(f"/testcases/{key}/versions")).json()["values"]
    assert execution == {
        "id": ident,
        "key": "DEMO-E1",
        "project": {"id": linked.project.id, "self": f"{url}/projects/{linked.project.id}"},
        "testCase": versions[0],
        "environment": {"id": chrome, "self": f"{url}/environments/{chrome}"},
        "jiraProjectVersion": {
            "id": 10007,
            "self": f"https://{linked.tenant}.atlassian.net/rest/api/2/version/10007",
        },
        "testExecutionStatus": {"id": flaky, "self": f"{url}/statuses/{flaky}"},
        "actualEndDate": END,
        "estimatedTime": 4_000,
        "executionTime": 120_000,
        "executedById": "557058:a-b",
        "assignedToId": "557058:c-d",
        "comment": sent["comment"],
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
    first, second = await steps_of(linked, ident)
    passed = status_id(linked, "Pass")
    assert first["inline"] == {
        "description": "one",
        "testData": None,
        "expectedResult": None,
        "actualResult": "<b>a</b>",
        "testDataRowNumber": None,
        "reflectRef": None,
        "status": {"id": passed, "self": f"{url}/statuses/{passed}"},
    }
    assert second["inline"] == {"description": "two", "actualResult": None} | data | {
        "testDataRowNumber": None,
        "status": {"id": flaky, "self": f"{url}/statuses/{flaky}"},
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
