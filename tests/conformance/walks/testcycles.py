"""Test cycles."""

from collections.abc import Mapping
from typing import Any

from tests.conformance.furniture import FIELDS
from tests.conformance.stage import BARE
from tests.conformance.walk import (
    CURSOR,
    KNOWN,
    LEFT_OUT,
    OFFSET,
    SEEN,
    Call,
    Read,
    Try,
    Walk,
    custom_fields,
    foreign_fields,
    generic,
)

KEY = "/testcycles/{cycle}"
FILTERS = {
    "projectKey": "{project}",
    "folderId": "{folder_cycle}",
    "jiraProjectVersionId": "{version}",
}
BODY = {
    "name": "walked",
    "description": "said <b>so</b>",
    "plannedStartDate": "2026-11-24T08:00:00Z",
    "plannedEndDate": "2026-11-25T08:00:00Z",
    "customFields": FIELDS,
}
UPDATED = {
    "id": "{cycle_id}",
    "key": "{cycle}",
    "project": {"id": "{project_id}"},
    "jiraProjectVersion": {"id": "{version}"},
    "status": {"id": "{status_cycle}"},
    "folder": {"id": "{folder_cycle}"},
    "owner": {"accountId": "{account}"},
}
IN_LIST = Read(within="values", by={"id": "{cycle_id}"})
MISSING = Try(names={"cycle": "DEMO-R8000000"})
FILTER = {"filter-folder-unknown": Try(params={"folderId": "{unknown}"})}


def _values(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"customFields": fields}


FILLED = custom_fields(_values) | foreign_fields(_values)

WALKS = (
    Walk(
        "listTestCycles",
        Call("GET", "/testcycles", FILTERS | {"maxResults": 100, "startAt": 0}),
        OFFSET | KNOWN | FILTER,
        (IN_LIST,),
    ),
    Walk(
        "listTestCyclesCursorPaginated",
        Call(
            "GET",
            "/testcycles/nextgen",
            FILTERS
            | {"limit": 100, "startAtId": "{cycle_id}", "updatedAfter": "2020-01-01T00:00:00Z"},
        ),
        CURSOR | KNOWN | FILTER,
        (IN_LIST,),
    ),
    Walk(
        "createTestCycle",
        Call(
            "POST",
            "/testcycles",
            body={
                "projectKey": "{project}",
                "jiraProjectVersion": "{version}",
                "statusName": "Done",
                "folderId": "{folder_cycle}",
                "ownerId": "{account}",
                **BODY,
            },
        ),
        {
            "body-field-invalid": Try(body={"name": ""}),
            "body-field-type": Try(body={"plannedStartDate": "tomorrow"}),
            "body-folder-unknown": Try(body={"folderId": "{unknown}"}),
            "folder-type-mismatch": Try(body={"folderId": "{folder_case}"}),
            "cf-required-absent": Try(body={"customFields": LEFT_OUT}),
            "status-name-unknown": Try(body={"statusName": "Nothing"}),
            "no-default-status": Try(
                body={
                    "projectKey": BARE,
                    **dict.fromkeys(("statusName", "folderId", "customFields"), LEFT_OUT),
                }
            ),
            "jira-entity-missing": Try(body={"jiraProjectVersion": "{removed_version}"}),
            **generic("body-not-json", "no-permission"),
            **FILLED,
            **KNOWN,
        },
        (Read(Call("GET", "/testcycles/{made_key}")),),
        {"id": "{made}", "key": "{made_key}"},
    ),
    Walk(
        "getTestCycle",
        Call("GET", KEY),
        SEEN | generic("path-param-invalid", testcycle_missing=MISSING),
        (Read(),),
        {"id": "{cycle_id}", "key": "{cycle}"},
    ),
    Walk(
        "updateTestCycle",
        Call("PUT", KEY, body=UPDATED | BODY),
        {
            "body-field-invalid": Try(body={"name": ""}),
            "body-field-type": Try(body={"plannedStartDate": "tomorrow"}),
            "status-id-unknown": Try(body={"status": {"id": "{unknown}"}}),
            "cf-not-all-present": Try(body={"customFields": {"Text": "alone"}}),
            "body-folder-unknown": Try(body={"folder": {"id": "{unknown}"}}),
            "folder-type-mismatch": Try(body={"folder": {"id": "{folder_case}"}}),
            "testcycle-missing": MISSING,
            **generic("body-not-json", "path-param-invalid", "no-permission"),
            **{cause: t for cause, t in FILLED.items() if cause != "cf-required-missing"},
            **SEEN,
        },
        (Read(Call("GET", KEY)),),
        fresh="cycle",
    ),
)
