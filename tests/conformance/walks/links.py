"""Links of test cases, cycles, plans and executions."""

from tests.conformance.furniture import PAGE
from tests.conformance.walk import SEEN, Call, Names, Read, Try, Walk, generic

REFUSED = generic("path-param-invalid", "body-not-json", "no-permission") | SEEN
ISSUE = REFUSED | {
    "body-field-invalid": Try(body={"issueId": 0}),
    "jira-entity-missing": Try(body={"issueId": 99_999}),
}
PAGES = REFUSED | {"body-field-invalid": Try(body={"url": ...})}
CASE = {"testcase-missing": Try(names={"case": "DEMO-T8000000"})}
CYCLE = {"testcycle-missing": Try(names={"cycle": "DEMO-R8000000"})}
PLAN = {"testplan-missing": Try(names={"plan": "DEMO-P8000000"})}
RUN = {"testexecution-missing": Try(names={"run": "{unknown}"})}
TWICE = Try(twice=True)
TO_ISSUE, TO_PAGE = {"issueId": 10_001}, {"url": PAGE, "description": "said"}
MADE = {"id": "{made}"}
LINKED = Read(within="issues", by={"issueId": 10_002})


def _read(path: str, within: str) -> tuple[Read, ...]:
    return (Read(Call("GET", path), within, MADE),)


def _nothing(_: Names, __: Call, found: list[object]) -> None:
    assert found == [[]]


WALKS = (
    Walk(
        "getTestCaseLinks",
        Call("GET", "/testcases/{case}/links"),
        SEEN | CASE | generic("path-param-invalid"),
        (LINKED,),
    ),
    Walk(
        "createTestCaseIssueLink",
        Call("POST", "/testcases/{case}/links/issues", body=TO_ISSUE),
        ISSUE | CASE | {"issue-link-duplicate": TWICE},
        _read("/testcases/{case}/links", "issues"),
        {"type": "COVERAGE", "target": "https://demo.atlassian.net/rest/api/2/issue/10001"},
        fresh="case",
    ),
    Walk(
        "createTestCaseWebLink",
        Call("POST", "/testcases/{case}/links/weblinks", body=TO_PAGE),
        PAGES | CASE | {"weblink-duplicate": TWICE},
        _read("/testcases/{case}/links", "webLinks"),
        fresh="case",
    ),
    Walk(
        "getTestCycleLinks",
        Call("GET", "/testcycles/{cycle}/links"),
        SEEN | CYCLE | generic("path-param-invalid"),
        (LINKED,),
    ),
    Walk(
        "createTestCycleIssueLink",
        Call("POST", "/testcycles/{cycle}/links/issues", body=TO_ISSUE),
        ISSUE
        | CYCLE
        | {"issue-link-duplicate": TWICE, "body-field-type": Try(body={"issueId": "x"})},
        _read("/testcycles/{cycle}/links", "issues"),
        fresh="cycle",
    ),
    Walk(
        "createTestCycleWebLink",
        Call("POST", "/testcycles/{cycle}/links/weblinks", body=TO_PAGE),
        PAGES | CYCLE,
        _read("/testcycles/{cycle}/links", "webLinks"),
        fresh="cycle",
    ),
    Walk(
        "createTestPlanIssueLink",
        Call("POST", "/testplans/{plan}/links/issues", body=TO_ISSUE),
        ISSUE | PLAN | {"issue-link-duplicate": TWICE},
        _read("/testplans/{plan}", "links.issues"),
        fresh="plan",
    ),
    Walk(
        "createTestPlanWebLink",
        Call("POST", "/testplans/{plan}/links/weblinks", body=TO_PAGE),
        PAGES | PLAN | {"weblink-duplicate-url": TWICE},
        _read("/testplans/{plan}", "links.webLinks"),
        fresh="plan",
    ),
    Walk(
        "createTestPlanTestCycleLink",
        Call("POST", "/testplans/{plan}/links/testcycles", body={"testCycleIdOrKey": "{cycle}"}),
        REFUSED
        | PLAN
        | {
            "body-field-invalid": Try(body={"testCycleIdOrKey": "nope"}),
            "testcycle-missing": Try(body={"testCycleIdOrKey": "{unknown_cycle}"}),
            "cycle-link-duplicate": TWICE,
        },
        _read("/testplans/{plan}", "links.testCycles"),
        fresh="plan",
    ),
    Walk(
        "listTestExecutionLinks",
        Call("GET", "/testexecutions/{run}/links"),
        RUN | generic("path-param-invalid"),
        (LINKED,),
    ),
    Walk(
        "createTestExecutionIssueLink",
        Call("POST", "/testexecutions/{run}/links/issues", body=TO_ISSUE),
        ISSUE | RUN,
        _read("/testexecutions/{run}/links", "issues"),
    ),
    Walk(
        "deleteLink",
        Call("DELETE", "/links/{link}"),
        {
            "404": Try(names={"link": "{unknown_link}"}),
            "default 400": Try(names={"link": "x"}),
            "default 403": Try(where=REFUSED["no-permission"].where),
        },
        (Read(Call("GET", "/testcases/{linked_case}/links"), "webLinks"),),
        fresh="link",
        check=_nothing,
    ),
)
