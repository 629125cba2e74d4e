"""Scripts and steps of test cases."""

from collections.abc import Mapping
from typing import Any

from tests.conformance.furniture import FIELDS
from tests.conformance.walk import (
    LEFT_OUT,
    OFFSET,
    SEEN,
    Call,
    Names,
    Read,
    Try,
    Walk,
    custom_fields,
    foreign_fields,
    generic,
)

SCRIPT, STEPS = "/testcases/{case}/testscript", "/testcases/{case}/teststeps"
OF_TEXT = "/testcases/{text_case}"
INLINE = {
    "description": "do",
    "testData": "with",
    "expectedResult": "done",
    "customFields": FIELDS,
    "reflectRef": "r-1",
}
CALL = {
    "testCaseKey": "{text_case}",
    "parameters": [{"name": "p", "type": "DEFAULT_VALUE", "value": "v"}],
}
BODY = {"mode": "OVERWRITE", "items": [{"inline": INLINE}, {"testCase": CALL}]}
MISSING = Try(names={"case": "DEMO-T8000000"})


def _inline(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"items": [{"inline": {**INLINE, "customFields": fields}}]}


def _items(*items: Any) -> Try:
    return Try(body={"items": list(items)})


def _as_sent(names: Names, sent: Call, found: list[Any]) -> None:
    (read,) = found
    written, called = read
    assert written == {"id": written["id"], "inline": sent.body["items"][0]["inline"]} | {
        "testCase": None
    }
    assert called["inline"] is None
    assert called["testCase"]["testCaseKey"] == names["text_case"]
    assert called["testCase"]["parameters"] == CALL["parameters"]


WALKS = (
    Walk(
        "getTestCaseTestScript",
        Call("GET", f"{OF_TEXT}/testscript"),
        generic(
            "path-param-invalid",
            "not-found-or-no-access",
            "project-disabled",
            testcase_or_script_missing=Try(names={"text_case": "DEMO-T8000000"}),
            script_is_steps=Try(names={"text_case": "{case}"}),
        ),
        (Read(),),
        {"type": "plain", "text": "said"},
    ),
    Walk(
        "createTestCaseTestScript",
        Call("POST", SCRIPT, body={"type": "bdd", "text": "Given a shop\nWhen it opens"}),
        {
            "body-field-invalid": Try(body={"type": "prose"}),
            "bdd-not-gherkin": Try(body={"text": "It opens."}),
            "testcase-missing": MISSING,
            **generic("path-param-invalid", "body-not-json", "no-permission"),
            **SEEN,
        },
        (Read(Call("GET", SCRIPT)),),
        fresh="case",
    ),
    Walk(
        "getTestCaseTestSteps",
        Call("GET", STEPS, {"maxResults": 10, "startAt": 0}),
        {
            "testcase-missing": MISSING,
            "script-is-text": Try(names={"case": "{text_case}"}),
            **generic("path-param-invalid"),
            **OFFSET,
            **SEEN,
        },
        (Read(within="values", by={"id": "{step}"}),),
    ),
    Walk(
        "createTestCaseTestSteps",
        Call("POST", STEPS, body=BODY),
        {
            "body-field-invalid": _items({"inline": {**INLINE, "description": 7}}),
            "mode-invalid": Try(body={"mode": "MERGE"}),
            "steps-count": _items(),
            "step-malformed": _items({"inline": INLINE, "testCase": CALL}),
            "step-circular": _items({"testCase": {"testCaseKey": "{case}"}}),
            "step-target-missing": _items({"testCase": {"testCaseKey": "{unknown_case}"}}),
            "testcase-missing": MISSING,
            "cf-required-absent": _items({"inline": {**INLINE, "customFields": LEFT_OUT}}),
            **generic("path-param-invalid", "body-not-json", "no-permission"),
            **custom_fields(_inline),
            **foreign_fields(_inline),
            **SEEN,
        },
        (Read(Call("GET", STEPS), within="values"),),
        fresh="case",
        check=_as_sent,
    ),
)
