"""Folders."""

from tests.conformance.walk import Call, Read, Try, Walk, Where

LOCKED = Try(where=Where.LOCKED)

WALKS = (
    Walk(
        "listFolders",
        Call(
            "GET",
            "/folders",
            {
                "projectKey": "{project}",
                "folderType": "TEST_CASE",
                "maxResults": 100,
                "startAt": 0,
            },
        ),
        {
            "default 400": Try(params={"maxResults": -1}),
            "default 404": Try(params={"projectKey": "NOPE"}),
        },
        (Read(within="values", by={"id": "{folder_case}"}),),
        {"folderType": "TEST_CASE", "parentId": None},
    ),
    Walk(
        "createFolder",
        Call(
            "POST",
            "/folders",
            body={
                "parentId": "{folder_case}",
                "name": "walked",
                "projectKey": "{project}",
                "folderType": "TEST_CASE",
            },
        ),
        {
            "default 400": Try(body={"name": "a/b"}),
            "default 403": LOCKED,
            "default 404": Try(body={"projectKey": "NOPE"}),
        },
        (Read(Call("GET", "/folders/{made}")),),
        {"id": "{made}"},
    ),
    Walk(
        "getFolder",
        Call("GET", "/folders/{folder_case}"),
        {
            "404": Try(names={"folder_case": "{unknown}"}),
            "default 400": Try(names={"folder_case": "x"}),
        },
        (Read(),),
        {"id": "{folder_case}", "parentId": None, "folderType": "TEST_CASE"},
    ),
)
