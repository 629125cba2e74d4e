"""Test plans."""

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
    Read,
    Try,
    Walk,
    custom_fields,
    generic,
)
from tests.conformance.walks.testcases import LABELS

KEY = "/testplans/{plan}"
IN_LIST = Read(within="values", by={"id": "{plan_id}"})


def _values(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"customFields": fields}


WALKS = (
    Walk(
        "listTestPlans",
        Call("GET", "/testplans", {"projectKey": "{project}", "maxResults": 100, "startAt": 0}),
        OFFSET,
        (IN_LIST,),
    ),
    Walk(
        "listTestPlansCursorPaginated",
        Call(
            "GET",
            "/testplans/nextgen",
            {
                "projectKey": "{project}",
                "limit": 100,
                "startAtId": "{plan_id}",
                "updatedAfter": "2020-01-01T00:00:00Z",
            },
        ),
        CURSOR,
        (IN_LIST,),
    ),
    Walk(
        "createTestPlan",
        Call(
            "POST",
            "/testplans",
            body={
                "projectKey": "{project}",
                "name": "walked",
                "objective": "said <b>so</b>",
                "folderId": "{folder_plan}",
                "statusName": "Approved",
                "ownerId": "{account}",
                "labels": ["one", "two"],
                "customFields": FIELDS,
            },
        ),
        {
            "body-field-invalid": Try(body={"name": ""}),
            "body-field-type": Try(body={"folderId": "x"}),
            "body-folder-unknown": Try(body={"folderId": "{unknown}"}),
            "cf-required-absent": Try(body={"customFields": LEFT_OUT}),
            "status-name-unknown": Try(body={"statusName": "Nothing"}),
            **generic("body-not-json", "no-permission"),
            **LABELS,
            **custom_fields(_values),
            **KNOWN,
        },
        (Read(Call("GET", "/testplans/{made_key}")),),
        {"id": "{made}", "key": "{made_key}"},
    ),
    Walk(
        "getTestPlan",
        Call("GET", KEY),
        SEEN | generic("path-param-invalid", testplan_missing=Try(names={"plan": "DEMO-P8000000"})),
        (Read(),),
        {"id": "{plan_id}", "key": "{plan}"},
    ),
)
