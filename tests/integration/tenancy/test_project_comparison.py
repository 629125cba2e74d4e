"""Projects in use are compared with Jira itself, for webhooks get lost: each one here is."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from kit.errors import Conflict, Unavailable
from services.tenancy.domain.projects import Project
from services.tenancy.usecases.facts_polling import FactsPolling
from services.tenancy.usecases.projects import Wanted
from tests.harness.installation import Installation
from tests.integration.tenancy.standin_house import House, standin_house
from tests.integration.tenancy.world import OPERATOR_BY

pytestmark = pytest.mark.long

DEMO, OTHER = 10000, 10777


class Scene:
    """A house with two projects in use, whose webhooks never arrive."""

    demo: Project
    other: Project

    def __init__(self, house: House) -> None:
        self.house = house

    async def jira(self, lever: str, **order: object) -> None:
        """Change Jira a second later, and tell nobody."""
        self.house.pass_time(1)
        await self.house.control(lever, **order)
        self.house.standin.world.outbox.waiting.clear()

    async def compared(self, project: Project) -> Project:
        """Compare a second later; return the project as it is then."""
        self.house.pass_time(1)
        await self.house.world.core.jira.comparison.compare(self.house.tenant)
        return await self.now(project)

    async def now(self, project: Project) -> Project:
        return await self.house.world.core.projects.get(self.house.tenant, str(project.id))

    async def enabled(self, jira_id: int) -> Project:
        projects = self.house.world.core.projects
        wanted = Wanted(jira_project_id=jira_id)
        found, _ = await projects.enable(self.house.tenant, wanted, OPERATOR_BY)
        return found

    async def audited(self, action: str) -> int:
        rows = self.house.world.database["audit"]
        return await rows.count_documents({"tenant": self.house.tenant, "action": action})


@contextlib.asynccontextmanager
async def scene_of(installation: Installation, *, forge: bool) -> AsyncIterator[Scene]:
    async with standin_house(installation, forge=forge) as house:
        await house.control("projects", project={"id": OTHER, "key": "OTHER", "name": "Other"})
        scene = Scene(house)
        scene.demo, scene.other = await scene.enabled(DEMO), await scene.enabled(OTHER)
        try:
            yield scene
        finally:
            await house.world.database.client.drop_database(house.world.database.name)


@pytest.fixture(params=[False, True], ids=["connect", "forge"])
async def scene(installation: Installation, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    async with scene_of(installation, forge=request.param) as found:
        yield found


@pytest.mark.parametrize(("hide", "show"), [("delete", "restore"), ("archive", "unarchive")])
async def test_what_nobody_told_is_found_out(scene: Scene, hide: str, show: str) -> None:
    assert (await scene.compared(scene.demo)).visible
    await scene.jira(f"projects/{DEMO}/{hide}")
    assert not (await scene.compared(scene.demo)).visible
    assert (await scene.now(scene.other)).visible
    await scene.jira(f"projects/{DEMO}/{show}")
    back = await scene.compared(scene.demo)
    assert back.visible
    assert await scene.compared(scene.demo) == back
    assert [await scene.audited(f"project.{what}") for what in ("hidden", "restored")] == [1, 1]


async def test_a_key_that_changed_unheard_is_an_alias(scene: Scene) -> None:
    await scene.jira("projects", project={"id": DEMO, "key": "SHOP", "name": "Shop"})
    renamed = await scene.compared(scene.demo)
    assert (renamed.key, renamed.aliases) == ("DEMO", ("SHOP",))


async def test_one_that_is_hidden_shows_when_it_is_enabled_and_jira_shows_it(scene: Scene) -> None:
    await scene.jira(f"projects/{DEMO}/archive")
    assert not (await scene.compared(scene.demo)).visible
    with pytest.raises(Conflict, match="archived"):
        await scene.enabled(DEMO)
    assert not (await scene.now(scene.demo)).visible
    await scene.jira(f"projects/{DEMO}/unarchive")
    assert (await scene.enabled(DEMO)).visible
    assert (await scene.now(scene.demo)).visible


async def test_an_app_that_sees_nothing_hides_nothing(scene: Scene) -> None:
    for project in (DEMO, OTHER):
        await scene.jira(f"projects/{project}/delete")
    assert (await scene.compared(scene.demo)).visible
    assert (await scene.now(scene.other)).visible


async def test_what_is_disabled_is_not_asked_about(scene: Scene) -> None:
    projects = scene.house.world.core.projects
    await projects.switch(scene.house.tenant, "DEMO", OPERATOR_BY, enabled=False)
    scene.house.forget_calls()
    await scene.compared(scene.demo)
    assert [call for call, _ in scene.house.calls(f"project/{DEMO}")] == []
    assert len(scene.house.calls(f"project/{OTHER}")) == 1


async def test_a_site_that_is_down_or_refuses_changes_nothing(scene: Scene) -> None:
    await scene.jira(f"projects/{DEMO}/delete")
    path = f"/rest/api/3/project/{DEMO}"
    await scene.house.control("faults", path=path, status=403, times=None)
    assert (await scene.compared(scene.demo)).visible
    scene.house.standin.world.faults.clear()
    await scene.house.control("faults", path=path, status=500, times=None)
    with pytest.raises(Unavailable):
        await scene.compared(scene.demo)
    assert (await scene.now(scene.demo)).visible


async def test_the_daily_round_comes_again_after_a_failure(installation: Installation) -> None:
    async with scene_of(installation, forge=False) as scene:
        house, jira = scene.house, scene.house.world.core.jira
        poller = FactsPolling(
            jira.leavers, jira.comparison, jira.facts, jira.facts._store, house.world.clock
        )

        async def always() -> bool:
            return True

        await jira.facts.refresh(house.tenant)
        await scene.jira(f"projects/{DEMO}/archive")
        path = f"/rest/api/3/project/{OTHER}"
        await house.control("faults", path=path, status=500, times=None)
        house.pass_time(24 * 3600)
        assert await poller.round(always) == 1
        assert (await scene.now(scene.demo)).visible
        house.standin.world.faults.clear()
        house.pass_time(61)
        assert await poller.round(always) == 1
        assert not (await scene.now(scene.demo)).visible
        assert await poller.round(always) == 0
