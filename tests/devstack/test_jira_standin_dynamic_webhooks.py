"""Dynamic webhooks: registration, its limits, 30 days of life, and delivery."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from devstack.standin.clock import Clock
from tests.devstack.jira_receiver import BASE_URL
from tests.devstack.jira_world import Wired, wired
from tests.devstack.test_jira_standin_webhooks import NOW

PATH = "/rest/api/3/webhook"
URL = f"{BASE_URL}/hooks/dynamic"
DAY = 86_400


@pytest.fixture
async def jira() -> AsyncIterator[Wired]:
    async with wired(clock=Clock(NOW), seed=3) as connected:
        await connected.act("install")
        yield connected


def wish(*events: str, jql: str = "project = DEMO", **more: Any) -> dict[str, Any]:
    return {"events": list(events) or ["jira:issue_updated"], "jqlFilter": jql, **more}


async def register(jira: Wired, *wishes: dict[str, Any], url: str = URL) -> list[dict[str, Any]]:
    answer = await jira.post(PATH, {"url": url, "webhooks": list(wishes)})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["webhookRegistrationResult"]
    return results


async def test_registered_listed_and_delivered_once_for_all_that_match(jira: Wired) -> None:
    first, second, third = [
        result["createdWebhookId"]
        for result in await register(
            jira, wish(), wish("jira:issue_deleted", "jira:issue_updated"), wish(jql="project=NO")
        )
    ]
    listed = (await jira.get(PATH)).json()
    assert [one["id"] for one in listed["values"]] == [first, second, third]
    assert listed["values"][0]["expirationDate"] == "2027-02-14T08:00:00.000+0000"
    await jira.control("issues", issue={"id": 10001, "summary": "Changed"})
    assert await jira.deliver() == ["delivered"]
    (webhook,) = jira.receiver.webhooks
    assert webhook.target == "/hooks/dynamic"
    assert webhook.body["matchedWebhookIds"] == [first, second]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (wish("project_created"), "project_created is not supported"),
        (wish(jql="text ~ secret"), "'text' is not supported"),
        (wish(jql="project > 3"), "operator '>'"),
        (wish(jql="project = "), "ends too early"),
        (wish(jql="(project = DEMO"), "')' was expected"),
        (wish(jql="project = DEMO DEMO"), "'DEMO' was not expected"),
        (wish(jql="assignee = currentUser()"), "'currentUser'"),
        (wish(jql='project = "'), "character"),
    ],
)
async def test_errors_come_inside_200(jira: Wired, bad: dict[str, Any], problem: str) -> None:
    good, refused = await register(jira, wish(), bad)
    assert good["createdWebhookId"]
    assert problem in str(refused["errors"])


async def test_one_address_below_the_base_url(jira: Wired) -> None:
    body = {"url": "http://elsewhere.test/x", "webhooks": [wish()]}
    assert (await jira.post(PATH, body)).status_code == 400
    assert (await jira.post(PATH, {"url": URL})).status_code == 400
    await register(jira, wish())
    (other,) = await register(jira, wish(), url=f"{BASE_URL}/hooks/other")
    assert "single URL" in str(other["errors"])


async def test_no_more_than_a_hundred(jira: Wired) -> None:
    results = await register(jira, *[wish()] * 101)
    assert "No more than 100" in str(results[-1]["errors"])
    assert len([one for one in results if "createdWebhookId" in one]) == 100


async def test_thirty_days_and_a_refresh_that_ignores_what_it_does_not_know(jira: Wired) -> None:
    kept, left = [one["createdWebhookId"] for one in await register(jira, wish(), wish())]
    await jira.control("clock/advance", seconds=15 * DAY)
    refreshed = await jira.send("PUT", f"{PATH}/refresh", {"webhookIds": [kept, 4711]})
    assert refreshed.json() == {"expirationDate": "2027-03-01T08:00:00.000+0000"}
    await jira.control("policy", webhook_expiration="number")
    again = await jira.send("PUT", f"{PATH}/refresh", {"webhookIds": [kept]})
    assert again.json() == {"expirationDate": (NOW + 45 * DAY) * 1000}
    await jira.control("clock/advance", seconds=15 * DAY)
    assert [one["id"] for one in (await jira.get(PATH)).json()["values"]] == [kept]
    await jira.control("issues", issue={"id": 10001, "summary": "Changed"})
    await jira.deliver()
    assert jira.receiver.webhooks[0].body["matchedWebhookIds"] == [kept]
    assert left not in jira.receiver.webhooks[0].body["matchedWebhookIds"]


async def test_removed_and_gone_with_the_app(jira: Wired) -> None:
    one, two = [result["createdWebhookId"] for result in await register(jira, wish(), wish())]
    assert (await jira.send("DELETE", PATH, {"webhookIds": [one, 99]})).status_code == 202
    await jira.act("rotate_secret")
    await jira.act("update")
    assert [hook["id"] for hook in (await jira.get(PATH)).json()["values"]] == [two]
    await jira.act("uninstall")
    await jira.act("install")
    assert (await jira.get(PATH)).json()["total"] == 0


async def test_only_chosen_fields(jira: Wired) -> None:
    await register(jira, wish(fieldIdsFilter=["summary"]))
    await jira.control("issues", issue={"id": 10001, "status": "Done"})
    await jira.control("issues", issue={"id": 10001, "summary": "Done"})
    assert await jira.deliver() == ["delivered"]


@pytest.mark.parametrize(
    ("jql", "issues"),
    [
        ("", [10001, 10003, 10005]),
        ("issueKey = DEMO-3", [10003]),
        ("project IN (DEMO, 10010) AND issuetype != Bug", [10001]),
        ("(status = Done OR key = demo-1) AND project = 10000", [10001, 10005]),
        ('type = "Bug" OR assignee = "5c9f8d7e6b5a4c3d2e1f0a9b"', [10001, 10003, 10005]),
        ("reporter NOT IN (5b10a2844c20165700ede21a) and status = 'to do'", [10003]),
    ],
)
async def test_filters(jira: Wired, jql: str, issues: list[int]) -> None:
    await register(jira, wish(jql=jql))
    for issue in (10001, 10003, 10005):
        await jira.control("issues", issue={"id": issue, "summary": "Changed"})
    await jira.deliver()
    assert [int(hook.body["issue"]["id"]) for hook in jira.receiver.webhooks] == issues


async def test_failed_ones_come_in_pages(jira: Wired) -> None:
    await register(jira, wish())
    for number in range(3):
        jira.receiver.webhook_answers = [500, 500]
        await jira.control("issues", issue={"id": 10001, "summary": f"Text {number}"})
        await jira.deliver()
        await jira.control("clock/advance", seconds=2000)
        await jira.deliver()
    page = (await jira.get(f"{PATH}/failed?maxResults=2")).json()
    assert len(page["values"]) == 2
    rest = (await jira.get(page["next"].removeprefix("http://jira.test"))).json()
    assert len(rest["values"]) == 1
    assert "next" not in rest
