"""Licence, version and cloud id of a Jira site: read, compared, published when they changed."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from contracts.internal import JiraAnswer, UsersAnswer, UsersRequest
from contracts.tenancy import TenantState
from contracts.topics import TENANT_STATE
from kit.errors import NotFound, Unavailable
from services.tenancy.main import Core
from services.tenancy.usecases.facts_polling import FactsPolling
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.integration.tenancy.standin_house import House, standin_house


@pytest.fixture(scope="module")
async def running_house(installation: Installation) -> AsyncIterator[House]:
    async with standin_house(installation) as found:
        yield found


@pytest.fixture
async def house(running_house: House) -> House:
    """The module's house, its facts read under a paid licence a moment ago."""
    house = running_house
    house.pass_time(10)
    house.standin.world.faults.clear()
    house.site.suspended = False
    house.site.version = "1001.0.0-SNAPSHOT"
    await house.control("sites/demo/licence", state="active")
    await house.world.core.jira.facts.refresh(house.tenant)
    house.forget_calls()
    return house


async def row(house: House) -> dict[str, Any]:
    found = await house.world.database["tenants"].find_one({"_id": house.tenant})
    assert found is not None
    return dict(found)


async def published(house: House, version: str, licence: str | None) -> TenantState:
    """Return the tenant's newest state once it names version and kind of licence."""

    async def newest() -> TenantState | None:
        event = (await house.world.newest(TENANT_STATE)).get(house.tenant)
        return None if event is None else event.data

    state = await eventually(
        newest, lambda s: s is not None and (s.jira_version, s.licence_type) == (version, licence)
    )
    assert state is not None
    return state


async def test_facts_are_published_and_answered(house: House) -> None:
    state = await published(house, "1001.0.0-SNAPSHOT", "COMMERCIAL")
    assert state.support_entitlement == "E-1AB-2CD-3EF-4GH"
    assert state.jira_instance == house.site.cloud_id
    # no source gives a tier
    assert state.licence_tier is None
    answer = await house.client.get("/internal/v1/jira", JiraAnswer, tenant=house.tenant)
    assert answer == JiraAnswer(
        jira_instance=house.site.cloud_id,
        jira_version="1001.0.0-SNAPSHOT",
        licence_type="COMMERCIAL",
        licence_active=True,
        licence_evaluation=False,
        support_entitlement="E-1AB-2CD-3EF-4GH",
        read_at=house.world.clock.now(),
    )
    # the people behind the licence are never taken in
    stored = str(await house.world.stored())
    for trace in ("Echeverría", "atelier-nord.example", "contacts"):
        assert trace not in stored


async def test_nothing_is_published_when_nothing_changed(house: House) -> None:
    before = await row(house)
    house.pass_time(60)
    await house.world.core.jira.facts.refresh(house.tenant)
    after = await row(house)
    assert after["rev"] == before["rev"]
    assert after["facts"]["read_at"] > before["facts"]["read_at"]
    assert after["facts"] | {"read_at": None} == before["facts"] | {"read_at": None}


@pytest.mark.parametrize(
    ("state", "active", "evaluation"), [("evaluation", True, True), ("expired", False, False)]
)
async def test_a_licence_that_changes(
    house: House, state: str, active: bool, evaluation: bool
) -> None:
    await house.control("sites/demo/licence", state=state)
    facts = (await house.world.core.jira.facts.refresh(house.tenant)).facts
    assert (facts.licence_active, facts.licence_evaluation) == (active, evaluation)


async def test_a_licence_that_is_gone_is_unknown_again(house: House) -> None:
    await house.control("sites/demo/licence", state="none_page")
    facts = (await house.world.core.jira.facts.refresh(house.tenant)).facts
    assert (facts.licence_type, facts.licence_active, facts.support_entitlement) == (None,) * 3
    house.site.version = "1002.0.0"
    await house.world.core.jira.facts.refresh(house.tenant)
    assert (await published(house, "1002.0.0", None)).support_entitlement is None


async def test_the_cloud_id_is_asked_without_a_credential(house: House) -> None:
    await house.world.core.jira.facts.refresh(house.tenant)
    calls = {c.value.target: c.value.auth for c in house.standin.world.records.calls.after(0)}
    assert calls["/_edge/tenant_info"] == "open"
    assert calls["/rest/api/3/serverInfo"] == "jwt"


@pytest.mark.parametrize(
    "body", ["<html>moment</html>", '{"version": ', "[]", "", '{"version": 7}', "null"]
)
async def test_an_answer_of_another_shape_changes_nothing(house: House, body: str) -> None:
    before = await row(house)
    fault = {"path": "/rest/api/3/serverInfo", "status": 200, "body": body}
    await house.control("faults", **fault)
    with pytest.raises(Unavailable):
        await house.world.core.jira.facts.refresh(house.tenant)
    after = await row(house)
    assert (after["rev"], after["facts"]) == (before["rev"], before["facts"])


@pytest.mark.parametrize("status", [403, 404])
async def test_what_the_app_may_not_ask_is_unknown(house: House, status: int) -> None:
    await house.control("faults", path="/rest/atlassian-connect", status=status)
    facts = (await house.world.core.jira.facts.refresh(house.tenant)).facts
    assert facts.licence_type is None
    assert facts.version == "1001.0.0-SNAPSHOT"


async def test_an_install_in_between_is_not_lost(house: House) -> None:
    # the store is changed between reading Jira and keeping it
    before = await row(house)
    house.site.version = "1003.0.0"
    facts = house.world.core.jira.facts
    read = await facts._read(await house.world.core.jira.sites.get(house.tenant))
    site = await house.world.core.jira.sites.get(house.tenant)
    house.pass_time(1)
    await house.act("rotate_secret")
    kept = await facts._keep(site, *read)
    after = await row(house)
    assert kept.facts.version == "1003.0.0"
    assert after["install"]["current"]["version"] == before["install"]["current"]["version"] + 1
    assert after["facts"]["version"] == "1003.0.0"
    assert after["rev"] == before["rev"] + 2


async def always() -> bool:
    return True


def polling(house: House, core: Core | None = None) -> FactsPolling:
    """A poller that nobody else runs."""
    jira = (core or house.world.core).jira
    return FactsPolling(
        jira.leavers, jira.comparison, jira.facts, jira.facts._store, house.world.clock
    )


async def test_daily_and_at_once_after_an_install(house: House) -> None:
    poller = polling(house)
    assert await poller.round(always) == 0
    house.pass_time(22 * 3600 - 60)
    assert await poller.round(always) == 0
    house.pass_time(2 * 3600)
    assert await poller.round(always) == 1
    assert await poller.round(always) == 0
    house.pass_time(5)
    await house.act("update")
    assert await poller.round(always) == 1
    house.pass_time(2)
    assert await poller.round(always) in {0, 1}
    assert await poller.round(always) == 0


async def test_a_site_that_fails_is_left_alone_longer_and_longer(house: House) -> None:
    # by a process of its own, as this one would leave the site alone afterwards
    core = await house.replica()
    poller = polling(house, core)
    house.pass_time(24 * 3600)
    house.site.suspended = True
    tried = []
    for minute in range(20):
        if await poller.round(always):
            tried.append(minute)
        house.pass_time(60)
    assert tried == [0, 1, 3, 7, 15]
    assert (await row(house))["facts"]["licence_type"] == "COMMERCIAL"
    await core.jira.close()
    await core.key_ring.close()


async def test_nobody_is_asked_without_the_lease(house: House) -> None:
    async def never() -> bool:
        return False

    house.pass_time(24 * 3600)
    assert await polling(house).round(never) == 0
    assert house.calls() == []


async def test_without_jira_there_are_no_facts(house: House) -> None:
    tenant = await house.world.plain_tenant()
    with pytest.raises(NotFound):
        await house.client.get("/internal/v1/jira", JiraAnswer, tenant=tenant)
    with pytest.raises(NotFound):
        await house.world.core.jira.facts.refresh(tenant)


async def test_a_secret_that_does_not_open_stops_no_other_site(house: House) -> None:
    before, tenants = await row(house), house.world.database["tenants"]
    # sealed for another place, so it does not open
    broken = {**before, "_id": "broken", "cloud_id": None}
    broken["install"] = {**before["install"], "client_key_hash": "another"}
    await tenants.insert_one(broken)
    house.pass_time(24 * 3600)
    asked = UsersRequest(account_ids=("a",))
    try:
        assert await polling(house).round(always) == 2
        with pytest.raises(Unavailable):
            await house.client.post("/internal/v1/users", asked, UsersAnswer, tenant="broken")
    finally:
        await tenants.delete_one({"_id": "broken"})
    assert (await row(house))["facts"]["read_at"] > before["facts"]["read_at"]
