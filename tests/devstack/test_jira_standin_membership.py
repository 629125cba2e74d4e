"""Groups, roles, user search and server info, set by control and read by an app."""

from collections.abc import AsyncIterator

import pytest

from devstack.jira import demo
from tests.devstack.jira_world import Wired, wired

GROUP = "6f7d2a3e-0c55-4e0a-9d0a-2a1b5c7d9e01"


@pytest.fixture
async def jira() -> AsyncIterator[Wired]:
    async with wired() as connected:
        connected.receiver.descriptor["scopes"] = ["READ", "ADMIN"]
        await connected.act("install")
        yield connected


async def names_of(jira: Wired, account_id: str) -> dict[str, str]:
    answer = await jira.get(f"/rest/api/3/user/groups?accountId={account_id}")
    assert answer.status_code == 200, answer.text
    return {group["name"]: group["groupId"] for group in answer.json()}


async def test_groups_of_a_user_have_ids_that_stay(jira: Wired) -> None:
    tester = await names_of(jira, demo.TESTER)
    manager = await names_of(jira, demo.MANAGER)
    assert set(tester) == {demo.USERS, demo.TESTERS}
    assert tester[demo.USERS] == manager[demo.USERS]
    bulk = (await jira.get("/rest/api/3/group/bulk")).json()
    assert {g["name"] for g in bulk["values"]} == {demo.ADMINS, demo.USERS, demo.TESTERS}
    one = await jira.get(f"/rest/api/3/group/bulk?groupId={tester[demo.TESTERS]}")
    assert [g["name"] for g in one.json()["values"]] == [demo.TESTERS]


async def test_members_are_replaced_and_may_be_nobody(jira: Wired) -> None:
    group = {"id": GROUP, "name": "release-team"}
    await jira.control("groups", group=group, members=[demo.TESTER, demo.MANAGER])
    assert (await names_of(jira, demo.TESTER))["release-team"] == GROUP
    await jira.control("groups", group={"id": GROUP}, members=[demo.MANAGER])
    assert "release-team" not in await names_of(jira, demo.TESTER)
    assert "release-team" in await names_of(jira, demo.MANAGER)
    await jira.control("groups", group={"id": GROUP}, members=[])
    assert "release-team" not in await names_of(jira, demo.MANAGER)
    assert GROUP in (await jira.get("/rest/api/3/group/bulk")).text


async def test_a_name_belongs_to_one_group(jira: Wired) -> None:
    known = (await names_of(jira, demo.TESTER))[demo.TESTERS]
    members = [demo.TESTER, demo.MANAGER]
    order = {"group": {"id": GROUP, "name": demo.TESTERS}, "members": members}
    refused = await jira.client.post("/control/groups", json=order)
    assert (refused.status_code, known in refused.json()["error"]) == (409, True)
    assert demo.TESTERS not in await names_of(jira, demo.MANAGER)
    # by its name alone, or with the id that it has
    for group in ({"name": demo.TESTERS}, {"id": known, "name": demo.TESTERS}):
        made = await jira.control("groups", group=group, members=members)
        assert (made["id"], made["name"]) == (known, demo.TESTERS)
        assert (await names_of(jira, demo.MANAGER))[demo.TESTERS] == known
    # nor does a rename take the name of another
    await jira.control("groups", group={"id": GROUP, "name": "release-team"})
    order = {"group": {"id": GROUP, "name": demo.TESTERS}}
    assert (await jira.client.post("/control/groups", json=order)).status_code == 409
    listed = (await jira.get("/rest/api/3/group/bulk")).json()["values"]
    assert [g["groupId"] for g in listed if g["name"] == demo.TESTERS] == [known]


@pytest.mark.parametrize(
    ("lever", "order", "said"),
    [
        (
            "users",
            {"user": {"account_id": "1", "display_name": "A", "active": "perhaps"}},
            "user.email is missing; user.active must be true or false",
        ),
        ("users", {"user": 5}, "user must be an object"),
        ("users", {}, "user is missing"),
        ("groups", {"group": {}}, "a group needs an id, a name or both"),
        ("groups", {"group": {"id": "x", "nam": "y"}}, "group.nam is not known"),
        ("groups", {"group": {"id": 5}, "members": "x"}, "group.id must be text; members must be"),
        ("roles", {"project": None, "role": {"id": "x"}}, "project must be a whole number; "),
        ("roles", {"project": "DEMO", "role": {"id": "x"}}, "role.id must be a whole number"),
        ("clock/advance", {"seconds": "soon"}, "seconds must be a number"),
        ("key-servers", {"fault": "tired"}, "fault must be 'none', "),
        ("sites/demo/licence", {"state": "x"}, "state must be "),
        ("clock/advance", [], "the body must be an object"),
    ],
)
async def test_control_says_in_plain_words_what_is_wrong(
    jira: Wired, lever: str, order: object, said: str
) -> None:
    answer = await jira.client.post(f"/control/{lever}", json=order)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(said), answer.json()["error"]
    assert "pydantic" not in answer.text


async def test_control_says_that_a_body_is_no_json(jira: Wired) -> None:
    answer = await jira.client.post("/control/users", content=b"{")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("the body is not valid JSON: ")


async def test_a_renamed_group_keeps_members_and_grants(jira: Wired) -> None:
    group_id = (await names_of(jira, demo.ADMIN))[demo.ADMINS]
    await jira.control("groups", group={"id": group_id, "name": "rulers"}, members=[demo.ADMIN])
    assert (await names_of(jira, demo.ADMIN))["rulers"] == group_id
    body = {"accountId": demo.ADMIN, "globalPermissions": ["ADMINISTER"]}
    answer = await jira.post("/rest/api/3/permissions/check", body)
    assert answer.json()["globalPermissions"] == ["ADMINISTER"]


async def test_roles_with_their_actors(jira: Wired) -> None:
    group_id = (await names_of(jira, demo.TESTER))[demo.TESTERS]
    await jira.control(
        "roles",
        project="DEMO",
        role={"id": 10100, "name": "Testers"},
        actors=[{"accountId": demo.DEVELOPER}, {"groupId": group_id}],
    )
    listed = (await jira.get("/rest/api/3/project/DEMO/role")).json()
    assert set(listed) == {"Administrators", "Member", "Testers"}
    target = listed["Testers"].removeprefix("http://jira.test")
    role = (await jira.get(target)).json()
    assert (role["id"], role["name"]) == (10100, "Testers")
    person, group = role["actors"]
    assert person["type"] == "atlassian-user-role-actor"
    assert person["actorUser"] == {"accountId": demo.DEVELOPER}
    assert person["displayName"] == "Aiyana Whitefeather"
    assert group["type"] == "atlassian-group-role-actor"
    assert (group["actorGroup"]["groupId"], group["actorGroup"]["name"]) == (
        group_id,
        demo.TESTERS,
    )
    await jira.control("roles", project=10000, role={"id": 10100}, actors=[])
    assert (await jira.get(target)).json()["actors"] == []


async def test_roles_belong_to_their_project(jira: Wired) -> None:
    await jira.control("projects", project={"id": 10010, "key": "SHOP", "name": "Shop"})
    role = (await jira.get("/rest/api/3/project/SHOP/role/10003")).json()
    assert role["actors"] == []
    assert (await jira.get("/rest/api/3/project/NOPE/role")).status_code == 404
    assert (await jira.get("/rest/api/3/project/DEMO/role/77")).status_code == 404
    assert (await jira.get("/rest/api/3/project/NOPE/role/10003")).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("groups", {"group": {"id": GROUP}, "members": ["nobody"]}, 404),
        ("roles", {"project": "NOPE", "role": {"id": 1}}, 404),
        ("roles", {"project": 10000, "role": {"id": 1}, "actors": [{}]}, 400),
        ("roles", {"project": 10000, "role": {"id": 1}, "actors": [{"groupId": "x"}]}, 404),
        ("roles", {"project": 10000, "role": {"id": 1}, "actors": [{"accountId": "x"}]}, 404),
    ],
)
async def test_wrong_orders_are_told(
    jira: Wired, path: str, body: dict[str, object], status: int
) -> None:
    answer = await jira.client.post(f"/control/{path}", json=body)
    assert answer.status_code == status


async def test_group_bulk_needs_admin() -> None:
    async with wired() as jira:
        await jira.act("install")
        assert (await jira.get("/rest/api/3/group/bulk")).status_code == 403
        assert (await jira.get(f"/rest/api/3/user/groups?accountId={demo.ADMIN}")).is_success


async def test_unknown_and_missing_accounts(jira: Wired) -> None:
    assert (await jira.get("/rest/api/3/user/groups?accountId=nobody")).status_code == 404
    assert (await jira.get("/rest/api/3/user/groups")).status_code == 400
    assert (await jira.get("/rest/api/3/user?accountId=nobody")).status_code == 404
    assert (await jira.get("/rest/api/3/user")).status_code == 400
    assert (await jira.get("/rest/api/3/user/search")).status_code == 400


async def test_users_one_by_one_and_by_search(jira: Wired) -> None:
    one = (await jira.get(f"/rest/api/3/user?accountId={demo.TESTER}")).json()
    assert one["displayName"] == "Tomáš Dvořák"
    found = (await jira.get("/rest/api/3/user/search?query=dvo")).json()
    assert [user["accountId"] for user in found] == [demo.TESTER]
    mail = (await jira.get("/rest/api/3/user/search?query=aiyana.w%40")).json()
    assert mail == []  # her address is hidden
    page = (await jira.get("/rest/api/3/user/search?query=&startAt=1&maxResults=2")).json()
    assert len(page) == 2
    by_id = await jira.get(f"/rest/api/3/user/search?accountId={demo.MANAGER}")
    assert [user["accountId"] for user in by_id.json()] == [demo.MANAGER]


async def test_server_info_and_its_version(jira: Wired) -> None:
    info = (await jira.client.get("/rest/api/3/serverInfo")).json()
    assert (info["deploymentType"], info["baseUrl"]) == ("Cloud", "http://jira.test")
    assert info["versionNumbers"] == [1001, 0, 0]
    await jira.control("sites/demo/version", version="1002.3.4")
    info = (await jira.get("/rest/api/3/serverInfo")).json()
    assert (info["version"], info["versionNumbers"]) == ("1002.3.4", [1002, 3, 4])
