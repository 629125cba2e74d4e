"""The Forge life at the Jira stand-in: alone, after Connect and before it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.tenancy.domain.tenants import SystemToken
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.namespace import prepared
from tests.harness.polling import eventually
from tests.integration.tenancy.standin_house import House, forge_app, standin_house


@pytest.fixture(scope="module")
async def house(installation: Installation) -> AsyncIterator[House]:
    async with standin_house(installation, forge=True) as found:
        yield found


async def only(house: House) -> dict[str, Any]:
    """The only tenant of the house."""
    rows = await house.world.database["tenants"].find({}, {"outbox": 0}).to_list(None)
    assert len(rows) == 1
    return dict(rows[0])


async def system_token(house: House) -> str:
    row = await house.world.core.tenant_store.get((await only(house))["_id"])
    assert row is not None
    assert row.forge is not None
    assert row.forge.token is not None
    opened = await house.world.core.vault.open(
        row.forge.token.sealed, SystemToken.place_of(row.id, row.forge.token.version)
    )
    return opened.reveal().decode()


async def _connect_joins(house: House) -> None:
    before = await only(house)
    house.pass_time(60)
    await house.act("install")
    after = await only(house)
    assert after["_id"] == before["_id"]
    assert after["install"] is not None
    assert after["forge"]["installation_id"] == before["forge"]["installation_id"]
    assert await house.world.core.tenant_store.claim(house.site.base_url) is not None
    # the two apps end apart
    house.pass_time(60)
    await house.act("uninstall")
    assert (await only(house))["status"] == "active"


async def test_a_life_on_forge_and_connect_after_it(house: House) -> None:
    """Install, hourly refresh, upgrade, a silent new id, uninstall, install again: one tenant."""
    row = await only(house)
    tenant = row["_id"]
    assert (row["status"], row["install"], row["cloud_id"]) == ("active", None, house.site.cloud_id)
    assert row["site_url"] == house.site.base_url
    first = await system_token(house)
    assert first not in str(row)

    headers = await house.world.token(tenant)
    await eventually(lambda: status_with(house, headers), lambda found: found == 200)

    read_at = (await house.world.core.jira.facts.refresh(tenant)).facts.read_at
    house.pass_time(3600)
    await house.act("forge_scheduled")
    assert await system_token(house) != first
    refreshed = await only(house)
    assert refreshed["facts"]["read_at"] == read_at
    until = refreshed["forge"]["token"]["until"]
    assert until >= house.world.clock.now() + timedelta(minutes=54)

    house.pass_time(60)
    await house.act("forge_upgrade", denied_seconds=0)
    house.pass_time(60)
    await house.act("forge_new_installation_id")
    # a page may be opened before any event tells of the new id
    await house.act("forge_ui", method="GET", path="/forge/ui/me/tokens")
    await house.act("forge_scheduled")
    assert house.site.forge is not None
    changed = await only(house)
    assert changed["_id"] == tenant
    assert changed["forge"]["installation_id"] == house.site.forge.id.rpartition("/")[2]

    house.pass_time(600)
    await house.act("forge_uninstall")
    assert (await only(house))["status"] == "uninstalled"
    await eventually(lambda: status_with(house, headers), lambda found: found == 401)
    house.pass_time(600)
    await house.act("forge_install")
    again = await only(house)
    assert (again["_id"], again["status"]) == (tenant, "active")
    # the next round reads facts anew: the licence may be another
    assert again["facts"] == {**refreshed["facts"], "read_at": None}
    await eventually(lambda: status_with(house, headers), lambda found: found == 200)

    rows = await house.world.database["audit"].find({"tenant": tenant}).sort("_id", 1).to_list(None)
    actions = [r["action"] for r in rows if r["action"].startswith("app.")]
    assert actions == [
        "app.forge-installed",
        "app.forge-upgraded",
        "app.forge-uninstalled",
        "app.forge-installed",
    ]
    assert {r["account_id"] for r in rows if r["action"].startswith("app.")} == {None}
    await _connect_joins(house)


async def test_forge_after_connect_is_the_same_tenant(servers: Backends, tmp_path: Path) -> None:
    async with prepared(servers, tmp_path) as apart, standin_house(apart) as house:
        connect = await only(house)
        await forge_app(house)
        house.pass_time(60)
        # Forge after Connect: the site takes our secret, so the installation joins
        await house.act("forge_install")
        joined = await only(house)
        assert joined["_id"] == connect["_id"]
        assert joined["forge"] is not None
        assert joined["cloud_id"] == house.site.cloud_id


async def status_with(house: House, headers: dict[str, str]) -> int:
    return (await house.world.http.get("/v2/healthcheck", headers=headers)).status_code
