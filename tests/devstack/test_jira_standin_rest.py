"""What an installed app can ask a site, and what is refused."""

from collections.abc import AsyncIterator

import pytest

from devstack.jira import demo
from devstack.standin.clock import Clock
from tests.devstack.jira_receiver import APP_KEY
from tests.devstack.jira_world import Wired, wired


@pytest.fixture
async def jira() -> AsyncIterator[Wired]:
    async with wired() as connected:
        await connected.act("install")
        yield connected


async def test_an_issue_by_id_and_by_key_in_any_case(jira: Wired) -> None:
    by_id = await jira.get("/rest/api/3/issue/10001")
    by_key = await jira.get("/rest/api/3/issue/demo-1")
    assert by_id.status_code == 200
    assert by_id.json() == by_key.json()
    assert by_id.json()["key"] == "DEMO-1"
    assert by_id.json()["fields"]["project"]["id"] == "10000"
    assert by_id.json()["fields"]["reporter"]["displayName"] == "Kenji Nakamura-Olsen"


async def test_chosen_fields(jira: Wired) -> None:
    some = await jira.get("/rest/api/3/issue/10001?fields=summary,status")
    most = await jira.get("/rest/api/3/issue/10001?fields=*all,-summary")
    assert set(some.json()["fields"]) == {"summary", "status"}
    assert "summary" not in most.json()["fields"]
    assert "status" in most.json()["fields"]


async def test_a_hidden_issue_reads_like_a_missing_one(jira: Wired) -> None:
    missing = await jira.get("/rest/api/3/issue/DEMO-999")
    await jira.control("issues", issue={"id": 10002, "hidden": True})
    hidden = await jira.get("/rest/api/3/issue/DEMO-2")
    assert missing.status_code == hidden.status_code == 404
    assert missing.json() == hidden.json()


async def test_a_moved_issue_is_found_under_its_old_key(jira: Wired) -> None:
    await jira.control("projects", project={"id": 10010, "key": "SHOP", "name": "Shop"})
    await jira.control("issues", issue={"id": 10003, "project_id": 10010})
    moved = await jira.get("/rest/api/3/issue/DEMO-3")
    assert moved.status_code == 200
    assert moved.json()["key"] == "SHOP-1"


async def test_a_new_issue_takes_the_next_number_and_no_number_twice(jira: Wired) -> None:
    await jira.control("projects", project={"id": 10010, "key": "SHOP", "name": "Shop"})
    await jira.control("issues", issue={"id": 10005, "project_id": 10010})
    created = await jira.control("issues", issue={"project_id": 10000, "summary": "New"})
    assert (created["id"], created["key"]) == (10006, "DEMO-6")


async def test_project_search_pages_and_filters(jira: Wired) -> None:
    for number in range(1, 4):
        project = {"id": 10010 + number, "key": f"P{number}", "name": f"Part {number}"}
        await jira.control("projects", project=project)
    page = (await jira.get("/rest/api/3/project/search?startAt=1&maxResults=2")).json()
    assert [project["key"] for project in page["values"]] == ["P1", "P2"]
    assert (page["total"], page["isLast"]) == (4, False)
    keyed = (await jira.get("/rest/api/3/project/search?keys=P3&keys=DEMO")).json()
    assert [project["key"] for project in keyed["values"]] == ["DEMO", "P3"]
    named = (await jira.get("/rest/api/3/project/search?query=webshop")).json()
    assert [project["id"] for project in named["values"]] == ["10000"]


async def test_a_project_by_id_key_and_former_key(jira: Wired) -> None:
    await jira.control("projects", project={"id": 10000, "key": "NORD", "name": "Renamed"})
    for wanted in ("10000", "NORD", "demo"):
        found = await jira.get(f"/rest/api/3/project/{wanted}")
        assert (found.status_code, found.json()["key"]) == (200, "NORD")
    assert (await jira.get("/rest/api/3/issue/DEMO-1")).json()["key"] == "NORD-1"
    missing = await jira.get("/rest/api/3/project/NOPE")
    assert missing.status_code == 404
    assert missing.json()["errorMessages"] == ["No project could be found with key 'NOPE'."]


async def test_a_project_barred_to_apps_does_not_exist(jira: Wired) -> None:
    barred = {"id": 10020, "key": "SECRET", "name": "Secret", "visible_to_apps": False}
    await jira.control("projects", project=barred)
    assert (await jira.get("/rest/api/3/project/SECRET")).status_code == 404
    assert (await jira.get("/rest/api/3/project/search?keys=SECRET")).json()["total"] == 0


async def test_users_in_bulk(jira: Wired) -> None:
    target = (
        f"/rest/api/3/user/bulk?accountId={demo.TESTER}&accountId={demo.DEVELOPER}"
        f"&accountId=unknown&accountId={demo.CLOSED}"
    )
    page = (await jira.get(target)).json()
    by_id = {user["accountId"]: user for user in page["values"]}
    assert set(by_id) == {demo.TESTER, demo.DEVELOPER, demo.CLOSED}
    assert by_id[demo.TESTER]["emailAddress"] == "tomas.dvorak@atelier-nord.example"
    assert "emailAddress" not in by_id[demo.DEVELOPER]
    assert by_id[demo.CLOSED]["active"] is False
    assert (page["maxResults"], page["isLast"]) == (10, True)
    assert (await jira.get("/rest/api/3/user/bulk")).status_code == 400


async def test_myself_is_the_app(jira: Wired) -> None:
    own = (await jira.get("/rest/api/3/myself")).json()
    assert (own["accountType"], own["displayName"]) == ("app", "Receiver")


@pytest.mark.parametrize(
    ("account", "projects", "global_permissions"),
    [(demo.TESTER, [], []), (demo.ADMIN, [10000], ["ADMINISTER"]), (None, [10000], ["ADMINISTER"])],
)
async def test_permissions_are_left_out_when_denied(
    jira: Wired, account: str | None, projects: list[int], global_permissions: list[str]
) -> None:
    body = {
        "accountId": account,
        "globalPermissions": ["ADMINISTER"],
        "projectPermissions": [
            {"permissions": ["EDIT_ISSUES"], "projects": [10000, 99], "issues": [10001, 98]},
            {"permissions": ["DELETE_ISSUES"], "projects": [10000]},
        ],
    }
    answer = (await jira.post("/rest/api/3/permissions/check", body)).json()
    found = {part["permission"]: part for part in answer["projectPermissions"]}
    assert found["EDIT_ISSUES"]["projects"] == [10000]
    assert found["EDIT_ISSUES"]["issues"] == [10001]
    assert found.get("DELETE_ISSUES", {}).get("projects", []) == projects
    assert answer["globalPermissions"] == global_permissions


async def test_permission_checks_of_bad_bodies_and_of_others(jira: Wired) -> None:
    path = "/rest/api/3/permissions/check"
    assert (await jira.post(path, {"globalPermissions": ["FLY"]})).status_code == 400
    assert (await jira.post(path, {"projectPermissions": "all"})).status_code == 400
    assert (await jira.post(path, ["x"])).status_code == 400
    await jira.control("policy", may_check_other_users=False)
    assert (await jira.post(path, {"accountId": demo.ADMIN})).status_code == 403
    assert (await jira.post(path, {})).status_code == 200


@pytest.mark.parametrize(
    ("state", "active", "evaluation"),
    [("active", True, False), ("evaluation", True, True), ("expired", False, False)],
)
async def test_licence_states(jira: Wired, state: str, active: bool, evaluation: bool) -> None:
    path = f"/rest/atlassian-connect/1/addons/{APP_KEY}"
    free = (await jira.get(path)).json()
    assert "license" not in free
    assert free["host"]["contacts"]
    await jira.control("sites/demo/licence", state=state)
    licence = (await jira.get(path)).json()["license"]
    assert (licence["active"], licence["evaluation"]) == (active, evaluation)
    assert (await jira.get("/rest/atlassian-connect/1/addons/other")).status_code == 404


@pytest.mark.parametrize(
    "claims",
    [
        {"qsh": "0" * 64},
        {"qsh": "context-qsh"},
        {"iss": "com.example.other"},
        {"iss": None},
        {"iat": 4_000_000_000, "exp": 4_000_000_180},
        {"exp": 1_000_000_000},
        {"exp": "soon"},
    ],
)
async def test_a_wrong_token_is_refused(jira: Wired, claims: dict[str, object]) -> None:
    answer = await jira.get("/rest/api/3/myself", **claims)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("JWT ")
    last = (await jira.view("calls"))["calls"][-1]
    assert (last["status"], last["auth"]) == (401, "jwt")
    assert last["reason"]


async def test_expiry_has_thirty_seconds_behind_and_none_ahead() -> None:
    async with wired(clock=Clock(1_800_000_000)) as jira:
        await jira.act("install")
        now = 1_800_000_000
        path = "/rest/api/3/myself"
        assert (await jira.get(path, exp=now - 29)).status_code == 200
        assert (await jira.get(path, exp=now - 30)).status_code == 401
        assert (await jira.get(path, iat=now + 1)).status_code == 401


async def test_the_query_is_part_of_the_hash(jira: Wired) -> None:
    signed = jira.authorization("GET", "/rest/api/3/project/search?keys=DEMO")
    other = await jira.client.get("/rest/api/3/project/search?keys=OTHER", headers=signed)
    same = await jira.client.get("/rest/api/3/project/search?keys=%44EMO", headers=signed)
    assert (other.status_code, same.status_code) == (401, 200)


async def test_scopes_do_not_nest() -> None:
    async with wired() as jira:
        jira.receiver.descriptor["scopes"] = ["WRITE"]
        await jira.act("install")
        answer = await jira.get("/rest/api/3/issue/10001")
    assert answer.status_code == 403
    assert "READ" in answer.json()["message"]


async def test_without_authorization_the_caller_is_anonymous_not_refused(jira: Wired) -> None:
    issue = await jira.client.get("/rest/api/3/issue/10001")
    projects = await jira.client.get("/rest/api/3/project/search")
    own = await jira.client.get("/rest/api/3/myself")
    assert (issue.status_code, projects.json()["total"], own.status_code) == (404, 0, 401)
    calls = (await jira.view("calls"))["calls"][-3:]
    assert {call["auth"] for call in calls} == {"anonymous"}
    bearer = await jira.client.get("/rest/api/3/myself", headers={"authorization": "Bearer x"})
    assert bearer.status_code == 401


async def test_a_get_with_a_body_is_forbidden(jira: Wired) -> None:
    target = "/rest/api/3/myself"
    headers = jira.authorization("GET", target)
    answer = await jira.client.request("GET", target, headers=headers, content=b"{}")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "target",
    [
        "/rest/api/3/field",
        "/rest/api/2/issue/10001",
        "/rest/api/3/project/search?expand=lead",
        "/rest/api/3/issue/10001?expand=names",
        "/anything",
    ],
)
async def test_what_is_not_played_is_said_and_recorded(jira: Wired, target: str) -> None:
    answer = await jira.get(target)
    assert answer.status_code == 501
    recorded = (await jira.view("unimplemented"))["unimplemented"]
    assert [entry["target"] for entry in recorded] == [target]


async def test_faults_and_suspension(jira: Wired) -> None:
    await jira.control(
        "faults", path="/rest/api/3/project", status=429, headers={"Retry-After": "2"}, times=1
    )
    limited = await jira.get("/rest/api/3/project/DEMO")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "2")
    assert (await jira.get("/rest/api/3/project/DEMO")).status_code == 200
    await jira.control("faults", status=200, body="<html>", times=None)
    assert (await jira.get("/rest/api/3/project/DEMO")).text == "<html>"
    await jira.client.delete("/control/faults")
    await jira.control("sites/demo/suspend", suspended=True)
    assert (await jira.get("/rest/api/3/project/DEMO")).status_code == 503


async def test_assumptions_are_listed(jira: Wired) -> None:
    listed = (await jira.view("assumptions"))["assumptions"]
    assert {"id", "text"} == set(listed[0])
    assert "scopes-flat" in {assumption["id"] for assumption in listed}
