"""Tokens of people who left Jira: by the webhook, by the daily sweep, and never by mistake."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from devstack.jira.demo import CLOSED, DEVELOPER, TESTER
from kit.auth.principal import Scope
from kit.errors import OstroError
from services.tenancy.usecases.facts_polling import FactsPolling
from services.tenancy.usecases.leavers import Leavers
from services.tenancy.usecases.tokens import Minted, TokenRequest
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.integration.tenancy.standin_house import House, standin_house
from tests.integration.tenancy.world import OPERATOR_BY

pytestmark = pytest.mark.long

BULK = "/rest/api/3/user/bulk"
DAY = 86_400


class Scene:
    """A house in which people hold tokens."""

    def __init__(self, house: House) -> None:
        self.house = house

    @property
    def leavers(self) -> Leavers:
        return self.house.world.core.jira.leavers

    async def minted(self, account: str | None, days: int = 30) -> Minted:
        request = TokenRequest("t", (Scope.READ,), timedelta(days=days), None, account)
        return await self.house.world.core.tokens.mint(self.house.tenant, request, OPERATOR_BY)

    async def good(self, token: Minted) -> bool:
        """Whether it is not revoked."""
        tokens = self.house.world.core.tokens
        return token.token.id not in await tokens.revoked(self.house.tenant)

    async def actors(self) -> list[str]:
        """Who revoked tokens because of their account, in order."""
        action = {"tenant": self.house.tenant, "action": "token.ended-with-account"}
        rows = await self.house.world.database["audit"].find(action).sort("at", 1).to_list(None)
        return [row["actor"] for row in rows]

    async def close(self, account: str) -> None:
        """Close an account in Jira."""
        user = self.house.site.users[account].model_copy(update={"active": False})
        self.house.pass_time(1)
        await self.house.control("users", user=user.model_dump())

    async def told(self) -> None:
        """Let the stand-in send its webhooks."""
        answer = await self.house.jira.post("/control/webhooks/deliver", json={})
        assert {a["outcome"] for a in answer.json()["attempts"]} == {"delivered"}

    def untold(self) -> None:
        """Lose its webhooks."""
        self.house.standin.world.outbox.waiting.clear()

    async def sweep(self, after: float) -> None:
        self.house.pass_time(after)
        await self.leavers.sweep(self.house.tenant)


@contextlib.asynccontextmanager
async def scene_of(installation: Installation, *, forge: bool) -> AsyncIterator[Scene]:
    async with standin_house(installation, forge=forge) as house:
        try:
            yield Scene(house)
        finally:
            await house.world.database.client.drop_database(house.world.database.name)


@pytest.fixture
async def scene(installation: Installation) -> AsyncIterator[Scene]:
    async with scene_of(installation, forge=False) as found:
        yield found


async def test_a_webhook_of_a_closed_account_ends_its_tokens(scene: Scene) -> None:
    gone = [await scene.minted(TESTER), await scene.minted(TESTER)]
    stay = [await scene.minted(DEVELOPER), await scene.minted(None)]
    await scene.close(TESTER)
    await scene.told()

    async def ended() -> bool:
        return not any([await scene.good(token) for token in gone])

    await eventually(ended)
    assert all([await scene.good(token) for token in stay])
    assert await scene.actors() == ["jira", "jira"]
    world = scene.house.world
    headers = {"authorization": f"Bearer {gone[0].text}"}

    async def refused() -> bool:
        return (await world.http.get("/v2/healthcheck", headers=headers)).status_code == 401

    await eventually(refused)
    # again, by the sweep and by the same word of Jira's
    await scene.sweep(DAY)
    await scene.leavers.heard_of(scene.house.tenant, TESTER)
    assert await scene.actors() == ["jira", "jira"]


async def test_a_change_of_somebody_who_stays_changes_nothing(scene: Scene) -> None:
    token = await scene.minted(TESTER)
    await scene.leavers.heard_of(scene.house.tenant, TESTER)
    assert await scene.good(token)
    scene.house.forget_calls()
    # nobody is asked about who holds no token
    await scene.leavers.heard_of(scene.house.tenant, CLOSED)
    assert scene.house.calls(BULK) == []


@pytest.mark.parametrize("forge", [False, True], ids=["connect", "forge"])
async def test_the_sweep_finds_what_no_webhook_told(
    installation: Installation, *, forge: bool
) -> None:
    async with scene_of(installation, forge=forge) as scene:
        gone, stays = await scene.minted(TESTER), await scene.minted(DEVELOPER)
        await scene.close(TESTER)
        scene.untold()
        await scene.sweep(1)
        assert not await scene.good(gone)
        assert await scene.good(stays)
        assert await scene.actors() == ["system"]
        scene.house.forget_calls()
        await scene.sweep(DAY if not forge else 1)
        assert [status for _, status in scene.house.calls(BULK)] == [200]
        assert await scene.actors() == ["system"]


async def test_who_is_left_out_is_looked_for_again_a_day_later(scene: Scene) -> None:
    token = await scene.minted(TESTER)
    user = scene.house.site.users[TESTER]
    await scene.house.control(f"users/{TESTER}/delete")
    await scene.told()
    await scene.leavers.heard_of(scene.house.tenant, TESTER)
    for pause in (1, 60, 3600):
        await scene.sweep(pause)
    assert await scene.good(token)
    # one who comes back is not half gone
    scene.house.site.users[TESTER] = user
    await scene.sweep(DAY)
    del scene.house.site.users[TESTER]
    await scene.sweep(DAY)
    assert await scene.good(token)
    await scene.sweep(DAY)
    assert not await scene.good(token)
    assert await scene.actors() == ["system"]
    rows = scene.house.world.database["missing_accounts"]
    assert await rows.count_documents({}) == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_a_site_that_does_not_answer_says_nothing(scene: Scene, status: int) -> None:
    tokens = [await scene.minted(TESTER), await scene.minted(DEVELOPER)]
    await scene.close(TESTER)
    scene.untold()
    await scene.house.control("faults", path=BULK, status=status, times=None)
    for _ in range(3):
        with contextlib.suppress(OstroError):
            await scene.sweep(DAY)
        with contextlib.suppress(OstroError):
            await scene.leavers.heard_of(scene.house.tenant, TESTER)
    assert all([await scene.good(token) for token in tokens])
    assert await scene.house.world.database["missing_accounts"].count_documents({}) == 0


@pytest.mark.parametrize("hook", ["disable", "uninstall"])
async def test_an_app_that_is_off_asks_nobody(scene: Scene, hook: str) -> None:
    token = await scene.minted(TESTER)
    await scene.close(TESTER)
    scene.untold()
    await scene.house.act(hook)
    scene.house.forget_calls()
    for _ in range(3):
        with pytest.raises(OstroError):
            await scene.sweep(DAY)
    assert scene.house.calls(BULK) == []
    assert await scene.good(token)


async def test_an_uninstall_between_question_and_answer(scene: Scene) -> None:
    token = await scene.minted(TESTER)
    world, tenant = scene.house.world, scene.house.tenant
    site = await world.core.jira.sites.get(tenant)
    await scene.house.act("uninstall")
    await scene.leavers._end(site, [TESTER], OPERATOR_BY.actor)
    assert await scene.good(token)


async def test_a_tenant_without_jira_has_nobody_to_ask(scene: Scene) -> None:
    world = scene.house.world
    tenant = await world.plain_tenant()
    await world.token(tenant)
    with pytest.raises(OstroError):
        await scene.leavers.sweep(tenant)
    assert await world.core.tokens.revoked(tenant) == frozenset()


async def test_only_tokens_that_are_good_are_asked_about(scene: Scene) -> None:
    await scene.minted(TESTER, days=1)
    revoked = await scene.minted(DEVELOPER)
    tokens = scene.house.world.core.tokens
    await tokens.revoke(scene.house.tenant, revoked.token.id, OPERATOR_BY)
    scene.house.forget_calls()
    await scene.sweep(2 * DAY)
    assert scene.house.calls(BULK) == []


async def test_the_daily_round_sweeps(scene: Scene) -> None:
    house, jira = scene.house, scene.house.world.core.jira
    token = await scene.minted(TESTER)
    await scene.close(TESTER)
    scene.untold()
    facts = jira.facts
    poller = FactsPolling(jira.leavers, jira.comparison, facts, facts._store, house.world.clock)

    async def ours() -> bool:
        return True

    await facts.refresh(house.tenant)
    house.pass_time(DAY)
    assert await poller.round(ours) == 1
    assert not await scene.good(token)
