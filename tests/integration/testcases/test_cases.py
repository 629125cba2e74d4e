"""Creating and reading test cases over HTTP."""

from typing import Any

import pytest

from contracts.ids import number_of
from kit.auth.principal import Scope
from tests.integration.testcases.site import Library, Site, fault

FIELDS = {
    "id",
    "key",
    "name",
    "project",
    "createdOn",
    "objective",
    "precondition",
    "estimatedTime",
    "labels",
    "component",
    "priority",
    "status",
    "folder",
    "owner",
    "testScript",
    "customFields",
    "links",
}

LONE_SURROGATE = rb'{"projectKey": "DEMO", "name": "\ud800"}'


async def option_ids(site: Site, path: str, **params: str) -> dict[str, int]:
    page = await site.read(path, projectKey=site.key, maxResults=100, **params)
    return {o["name"]: o["id"] for o in page["values"]}


async def test_a_new_case_reads_back_field_for_field(site: Site) -> None:
    folder = await site.create("/folders", name="Login", folderType="TEST_CASE")
    made = await site.create(
        "/testcases",
        name="Sees the login",
        objective="To see <b>it</b>",
        precondition="p",
        estimatedTime=138000,
        componentId=10001,
        priorityName="high",
        statusName="APPROVED",
        folderId=folder["id"],
        ownerId="5b10ac:8d82-e0",
        labels=["api", "ünï"],
        customFields={},
        surplus="ignored",
    )
    assert made == {
        "id": site.id(1),
        "self": site.url("/testcases/DEMO-T1"),
        "key": "DEMO-T1",
    }
    case = await site.read("/testcases/DEMO-T1")
    assert set(case) == FIELDS
    created = case.pop("createdOn")
    assert len(created) == len("2026-11-24T12:00:00Z")
    assert created.endswith("Z")
    priorities = await option_ids(site, "/priorities")
    statuses = await option_ids(site, "/statuses", statusType="TEST_CASE")
    jira = f"https://{site.tenant}.atlassian.net/rest/api/2"
    assert case == {
        "id": made["id"],
        "key": "DEMO-T1",
        "name": "Sees the login",
        "project": {"id": site.project, "self": site.url(f"/projects/{site.project}")},
        "objective": "To see <b>it</b>",
        "precondition": "p",
        "estimatedTime": 138000,
        "labels": ["api", "ünï"],
        "component": {"id": 10001, "self": f"{jira}/component/10001"},
        "priority": {
            "id": priorities["High"],
            "self": site.url(f"/priorities/{priorities['High']}"),
        },
        "status": {
            "id": statuses["Approved"],
            "self": site.url(f"/statuses/{statuses['Approved']}"),
        },
        "folder": folder,
        "owner": {"accountId": "5b10ac:8d82-e0", "self": f"{jira}/user?accountId=5b10ac%3A8d82-e0"},
        "testScript": {"self": site.url("/testcases/DEMO-T1/teststeps")},
        "customFields": {},
        "links": {
            "self": site.url("/testcases/DEMO-T1/links"),
            "issues": [],
            "webLinks": [],
        },
    }


async def test_the_least_case_has_defaults_nulls_and_one_empty_step(
    site: Site, stored: Any
) -> None:
    made = await site.create(
        "/testcases",
        name="Least",
        objective=None,
        estimatedTime=None,
        componentId=None,
        priorityName=None,
        statusName=None,
        folderId=None,
        ownerId=None,
        labels=None,
        customFields=None,
    )
    case = await site.read(f"/testcases/{made['key']}")
    assert set(case) == FIELDS
    nothing = ("objective", "precondition", "estimatedTime", "component", "folder", "owner")
    assert {case[n] for n in nothing} == {None}
    assert case["labels"] == []
    priorities = await option_ids(site, "/priorities")
    statuses = await option_ids(site, "/statuses", statusType="TEST_CASE")
    assert case["priority"]["id"] == priorities["Normal"]
    assert case["status"]["id"] == statuses["Draft"]
    row = await stored["testcases"].find_one({"tenant": site.tenant, "id": made["id"]})
    (step,) = row["script"]["steps"]
    assert row["script"]["type"] == "steps"
    assert set(step["inline"].values()) == {None}
    assert number_of(step["id"]) == 1
    # what was absent in one and null in the other is the same
    other = await site.create("/testcases", name="Least")
    twin = await site.read(f"/testcases/{other['key']}")
    same = FIELDS - {"id", "key", "testScript", "links", "createdOn"}
    assert {k: twin[k] for k in same} == {k: case[k] for k in same}


async def test_a_tenant_without_jira_gets_references_without_urls(library: Library) -> None:
    site = await library.site(jira=False)
    made = await site.create("/testcases", name="n", componentId=7, ownerId="abc")
    case = await site.read(f"/testcases/{made['key']}")
    assert case["component"] == {"id": 7}
    assert case["owner"] == {"accountId": "abc"}


async def test_numbers_increase_and_a_trailing_slash_is_answered_in_place(site: Site) -> None:
    keys = [(await site.create("/testcases/", name=f"c{i}"))["key"] for i in range(3)]
    assert keys == ["DEMO-T1", "DEMO-T2", "DEMO-T3"]
    assert await site.case_names() == ["c0", "c1", "c2"]


async def test_versions_and_links_of_a_case(site: Site) -> None:
    await site.create("/testcases", name="n")
    page = await site.read("/testcases/DEMO-T1/versions")
    (version,) = page.pop("values")
    assert page == {
        "next": None,
        "startAt": 0,
        "maxResults": 10,
        "total": 1,
        "isLast": True,
    }
    assert version == {"id": site.id(1), "self": site.url("/testcases/DEMO-T1/versions/1")}
    assert (await site.read("/testcases/DEMO-T1/versions", startAt=5))["values"] == []
    case = await site.read("/testcases/DEMO-T1")
    assert await site.read("/testcases/DEMO-T1/versions/1") == case
    assert await site.read("/testcases/DEMO-T1/links") == case["links"]
    for version_number in ("0", "2", "-1"):
        answer = await site.get(f"/testcases/DEMO-T1/versions/{version_number}")
        assert fault(answer)[0] == 404
    assert fault(await site.get("/testcases/DEMO-T1/versions/one"))[0] == 400


async def test_an_alias_of_the_project_key_names_the_same_case(site: Site) -> None:
    made = await site.create("/testcases", name="n")
    old = await site.library.add_project(site.tenant, "OLD", aliases=("NEWER",))
    await old.create("/testcases", name="aliased")
    assert (await old.read("/testcases/NEWER-T1"))["key"] == "OLD-T1"
    assert [c["name"] for c in (await old.read("/testcases", projectKey="NEWER"))["values"]] == [
        "aliased"
    ]
    assert (await old.create("/testcases", projectKey="NEWER", name="too"))["key"] == "OLD-T2"
    assert made["key"] == "DEMO-T1"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": None}, "name must not be null"),
        ({"name": ""}, "name must not be shorter than 1"),
        ({"name": "   "}, "name must not be blank"),
        ({"name": "a\x00b"}, "name must not contain NUL characters"),
        ({"name": "x" * 256}, "name must not be longer than 255"),
        ({"name": 7}, "name must be text"),
        ({"projectKey": None}, "projectKey must not be null"),
        ({"projectKey": "demo"}, "projectKey must match"),
        ({"estimatedTime": -1}, "estimatedTime must be greater than or equal to 0"),
        ({"estimatedTime": True}, "estimatedTime must be an integer"),
        ({"estimatedTime": "soon"}, "estimatedTime must be an integer"),
        ({"estimatedTime": 2**63}, "estimatedTime must be less than or equal to"),
        ({"componentId": 0}, "componentId must be greater than or equal to 1"),
        ({"folderId": 0}, "folderId must be greater than or equal to 1"),
        ({"folderId": 2**63}, "folderId must be less than or equal to"),
        ({"folderId": 4711}, "folder with id 4711 does not exist"),
        ({"ownerId": "no spaces here"}, "ownerId must match"),
        ({"labels": "api"}, "labels must be a list"),
        ({"labels": ["a", 1]}, "labels.1 must be text"),
        ({"labels": ["x"] * 51}, "not hold more than 50 labels"),
        ({"labels": ["ok", " "]}, "blank label"),
        ({"labels": ["two words"]}, "must not contain spaces"),
        ({"priorityName": ""}, "priorityName must not be shorter than 1"),
        ({"customFields": {"Build": "7"}}, "'Build'"),
        ({"customFields": ["Build"]}, "customFields must be an object"),
    ],
)
async def test_what_a_case_must_not_say(untouched: Site, body: dict[str, Any], words: str) -> None:
    status, message = await untouched.refused("/testcases", **{"name": "n", **body})
    assert status == 400
    assert words in message
    assert await untouched.case_names() == []


async def test_unknown_names_are_404(site: Site) -> None:
    for body in ({"statusName": "Nope"}, {"priorityName": "Nope"}):
        status, message = await site.refused("/testcases", name="n", **body)
        assert status == 404
        assert "'Nope'" in message
    # a status of another entity is no status of a case
    assert (await site.refused("/testcases", name="n", statusName="Blocked"))[0] == 404


async def test_folder_faults_are_400(site: Site) -> None:
    cycles = await site.create("/folders", name="Cycles", folderType="TEST_CYCLE")
    status, message = await site.refused("/testcases", name="n", folderId=cycles["id"])
    assert (status, "not of type TEST_CASE" in message) == (400, True)
    other = await site.library.add_project(site.tenant, "OTHER")
    elsewhere = await other.create("/folders", name="f", folderType="TEST_CASE")
    status, message = await site.refused("/testcases", name="n", folderId=elsewhere["id"])
    assert (status, "another project" in message) == (400, True)
    # a token that must not know the other project learns nothing of it
    narrow = site.as_(projects=[site.project])
    status, message = await narrow.refused("/testcases", name="n", folderId=elsewhere["id"])
    assert (status, "does not exist" in message) == (400, True)


async def test_what_is_no_json_and_what_is_too_much_of_it(untouched: Site) -> None:
    http = untouched.library.http
    for content in (
        b"",
        b"{",
        b"[]",
        b"nonsense",
        b'{"name": "\xff"}',
        b"[" * 10_000,
        LONE_SURROGATE,
    ):
        answer = await http.post("/v2/testcases", content=content, headers=untouched.headers)
        assert fault(answer)[0] == 400
    long = {"projectKey": "DEMO", "name": "n", "objective": "x" * 70_000}
    status, message = fault(await untouched.post("/testcases", long))
    assert (status, "65536" in message) == (413, True)


async def test_nobody_unknown_learns_what_is_wrong_with_a_body(library: Library) -> None:
    answer = await library.http.post("/v2/testcases", content=b"{")
    assert (answer.status_code, set(answer.json())) == (401, {"error"})
    answer = await library.http.get("/v2/testcases", params={"maxResults": "many"})
    assert (answer.status_code, set(answer.json())) == (401, {"error"})


async def test_reading_needs_read_and_writing_needs_write(site: Site) -> None:
    reader, writer = site.as_(scopes=[Scope.READ]), site.as_(scopes=[Scope.WRITE])
    body = {"projectKey": site.key, "name": "n", "folderType": "TEST_CASE", "type": "TEST_CASE"}
    for path in ("/testcases", "/folders", "/statuses", "/priorities", "/environments"):
        assert fault(await reader.post(path, body))[0] == 403
        assert fault(await writer.get(path))[0] == 403
        assert (await writer.post(path, body)).status_code == 201
        assert (await reader.get(path)).status_code == 200


async def test_keys_that_are_none_or_name_nothing(site: Site) -> None:
    await site.create("/testcases", name="n")
    for key in ("DEMO-T2", "DEMO-T01", "DEMO-T99999999999", "demo-T1", "X-T1", "DEMO-X-T1"):
        for tail in ("", "/links", "/versions", "/versions/1"):
            assert fault(await site.get(f"/testcases/{key}{tail}"))[0] == 404, key
    for key in ("DEMO-R1", "DEMO", "1"):
        assert fault(await site.get(f"/testcases/{key}"))[0] == 400, key
