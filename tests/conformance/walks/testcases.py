"""Test cases and their versions."""

from collections.abc import Mapping
from typing import Any

from tests.conformance.furniture import FIELDS
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
    foreign_fields,
    generic,
)

KEY = "/testcases/{case}"
BODY = {
    "name": "walked",
    "objective": "said <b>so</b>",
    "precondition": "none",
    "estimatedTime": 60_000,
    "labels": ["one", "two"],
    "customFields": FIELDS,
}
UPDATED = {
    "id": "{case_id}",
    "key": "{case}",
    "project": {"id": "{project_id}"},
    "priority": {"id": "{priority}"},
    "status": {"id": "{status_case}"},
    "component": {"id": 10_100},
    "folder": {"id": "{folder_case}"},
    "owner": {"accountId": "{account}"},
}
ONE = Read(Call("GET", KEY))
IN_LIST = Read(within="values", by={"id": "{case_id}"})
MISSING = Try(names={"case": "DEMO-T8000000"})


def _values(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"customFields": fields}


LABELS = {
    "labels-over-50": Try(body={"labels": [f"l{n}" for n in range(51)]}),
    "label-blank": Try(body={"labels": [" "]}),
    "label-has-space": Try(body={"labels": ["a b"]}),
}
FOLDERS = {
    "body-folder-unknown": Try(body={"folderId": "{unknown}"}),
    "folder-type-mismatch": Try(body={"folderId": "{folder_cycle}"}),
    "folder-other-project": Try(body={"folderId": "{other_folder}"}),
}
REQUIRED = {"cf-required-absent": Try(body={"customFields": LEFT_OUT})}
FILLED = custom_fields(_values) | foreign_fields(_values) | REQUIRED


def _versions(names: Names, _: Call, found: list[Any]) -> None:
    ((*versions,),) = found
    ends = [f"/testcases/{names['case']}/versions/{n}" for n in (2, 1)]
    assert [v["self"][-len(end) :] for v, end in zip(versions, ends, strict=True)] == ends


WALKS = (
    Walk(
        "listTestCases",
        Call(
            "GET",
            "/testcases",
            {
                "projectKey": "{project}",
                "folderId": "{folder_case}",
                "maxResults": 100,
                "startAt": 0,
            },
        ),
        OFFSET | KNOWN,
        (IN_LIST,),
    ),
    Walk(
        "listTestCasesCursorPaginated",
        Call(
            "GET",
            "/testcases/nextgen",
            {
                "projectKey": "{project}",
                "folderId": "{folder_case}",
                "limit": 100,
                "startAtId": "{case_id}",
                "updatedAfter": "2020-01-01T00:00:00Z",
            },
        ),
        CURSOR | KNOWN,
        (IN_LIST,),
    ),
    Walk(
        "createTestCase",
        Call(
            "POST",
            "/testcases",
            body={
                "projectKey": "{project}",
                "componentId": 10_100,
                "priorityName": "High",
                "statusName": "Approved",
                "folderId": "{folder_case}",
                "ownerId": "{account}",
                **BODY,
            },
        ),
        {
            "body-field-invalid": Try(body={"name": " "}),
            "body-field-type": Try(body={"estimatedTime": "long"}),
            "status-name-unknown": Try(body={"statusName": "Nothing"}),
            "priority-name-unknown": Try(body={"priorityName": "Nothing"}),
            **generic("body-not-json", "no-permission"),
            **FOLDERS,
            **LABELS,
            **FILLED,
            **KNOWN,
        },
        (Read(Call("GET", "/testcases/{made_key}")),),
        {"id": "{made}", "key": "{made_key}"},
    ),
    Walk(
        "getTestCase",
        Call("GET", KEY),
        SEEN | generic("path-param-invalid", testcase_missing=MISSING),
        (Read(),),
        {"id": "{case_id}", "key": "{case}"},
    ),
    Walk(
        "updateTestCase",
        Call("PUT", KEY, body=UPDATED | BODY),
        {
            "body-field-invalid": Try(body={"name": ""}),
            "body-field-type": Try(body={"estimatedTime": "long"}),
            "body-key-differs": Try(body={"key": "{text_case}"}),
            "body-project-differs": Try(body={"project": {"id": "{other_project_id}"}}),
            "body-folder-unknown": Try(body={"folder": {"id": "{unknown}"}}),
            "folder-type-mismatch": Try(body={"folder": {"id": "{folder_cycle}"}}),
            "folder-other-project": Try(body={"folder": {"id": "{other_folder}"}}),
            "status-id-unknown": Try(body={"status": {"id": "{unknown}"}}),
            "priority-id-unknown": Try(body={"priority": {"id": "{unknown}"}}),
            "body-id-unknown": Try(body={"id": "{unknown}"}),
            **generic("body-not-json", "no-permission"),
            **LABELS,
            **FILLED,
            **SEEN,
        },
        (ONE,),
        fresh="case",
    ),
    Walk(
        "listTestCaseVersions",
        Call("GET", f"{KEY}/versions", {"maxResults": 10, "startAt": 0}),
        SEEN | OFFSET | generic("path-param-invalid"),
        (Read(within="values"),),
        check=_versions,
    ),
    Walk(
        "getTestCaseVersion",
        Call("GET", f"{KEY}/versions/{{one}}"),
        SEEN | generic("path-param-invalid", "path-param-not-number", testcase_missing=MISSING),
        (Read(),),
        {"id": "{case_id}", "key": "{case}"},
    ),
)
