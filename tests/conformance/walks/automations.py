"""Uploads of results, and the download of BDD test cases."""

import io
import json
import zipfile
from typing import Any

from tests.conformance.furniture import FIELDS, VERSION
from tests.conformance.walk import Call, Names, Read, Try, Walk, Where

CYCLE = {
    "name": "walked",
    "description": "said <b>so</b>",
    "jiraProjectVersion": VERSION,
    "folderId": "{folder_cycle}",
    "customFields": FIELDS,
}
CUSTOM = {
    "version": 1,
    "executions": [
        {
            "source": "shop.Cart",
            "result": "Passed",
            "testCase": {"name": "custom walked", "comment": "said"},
        }
    ],
}
CUCUMBER = [
    {
        "name": "shop",
        "elements": [
            {
                "type": "scenario",
                "name": "cucumber walked",
                "steps": [{"keyword": "Given ", "name": "a", "result": {"status": "passed"}}],
            }
        ],
    }
]
JUNIT = '<testsuite><testcase classname="shop" name="junit walked"/></testsuite>'
QUERY = {"projectKey": "{project}", "autoCreateTestCases": "true"}


def _upload(operation: str, kind: str, name: str, content: str) -> Walk:
    def parts(text: str) -> dict[str, Any]:
        return {
            "file": (name, text.encode(), "application/octet-stream"),
            "testCycle": (None, CYCLE, "application/json"),
        }

    return Walk(
        operation,
        Call("POST", f"/automations/executions/{kind}", QUERY, files=parts(content)),
        {
            "default 400": Try(files=parts("?")),
            "default 403": Try(where=Where.LOCKED),
            "default 404": Try(params={"projectKey": "NOPE"}),
        },
        (
            Read(Call("GET", "/testcycles/{made_key}")),
            Read(Call("GET", "/testexecutions", {"testCycle": "{made_key}"}), "values"),
        ),
        {"id": "{made}", "key": "{made_key}"},
        check=_one_run,
    )


def _one_run(names: Names, _: Call, found: list[Any]) -> None:
    (run,) = found[1]
    assert run["testCycle"]["id"] == names["made"]
    assert names["options"]["statuses"][run["testExecutionStatus"]["id"]] == "Pass"


def _feature(names: Names, _: Call, found: list[Any]) -> None:
    with zipfile.ZipFile(io.BytesIO(found[0].content)) as archive:
        text = archive.read(f"{names['bdd_case']}.feature").decode()
    assert f"    @TestCaseKey={names['bdd_case']}\n" in text
    assert "        Given a shop" in text


WALKS = (
    _upload("createCustomExecutions", "custom", "r.json", json.dumps(CUSTOM)),
    _upload("createCucumberExecutions", "cucumber", "r.json", json.dumps(CUCUMBER)),
    _upload("createJUnitExecutions", "junit", "r.xml", JUNIT),
    Walk(
        "retrieveBDDTestCases",
        Call(
            "GET",
            "/automations/testcases",
            {"projectKey": "{project}"},
            headers={"accept": "application/zip"},
        ),
        {
            "default 400": Try(headers={"accept": "text/html"}),
            "default 404": Try(params={"projectKey": "NOPE"}),
        },
        (Read(),),
        check=_feature,
    ),
)
