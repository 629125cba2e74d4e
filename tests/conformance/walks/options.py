"""Statuses, priorities and environments."""

from typing import Any

from tests.conformance.furniture import ENVIRONMENT
from tests.conformance.walk import Call, Read, Try, Walk, Where

LISTED = {"projectKey": "{project}", "maxResults": 100, "startAt": 0}
LIST = {
    "default 400": Try(params={"maxResults": -1}),
    "default 404": Try(params={"projectKey": "NOPE"}),
}
CREATE = {
    "default 400": Try(body={"name": ""}),
    "default 403": Try(where=Where.LOCKED),
    "default 404": Try(body={"projectKey": "NOPE"}),
}
NEW = {"projectKey": "{project}", "description": "said"}
COLORED = NEW | {"color": "#a1B2c3"}


def _update(ident: str, index: int, **more: Any) -> dict[str, Any]:
    return {
        "id": ident,
        "project": {"id": "{project_id}"},
        "name": f"renamed {ident}",
        "description": "said",
        "index": index,
        **more,
    }


def _updated(name: str) -> dict[str, Try]:
    return {
        "404": Try(names={name: "{unknown}"}),
        "default 400": Try(body={"name": ""}),
        "default 403": Try(where=Where.LOCKED),
    }


def _walks(kind: str, one: str, name: str) -> tuple[Walk, Walk]:
    """GET of a list and of one."""
    listed = LISTED | ({"statusType": "TEST_CASE"} if kind == "statuses" else {})
    found = Read(within="values", by={"id": f"{{{name}}}"})
    many = {"statuses": "Statuses", "priorities": "Priorities", "environments": "Environments"}
    path = f"/{kind}/{{{name}}}"
    return (
        Walk(f"list{many[kind]}", Call("GET", f"/{kind}", listed), LIST, (found,)),
        Walk(
            f"get{one}",
            Call("GET", path),
            {
                f"{one.lower()}-missing": Try(names={name: "{unknown}"}),
                "default 400": Try(names={name: "x"}),
            },
            (Read(),),
            {"id": f"{{{name}}}"},
        ),
    )


WALKS = (
    *_walks("statuses", "Status", "status_case"),
    Walk(
        "createStatus",
        Call("POST", "/statuses", body=COLORED | {"name": "walked", "type": "TEST_PLAN"}),
        CREATE,
        (
            # what shows no type is listed by it
            Read(
                Call("GET", "/statuses", LISTED | {"statusType": "TEST_PLAN"}),
                "values",
                {"id": "{made}"},
            ),
        ),
    ),
    Walk(
        "updateStatus",
        Call(
            "PUT",
            "/statuses/{new_status}",
            body=_update("{new_status}", 1, archived=True, default=False, color="#a1B2c3"),
        ),
        _updated("new_status"),
        (Read(Call("GET", "/statuses/{new_status}")),),
        fresh="status",
    ),
    *_walks("priorities", "Priority", "priority"),
    Walk(
        "createPriority",
        Call("POST", "/priorities", body=COLORED | {"name": "walked"}),
        CREATE,
        (Read(Call("GET", "/priorities/{made}")),),
        {"id": "{made}"},
    ),
    Walk(
        "updatePriority",
        Call(
            "PUT",
            "/priorities/{new_priority}",
            body=_update("{new_priority}", 1, default=False, color="#a1B2c3"),
        ),
        _updated("new_priority"),
        (Read(Call("GET", "/priorities/{new_priority}")),),
        fresh="priority",
    ),
    *_walks("environments", "Environment", "environment"),
    Walk(
        "createEnvironment",
        Call("POST", "/environments", body=NEW | {"name": "walked"}),
        {
            "env-name-duplicate": Try(body={"name": ENVIRONMENT}),
            "name-empty": Try(body={"name": ""}),
            "project-no-access": Try(body={"projectKey": "NOPE"}),
            "body-project-differs": Try(body={"projectKey": "NOPE"}),
            "default 403": Try(where=Where.LOCKED),
        },
        (Read(Call("GET", "/environments/{made}")),),
        {"id": "{made}"},
    ),
    Walk(
        "updateEnvironment",
        Call(
            "PUT",
            "/environments/{new_environment}",
            body=_update("{new_environment}", 0),
        ),
        {
            "env-name-duplicate": Try(body={"name": ENVIRONMENT}),
            "name-empty": Try(body={"name": ""}),
            "project-no-access": Try(body={"project": {"id": 1}}),
            "body-project-differs": Try(body={"project": {"id": "{other_project_id}"}}),
            "index-invalid": Try(body={"index": -1}),
            "404": Try(names={"new_environment": "{unknown}"}),
            "default 403": Try(where=Where.LOCKED),
        },
        (Read(Call("GET", "/environments/{new_environment}")),),
        fresh="environment",
    ),
)
