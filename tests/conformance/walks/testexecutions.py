"""Test executions and their steps."""

from collections.abc import Mapping
from typing import Any

from tests.conformance.furniture import ENVIRONMENT, FIELDS
from tests.conformance.walk import (
    CURSOR,
    KNOWN,
    LEFT_OUT,
    OFFSET,
    SEEN,
    Call,
    Names,
    Read,
    Try,
    Walk,
    custom_fields,
    generic,
)

KEY = "/testexecutions/{run}"
FILTERS = {
    "projectKey": "{project}",
    "testCycle": "{cycle}",
    "testCase": "{case}",
    "actualEndDateAfter": "2020-01-01T00:00:00Z",
    "actualEndDateBefore": "2090-01-01T00:00:00Z",
    "includeStepLinks": "true",
    "jiraProjectVersionId": "{version}",
    "onlyLastExecutions": "true",
}
SAID = {
    "statusName": "Fail",
    "environmentName": ENVIRONMENT,
    "actualEndDate": "2026-11-24T08:00:00Z",
    "executionTime": 60_000,
    "executedById": "{account}",
    "assignedToId": "{account}",
    "comment": "said <b>so</b>",
}
RESULTS = [
    {"statusName": "Fail", "actualResult": "broke", "actualEndDate": "2026-11-24T07:00:00Z"},
    {"statusName": "Blocked", "actualResult": "later", "actualEndDate": "2026-11-24T07:00:01Z"},
]
STEPS = [{k: v for k, v in one.items() if k != "actualEndDate"} for one in RESULTS]
MISSING = {"testexecution-missing": Try(names={"run": "DEMO-E8000000"})}
REFUSED = SEEN | MISSING | generic("path-param-invalid", "no-permission")
FROZEN = {"execution-immutable": Try(names={"run": "{older_run}"})}
IN_LIST = Read(within="values", by={"id": "{run}"})


def _values(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"customFields": fields}


def _recorded(names: Names, _: Call, found: list[Any]) -> None:
    steps = [step["inline"] for step in found[-1]]
    assert [step["description"] for step in steps] == ["first", "next"]
    for step, sent in zip(steps, STEPS, strict=True):
        assert step["actualResult"] == sent["actualResult"]
        assert names["options"]["statuses"][step["status"]["id"]] == sent["statusName"]


def _synced(names: Names, _: Call, found: list[Any]) -> None:
    steps = [step["inline"] for step in found[-1]]
    assert [step["description"] for step in steps] == ["first", "next"]


OF_RUN = Read(Call("GET", f"{KEY}/teststeps"), "values")

WALKS = (
    Walk(
        "listTestExecutions",
        Call("GET", "/testexecutions", FILTERS | {"maxResults": 100, "startAt": 0}),
        OFFSET | {"default 404": Try(params={"projectKey": "NOPE"})},
        (IN_LIST,),
    ),
    Walk(
        "listTestExecutionsNextgen",
        Call(
            "GET",
            "/testexecutions/nextgen",
            FILTERS | {"limit": 100, "startAtId": "{run}", "updatedAfter": "2020-01-01T00:00:00Z"},
        ),
        CURSOR | {"default 404": Try(params={"projectKey": "NOPE"})},
        (IN_LIST,),
    ),
    Walk(
        "createTestExecution",
        Call(
            "POST",
            "/testexecutions",
            body={
                "projectKey": "{project}",
                "testCaseKey": "{case}",
                "testCycleKey": "{cycle}",
                "testScriptResults": RESULTS,
                "customFields": FIELDS,
                **SAID,
            },
        ),
        {
            "body-field-invalid": Try(body={"executionTime": -1}),
            "status-name-unknown": Try(body={"statusName": "Nothing"}),
            "cf-required-absent": Try(body={"customFields": LEFT_OUT}),
            "testcase-missing": Try(body={"testCaseKey": "{unknown_case}"}),
            "testcycle-missing": Try(body={"testCycleKey": "{unknown_cycle}"}),
            **generic("body-not-json", "no-permission"),
            **custom_fields(_values, "cf-unknown-option"),
            **KNOWN,
        },
        (
            Read(Call("GET", "/testexecutions/{made}")),
            Read(Call("GET", "/testexecutions/{made}/teststeps"), "values"),
        ),
        {"id": "{made}", "automated": False},
        fresh="case_and_cycle",
        check=_recorded,
    ),
    Walk(
        "getTestExecution",
        Call("GET", KEY, {"includeStepLinks": "true"}),
        SEEN | MISSING | generic("path-param-invalid"),
        (Read(), Read(Call("GET", "/testexecutions/{run_key}"))),
        {"id": "{run}", "key": "{run_key}"},
    ),
    Walk(
        "updateTestExecution",
        Call("PUT", KEY, body=SAID),
        {
            "body-field-invalid": Try(body={"executionTime": -1}),
            "status-name-unknown": Try(body={"statusName": "Nothing"}),
            "environment-name-unknown": Try(body={"environmentName": "Nothing"}),
            **generic("body-not-json"),
            **REFUSED,
        },
        (Read(Call("GET", KEY)),),
        {"id": "{run}"},
        fresh="run",
    ),
    Walk(
        "getTestExecutionTestSteps",
        Call(
            "GET",
            f"{KEY}/teststeps",
            {"maxResults": 100, "startAt": 0, "testDataRowNumber": LEFT_OUT},
        ),
        SEEN | MISSING | OFFSET | generic("path-param-invalid"),
        (Read(within="values", by={"id": "{run_step}"}),),
    ),
    Walk(
        "putTestExecutionTestSteps",
        Call("PUT", f"{KEY}/teststeps", body={"steps": STEPS}),
        {
            "body-field-invalid": Try(body={"steps": "all"}),
            "status-name-unknown": Try(body={"steps": [{"statusName": "Nothing"}, STEPS[1]]}),
            "steps-mismatch": Try(body={"steps": STEPS[:1]}),
            "test-data-unsupported": Try(names={"run": "{run_with_data}"}),
            **generic("body-not-json"),
            **REFUSED,
            **FROZEN,
        },
        (OF_RUN,),
        fresh="run",
        check=_recorded,
    ),
    Walk(
        "syncTestExecutionScript",
        Call("POST", f"{KEY}/teststeps/sync"),
        REFUSED | FROZEN,
        (OF_RUN,),
        fresh="run",
        check=_synced,
    ),
)
