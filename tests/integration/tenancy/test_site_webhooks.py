"""Webhooks at the stand-in: registered, refreshed, compared, swept; and what comes of them."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contracts.envelope import Event
from contracts.jira import JiraAction, JiraChange, JiraEntity
from contracts.topics import JIRA_CHANGE
from devstack.jira.model import DynamicWebhook, FailedWebhook, Installation
from kit.ids import stable_uuid
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from services.tenancy.adapters.jira.webhooks import HttpJiraWebhooks
from services.tenancy.adapters.mongo.site_webhooks import MongoSiteWebhooks
from services.tenancy.api.webhooks import DYNAMIC_PATH
from services.tenancy.composition.webhooks import jira_changes
from services.tenancy.domain.projects import Project
from services.tenancy.usecases.projects import Wanted
from services.tenancy.usecases.site_webhooks import WebhookKeeper
from tests.harness.installation import Installation as Namespace
from tests.harness.polling import eventually
from tests.integration.tenancy.standin_house import House, standin_house
from tests.integration.tenancy.world import OPERATOR_BY

pytestmark = pytest.mark.long

DAY = 86_400


class Scene:
    """A house in which a test makes the rounds itself."""

    def __init__(self, house: House, keeper: WebhookKeeper) -> None:
        self.house = house
        self._keeper = keeper

    @property
    def app(self) -> Installation:
        """The app as the stand-in's site has it."""
        (found,) = self.house.site.installations.values()
        return found

    @property
    def dynamic(self) -> list[DynamicWebhook]:
        return self.app.dynamic_webhooks

    async def round(self) -> list[str]:
        """One round; returns the calls that it made about webhooks."""
        self.house.forget_calls()

        async def ours() -> bool:
            return True

        await self._keeper.round(ours)
        calls = self.house.calls("/webhook")
        assert all(status < 300 for _, status in calls), calls
        return [call.partition("?")[0].replace("/rest/api/3/", "") for call, _ in calls]

    async def enabled(self, key: str = "DEMO") -> Project:
        projects = self.house.world.core.projects
        found, _ = await projects.enable(self.house.tenant, Wanted(key=key), OPERATOR_BY)
        return found

    async def project(self, number: int) -> Project:
        return await self.house.world.core.projects.get(self.house.tenant, str(number))

    async def delivered(self) -> list[dict[str, Any]]:
        """Let the stand-in send what waits; returns its attempts."""
        answer = await self.house.jira.post("/control/webhooks/deliver", json={})
        attempts: list[dict[str, Any]] = answer.json()["attempts"]
        return attempts

    async def changes(self) -> list[Event[JiraChange]]:
        found = await self.house.world.records(JIRA_CHANGE)
        return [e for key, e in found if e and key.startswith(f"{self.house.tenant}/")]

    async def row(self) -> dict[str, Any] | None:
        rows = self.house.world.database["site_webhooks"]
        return await rows.find_one({"_id": self.house.tenant})


@pytest.fixture
async def scene(installation: Namespace) -> AsyncIterator[Scene]:
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(standin_house(installation))
        world, jira = house.world, house.world.core.jira
        stack.push_async_callback(world.database.client.drop_database, world.database.name)
        publisher = Publisher(world.settings, "test")
        stack.push_async_callback(publisher.stop)
        keeper = WebhookKeeper(
            MongoSiteWebhooks(world.database),
            jira.sites,
            HttpJiraWebhooks(jira.caller, world.base + DYNAMIC_PATH),
            jira_changes(publisher, Names(world.settings.topic_prefix), world.clock),
            world.clock,
        )
        yield Scene(house, keeper)


async def test_projects_in_use_are_registered_and_followed(scene: Scene) -> None:
    assert await scene.round() == ["GET webhook", "GET webhook/failed"]
    assert scene.dynamic == []
    await scene.enabled()
    assert await scene.round() == ["POST webhook"]
    assert await scene.round() == []
    (webhook,) = scene.dynamic
    assert webhook.jql_filter == "project in (10000)"
    assert webhook.url == scene.house.world.base + DYNAMIC_PATH
    projects = scene.house.world.core.projects
    await projects.switch(scene.house.tenant, "DEMO", OPERATOR_BY, enabled=False)
    assert await scene.round() == ["DELETE webhook"]
    assert scene.dynamic == []
    await projects.switch(scene.house.tenant, "DEMO", OPERATOR_BY, enabled=True)
    assert await scene.round() == ["POST webhook"]


async def test_refreshed_at_half_life_and_never_expired(scene: Scene) -> None:
    await scene.enabled()
    await scene.round()
    (first,) = scene.dynamic
    calls: list[str] = []
    for _ in range(40):
        scene.house.pass_time(DAY)
        calls += await scene.round()
    assert [w.id for w in scene.dynamic] == [first.id]
    assert calls.count("PUT webhook/refresh") == 2
    assert calls.count("POST webhook") == 0


@pytest.mark.parametrize("expiration", ["number", "text"])
async def test_what_jira_lost_or_has_of_others_is_put_right(scene: Scene, expiration: str) -> None:
    await scene.house.control("policy", webhook_expiration=expiration)
    await scene.enabled()
    await scene.round()
    (lost,) = scene.dynamic
    scene.dynamic.clear()
    stale = lost.model_copy(update={"id": 1, "jql_filter": "project in (99)"})
    other = lost.model_copy(update={"id": 2, "events": ["comment_created"]})
    scene.dynamic.extend([stale, other])
    assert await scene.round() == []
    scene.house.pass_time(DAY)
    calls = await scene.round()
    assert calls[:3] == ["GET webhook", "POST webhook", "DELETE webhook"]
    (found,) = scene.dynamic
    assert found.id not in {lost.id, 1, 2}
    assert found.jql_filter == "project in (10000)"


async def test_gone_with_the_uninstall_and_back_with_the_install(scene: Scene) -> None:
    await scene.enabled()
    await scene.round()
    await scene.house.act("uninstall")
    scene.house.pass_time(1)
    assert await scene.round() == []
    assert await scene.row() is None
    await scene.house.act("install")
    assert await scene.round() == ["GET webhook", "POST webhook", "GET webhook/failed"]


async def test_each_event_comes_once(scene: Scene) -> None:
    await scene.enabled()
    await scene.round()
    control = scene.house.control
    await control("issues", issue={"id": 10001, "summary": "Ann's secret plan"})
    await control("links", link={"source_id": 10001, "destination_id": 10002})
    await control("versions", version={"name": "One", "project_id": 10000})
    await control("components", component={"name": "Cart", "project_id": 10000})
    await control("projects", project={"id": 10000, "key": "DEMO", "name": "Another name"})
    await control("issues/10003/delete")
    attempts = await scene.delivered()
    assert {a["outcome"] for a in attempts} == {"delivered"}
    found = await scene.changes()
    assert {e.id for e in found} == {
        stable_uuid(scene.house.tenant, a["identifier"]) for a in attempts
    }
    told = [(e.data.entity, e.data.action, e.data.id) for e in found]
    assert len(told) == len(set(told))
    assert (JiraEntity.ISSUE, JiraAction.UPDATED, "10001") in told
    assert (JiraEntity.ISSUE, JiraAction.DELETED, "10003") in told
    assert {e.data.entity for e in found} == set(JiraEntity) - {JiraEntity.USER}


@pytest.mark.parametrize("of_a_moment", [3, 45])
async def test_given_up_deliveries_are_found_once_and_again(scene: Scene, of_a_moment: int) -> None:
    # a page holds 20, and a bookmark names a millisecond
    await scene.enabled()
    await scene.round()
    outbox = scene.house.standin.world.outbox
    names = []
    for number in range(45):
        await scene.house.control("issues", issue={"id": 10001, "summary": f"change {number}"})
        outbound = outbox.waiting.pop()
        outbox.waiting.clear()
        names.append(outbound.identifier)
        failed_at = scene.house.standin.world.clock.now() + number // of_a_moment
        scene.app.failed_webhooks.append(
            FailedWebhook(
                identifier=outbound.identifier,
                url=outbound.url,
                body=outbound.body.decode() if number else None,
                failed_at=failed_at,
            )
        )
    assert await scene.round() == []
    scene.house.pass_time(3600)
    assert set(await scene.round()) == {"GET webhook/failed"}
    wanted = {stable_uuid(scene.house.tenant, name) for name in names[1:]}
    assert {e.id for e in await scene.changes()} == wanted
    before = len(await scene.changes())
    scene.house.pass_time(3600)
    assert await scene.round() == ["GET webhook/failed"]
    assert len(await scene.changes()) == before


async def test_a_site_that_is_down_is_left_alone_for_a_while(scene: Scene) -> None:
    await scene.enabled()
    scene.house.site.suspended = True
    with contextlib.suppress(AssertionError):
        await scene.round()
    row = await scene.row()
    assert row is not None
    assert row["failures"] == 1
    scene.house.site.suspended = False
    assert await scene.round() == []
    scene.house.pass_time(61)
    assert "POST webhook" in await scene.round()
    row = await scene.row()
    assert row is not None
    assert (row["failures"], row["retry_at"]) == (0, None)


async def test_a_sweep_that_fails_holds_up_nothing_else(scene: Scene) -> None:
    await scene.house.control("faults", path="/rest/api/3/webhook/failed", status=500, times=None)
    with contextlib.suppress(AssertionError):
        await scene.round()
    row = await scene.row()
    assert row is not None
    assert (row["failures"], row["failed_after"]) == (0, 0)
    await scene.enabled()
    assert await scene.round() == ["POST webhook"]
    scene.house.standin.world.faults.clear()
    assert await scene.round() == []
    scene.house.pass_time(3600)
    assert await scene.round() == ["GET webhook/failed"]


async def test_projects_follow_jira(scene: Scene) -> None:
    project = await scene.enabled()
    control = scene.house.control
    await control("projects", project={"id": 10000, "key": "SHOP", "name": "Shop"})
    await scene.delivered()

    async def now() -> Project:
        return await scene.project(project.id)

    renamed = await eventually(now, lambda p: p.aliases == ("SHOP",))
    assert renamed.key == "DEMO"
    for hide, show in (("delete", "restore"), ("archive", "unarchive")):
        scene.house.pass_time(1)
        await control(f"projects/10000/{hide}")
        # the retry of an older event and a repeat change nothing
        await control("webhooks/faults", fault="duplicate", n=2)
        await scene.delivered()
        await eventually(now, lambda p: p.deleted)
        scene.house.pass_time(1)
        await control(f"projects/10000/{show}")
        await scene.delivered()
        await eventually(now, lambda p: not p.deleted)


async def test_the_newest_word_of_jira_counts_in_any_order(scene: Scene) -> None:
    project = await scene.enabled()
    for step in ("delete", "restore", "archive"):
        scene.house.pass_time(1)
        await scene.house.control(f"projects/10000/{step}")
    await scene.house.control("webhooks/faults", fault="reorder", window=3)
    attempts = await scene.delivered()
    assert [a["event"] for a in attempts] == [
        "project_archived",
        "project_restored_deleted",
        "project_soft_deleted",
    ]

    async def audited() -> int:
        rows = scene.house.world.database["audit"]
        return await rows.count_documents(
            {"tenant": scene.house.tenant, "action": "project.hidden"}
        )

    await eventually(audited, lambda n: n >= 1)
    found = await eventually(lambda: scene.project(project.id), lambda p: p.deleted)
    # Jira's own time of the archiving, the last of the three
    assert found.visibility_at == scene.house.world.clock.now()
