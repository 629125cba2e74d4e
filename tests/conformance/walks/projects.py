"""Projects and the health check."""

from tests.conformance.walk import Call, Read, Try, Walk

PROJECT = {"id": "{project_id}", "key": "{project}", "enabled": True}

WALKS = (
    Walk(
        "listProjects",
        Call("GET", "/projects", {"maxResults": 100, "startAt": 0}),
        {"default 400": Try(params={"maxResults": -1})},
        (Read(within="values", by={"id": "{project_id}"}),),
        PROJECT,
    ),
    Walk(
        "getProject",
        Call("GET", "/projects/{project}"),
        {"404": Try(names={"project": "NOPE"}), "default 400": Try(names={"project": "nope"})},
        (Read(), Read(Call("GET", "/projects/{project_id}"))),
        PROJECT,
    ),
    Walk("healthcheck", Call("GET", "/healthcheck"), {}),
)
