"""Webhooks of descriptor modules: what is told of each change, how it is signed and tried again."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from devstack.jira import demo
from devstack.standin.clock import Clock
from tests.devstack.jira_receiver import Receiver
from tests.devstack.jira_world import Wired, wired

EVENTS = (
    *("jira:issue_created", "jira:issue_updated", "jira:issue_deleted"),
    *("issuelink_created", "issuelink_deleted"),
    *("project_created", "project_updated", "project_deleted", "project_soft_deleted"),
    *("project_restored_deleted", "project_archived", "project_restored_archived"),
    *("jira:version_created", "jira:version_updated", "jira:version_released"),
    *("jira:version_unreleased", "jira:version_deleted", "jira:version_moved"),
    *("component_created", "component_updated", "component_deleted"),
    *("user_created", "user_updated", "user_deleted"),
)
NOW = 1_800_000_000
SHOP = {"id": 10010, "key": "SHOP", "name": "Shop", "lead_account_id": demo.MANAGER}


def listening(receiver: Receiver, *modules: dict[str, Any]) -> None:
    receiver.descriptor["modules"] = {
        "webhooks": list(modules) or [{"event": event, "url": "/hooks/all"} for event in EVENTS]
    }


@pytest.fixture
async def jira() -> AsyncIterator[Wired]:
    async with wired(clock=Clock(NOW), seed=3) as connected:
        listening(connected.receiver)
        connected.receiver.descriptor["scopes"] = ["READ", "WRITE", "DELETE"]
        await connected.act("install")
        yield connected


async def test_nothing_is_sent_before_it_is_asked_for(jira: Wired) -> None:
    await jira.control("issues", issue={"project_id": 10000, "summary": "New"})
    assert not jira.receiver.webhooks
    queue = (await jira.view("webhooks"))["queue"]
    assert [waiting["event"] for waiting in queue] == ["jira:issue_created"]
    assert await jira.deliver() == ["delivered"]
    assert await jira.deliver() == []
    assert jira.heard() == ["jira:issue_created"]


async def test_an_issue_from_creation_to_deletion(jira: Wired) -> None:
    made = await jira.control("issues", issue={"project_id": 10000, "summary": "New"})
    await jira.control("issues", issue={"id": made["id"], "assignee": demo.TESTER})
    await jira.control("issues", issue={"id": made["id"], "assignee": demo.TESTER})
    await jira.control(f"issues/{made['id']}/delete")
    await jira.deliver()
    assert jira.heard() == ["jira:issue_created", "jira:issue_updated", "jira:issue_deleted"]
    created, updated, deleted = [webhook.body for webhook in jira.receiver.webhooks]
    assert created["timestamp"] == NOW * 1000
    assert created["issue"]["id"] == updated["issue"]["id"] == str(made["id"])
    assert created["issue"]["fields"]["project"]["id"] == "10000"
    assert "changelog" not in created
    assert "changelog" not in deleted
    (item,) = updated["changelog"]["items"]
    assert (item["fieldId"], item["from"], item["to"]) == ("assignee", None, demo.TESTER)
    assert item["toString"] == "Tomáš Dvořák"
    assert updated["user"]["accountId"] == demo.ADMIN


async def test_bodies_carry_the_personal_data_of_real_ones_but_no_mail(jira: Wired) -> None:
    await jira.control("issues", issue={"id": 10001, "summary": "Call Kenji at home"})
    await jira.deliver()
    (webhook,) = jira.receiver.webhooks
    text = webhook.raw.decode()
    for telling in ("Marta Echeverría Solís", "Aiyana Whitefeather", "Call Kenji", "+34 600", "ME"):
        assert telling in text
    assert webhook.body["user"]["timeZone"] == "Europe/Madrid"
    assert webhook.body["user"]["avatarUrls"]["48x48"].startswith("https://avatars.example/")
    assert "atelier-nord.example" not in text


async def test_mail_addresses_come_where_they_are_granted() -> None:
    async with wired() as jira:
        listening(jira.receiver)
        jira.receiver.descriptor["scopes"] = ["READ", "ACCESS_EMAIL_ADDRESSES"]
        await jira.act("install")
        await jira.control("issues", issue={"id": 10001, "summary": "x"})
        await jira.deliver()
    (webhook,) = jira.receiver.webhooks
    assert webhook.body["user"]["emailAddress"] == "marta.echeverria@atelier-nord.example"


async def test_a_move_is_an_update_with_the_old_key(jira: Wired) -> None:
    await jira.control("projects", project=SHOP)
    await jira.control("issues", issue={"id": 10003, "project_id": 10010})
    await jira.deliver()
    body = jira.receiver.webhooks[-1].body
    assert body["issue_event_type_name"] == "issue_moved"
    assert body["issue"]["key"] == "SHOP-1"
    items = {item["field"]: item for item in body["changelog"]["items"]}
    assert (items["Key"]["fromString"], items["Key"]["toString"]) == ("DEMO-3", "SHOP-1")
    assert (items["project"]["from"], items["project"]["to"]) == ("10000", "10010")


async def test_projects_live_die_and_come_back(jira: Wired) -> None:
    await jira.control("projects", project=SHOP)
    await jira.control("projects", project=SHOP | {"key": "STORE"})
    for how in ("archive", "unarchive", "delete"):
        await jira.control(f"projects/STORE/{how}")
    assert (await jira.get("/rest/api/3/project/STORE")).status_code == 404
    found = await jira.get("/rest/api/3/project/search?status=deleted")
    assert [project["key"] for project in found.json()["values"]] == ["STORE"]
    await jira.control("projects/STORE/restore")
    assert (await jira.get("/rest/api/3/project/SHOP")).json()["key"] == "STORE"
    await jira.control("projects/STORE/purge")
    await jira.deliver()
    assert jira.heard() == [
        "project_created",
        "project_updated",
        "project_archived",
        "project_restored_archived",
        "project_soft_deleted",
        "project_restored_deleted",
        "project_deleted",
    ]
    renamed = jira.receiver.webhooks[1].body["project"]
    assert (renamed["id"], renamed["key"]) == (10010, "STORE")
    assert renamed["projectLead"]["displayName"] == "Kenji Nakamura-Olsen"
    twice = await jira.client.post("/control/projects/DEMO/restore", json={})
    unknown = await jira.client.post("/control/projects/DEMO/explode", json={})
    assert (twice.status_code, unknown.status_code) == (409, 404)


async def test_versions_with_a_merge(jira: Wired) -> None:
    made = await jira.control("versions", version={"project_id": 10000, "name": "1.0"})
    await jira.control("versions", version={"id": made["id"], "released": True})
    await jira.control("versions", version={"id": made["id"], "released": False})
    await jira.control("versions", version={"id": made["id"], "name": "1.0.1"})
    await jira.control(f"versions/{made['id']}/move")
    await jira.control(f"versions/{made['id']}/delete", merge_into=10200)
    await jira.control("versions/10201/delete")
    await jira.deliver()
    what = ("created", "released", "unreleased", "updated", "moved", "deleted", "deleted")
    assert jira.heard() == [f"jira:version_{event}" for event in what]
    merged, plain = [webhook.body for webhook in jira.receiver.webhooks[-2:]]
    assert merged["version"]["id"] == str(made["id"])
    assert merged["version"]["projectId"] == 10000
    assert merged["mergedTo"]["id"] == "10200"
    assert "mergedTo" not in plain
    left = (await jira.get("/rest/api/3/project/DEMO/versions")).json()
    assert [version["id"] for version in left] == ["10200"]


async def test_components(jira: Wired) -> None:
    made = await jira.control("components", component={"project_id": 10000, "name": "Cart"})
    await jira.control("components", component={"id": made["id"], "name": "Basket"})
    target = f"/rest/api/3/component/{made['id']}"
    assert (await jira.get(target)).json()["name"] == "Basket"
    await jira.control(f"components/{made['id']}/delete")
    assert (await jira.get(target)).status_code == 404
    await jira.deliver()
    assert jira.heard() == ["component_created", "component_updated", "component_deleted"]
    assert jira.receiver.webhooks[-1].body["component"]["projectId"] == 10000


async def test_users_and_their_groups(jira: Wired) -> None:
    person = {"account_id": "5a", "display_name": "Ann Ott", "email": "ann@atelier-nord.example"}
    await jira.control("users", user=person)
    await jira.control("users", user=person | {"active": False})
    await jira.control("groups", group={"id": "g-1", "name": "new"}, members=["5a", demo.TESTER])
    await jira.control("groups", group={"id": "g-1"}, members=[demo.TESTER])
    await jira.control("users/5a/delete")
    await jira.deliver()
    told = [
        (webhook.body["webhookEvent"], webhook.body["user"]["accountId"])
        for webhook in jira.receiver.webhooks
    ]
    assert told == [
        ("user_created", "5a"),
        ("user_updated", "5a"),
        ("user_updated", demo.TESTER),
        ("user_updated", "5a"),
        ("user_updated", "5a"),
        ("user_deleted", "5a"),
    ]
    assert jira.receiver.webhooks[1].body["user"]["active"] is False


async def test_links_and_what_becomes_of_them(jira: Wired) -> None:
    made = await jira.control("links", link={"source_id": 10001, "destination_id": 10002})
    await jira.control("links", link={"source_id": 10003, "destination_id": 10001})
    await jira.control(f"links/{made['id']}/delete")
    await jira.control("issues/10001/delete")
    await jira.deliver()
    assert jira.heard() == [
        "issuelink_created",
        "issuelink_created",
        "issuelink_deleted",
        "issuelink_deleted",
        "jira:issue_deleted",
    ]
    link = jira.receiver.webhooks[0].body["issueLink"]
    assert (link["sourceIssueId"], link["destinationIssueId"]) == (10001, 10002)
    assert link["issueLinkType"]["name"] == "Relates"


async def test_changes_through_rest_are_told_too(jira: Wired) -> None:
    fields = {"project": {"key": "DEMO"}, "summary": "By REST", "issuetype": {"name": "Bug"}}
    made = await jira.post("/rest/api/3/issue", {"fields": fields})
    assert made.status_code == 201, made.text
    number, key = made.json()["id"], made.json()["key"]
    target = f"/rest/api/3/issue/{key}"
    edited = await jira.send("PUT", target, {"fields": {"summary": "Better"}})
    link = {"type": {"name": "Blocks"}, "inwardIssue": {"key": key}, "outwardIssue": {"id": 10001}}
    assert (await jira.post("/rest/api/3/issueLink", link)).status_code == 201
    gone = await jira.send("DELETE", target)
    assert (edited.status_code, gone.status_code) == (204, 204)
    await jira.deliver()
    assert jira.heard() == [
        "jira:issue_created",
        "jira:issue_updated",
        "issuelink_created",
        "issuelink_deleted",
        "jira:issue_deleted",
    ]
    body = jira.receiver.webhooks[0].body
    assert body["issue"]["id"] == number
    assert (body["user"]["displayName"], body["user"]["accountType"]) == ("Receiver", "app")
    bad = await jira.post("/rest/api/3/issue", {"fields": {"project": {"key": "NOPE"}}})
    assert (bad.status_code, set(bad.json()["errors"])) == (400, {"project", "summary"})


async def test_filters_variables_and_left_out_bodies() -> None:
    async with wired(clock=Clock(NOW)) as jira:
        listening(
            jira.receiver,
            {
                "event": "jira:issue_updated",
                "url": "/hooks/bugs?key={issue.key}&in=${project.key}",
                "filter": "issuetype = Bug AND status NOT IN (Done)",
            },
            {"event": "jira:issue_updated", "url": "/hooks/bare", "excludeBody": True},
        )
        await jira.act("install")
        for issue in (10001, 10003, 10005):  # a story, a bug, a bug that is done
            await jira.control("issues", issue={"id": issue, "summary": "Changed"})
        assert await jira.deliver() == ["delivered"] * 4
    bugs = [hook for hook in jira.receiver.webhooks if hook.target.startswith("/hooks/bugs")]
    bare = [hook for hook in jira.receiver.webhooks if hook.target == "/hooks/bare"]
    assert [hook.target for hook in bugs] == ["/hooks/bugs?key=DEMO-3&in=DEMO"]
    assert [hook.raw for hook in bare] == [b""] * 3


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        ({"event": "jira:issue_exploded", "url": "/h"}, "is not known"),
        ({"event": "jira:issue_created", "url": "h"}, "relative to baseUrl"),
        ({"event": "jira:issue_created", "url": "/h?x={moon.id}"}, "unknown variable moon.id"),
        ({"event": "jira:issue_created", "url": "/h", "filter": "votes > 3"}, "'votes'"),
        ({"event": "jira:issue_created", "url": "/h", "conditions": []}, "conditions"),
    ],
)
async def test_bad_modules_are_refused(module: dict[str, Any], problem: str) -> None:
    async with wired() as jira:
        listening(jira.receiver, module)
        outcome = await jira.act("install")
    assert not outcome["ok"]
    assert problem in str(outcome["problems"])


async def test_modules_need_the_scope_read() -> None:
    async with wired() as jira:
        listening(jira.receiver)
        jira.receiver.descriptor["scopes"] = ["WRITE"]
        outcome = await jira.act("install")
    assert "need the scope READ" in str(outcome["problems"])
