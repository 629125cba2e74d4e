"""What is linked to an issue."""

from typing import Any

from tests.conformance.walk import Call, Read, Try, Walk

UNKNOWN = {
    "404": Try(names={"issue_key": "DEMO-99"}),
    "default 400": Try(names={"issue_key": "nope"}),
}


def _walk(operation: str, kind: str, **by: Any) -> Walk:
    path = f"/issuelinks/{{issue_key}}/{kind}"
    return Walk(operation, Call("GET", path), UNKNOWN, (Read(by=by),))


WALKS = (
    _walk("getIssueLinkTestCases", "testcases", key="{case}", version=2),
    _walk("getIssueLinkTestCycles", "testcycles", id="{cycle_id}"),
    _walk("getIssueLinkTestPlans", "testplans", id="{plan_id}"),
    _walk("getIssueLinkTestExecutions", "executions", id="{run}"),
)
