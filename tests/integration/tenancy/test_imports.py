"""Renames, imports of other sites' backups and restores, over HTTP: who is at a site, who stops."""

import asyncio
from typing import Any

import httpx
import pytest

from contracts.tenancy import TenantStatus
from contracts.topics import TENANT_STATE
from kit.service import Role, running
from services.tenancy.main import INDEXES, SERVICE, build
from tests.harness.installation import free_port
from tests.harness.polling import eventually
from tests.integration.tenancy.jira_site import JiraSite
from tests.integration.tenancy.world import OPERATOR_BY, World

INSTALLATION = "ari:cloud:ecosystem::installation/6d1e3a52-8b1c-4c7e-9a55-0d7a3f2f8a11"


async def row_of(world: World, tenant: str) -> dict[str, Any]:
    row = await world.database["tenants"].find_one({"_id": tenant}, {"outbox": 0})
    assert row is not None
    return row


def imported(world: World, site: JiraSite) -> JiraSite:
    """The same site with another site's backup: another client key at its address."""
    return JiraSite(world.keys, world.clock, world.base, site.base_url)


async def test_a_rename_merges(world: World) -> None:
    site = world.site()
    body = site.body(
        "installed",
        installationId=INSTALLATION,
        entitlementNumber="E-1",
        entitlementId="id-1",
        oauthClientId="never kept",
        capabilitySet="capabilityStandard",
    )
    assert (await world.call(site, "installed", body=body)).status_code == 204
    tenant = (await world.tenant_of(site))["_id"]
    world.clock.advance(seconds=1)
    site.base_url = renamed = next(world.addresses)
    await world.installed(site)
    row = await row_of(world, tenant)
    assert row["site_url"] == renamed
    assert row["status"] == "active"
    install = row["install"]
    assert install["installation_id"] == INSTALLATION.rpartition("/")[2]
    assert (install["entitlement"], install["entitlement_id"]) == ("E-1", "id-1")
    assert install["current"]["version"] == 1
    assert "never kept" not in str(row)
    audit = await world.database["audit"].find({"tenant": tenant}).sort("at", 1).to_list(None)
    assert [entry["action"] for entry in audit] == ["app.installed", "app.site-renamed"]


async def test_an_import_is_a_new_tenant_and_the_former_one_stops(world: World) -> None:
    site, former = await world.installed()
    headers = await world.token(former)
    await eventually(lambda: code(world, headers), lambda found: found == 200)
    before = await row_of(world, former)

    world.clock.advance(seconds=1)
    _, tenant = await world.installed(imported(world, site))
    assert tenant != former
    after = await row_of(world, former)
    assert (after["status"], after["orphaned_at"]) == ("uninstalled", world.clock.now())
    # its secret stays, for the day when its own backup comes back
    assert after["install"] == before["install"]
    await eventually(lambda: code(world, headers), lambda found: found == 401)
    states = await eventually(
        lambda: world.newest(TENANT_STATE),
        lambda s: former in s and s[former] is not None and s[former].sequence > 1,  # type: ignore[union-attr]  # asked just before
    )
    state = states[former]
    assert state is not None
    assert state.data.status is TenantStatus.UNINSTALLED
    await eventually(
        lambda: lives(world, former), lambda found: found == ["Installed app", "Uninstalled app"]
    )
    actions = {row["action"] async for row in world.database["audit"].find({"tenant": former})}
    assert "app.orphaned" in actions


async def test_a_restore_brings_the_former_tenant_back(world: World) -> None:
    site, former = await world.installed()
    headers = await world.token(former)
    world.clock.advance(seconds=1)
    _, other = await world.installed(imported(world, site))
    world.clock.advance(seconds=1)
    site.new_secret()
    assert await world.installed(site) == (site, former)
    assert (await row_of(world, former))["orphaned_at"] is None
    assert (await row_of(world, other))["status"] == "uninstalled"
    await eventually(lambda: code(world, headers), lambda found: found == 200)
    told = ["Installed app", "Uninstalled app", "Installed app"]
    await eventually(lambda: lives(world, former), lambda found: found == told)


async def test_a_late_install_of_the_former_client_key_brings_nothing_back(world: World) -> None:
    site, former = await world.installed()
    world.clock.advance(seconds=1)
    site.new_secret()
    late = site.authorization("installed"), site.body("installed")
    world.clock.advance(seconds=1)
    _, tenant = await world.installed(imported(world, site))
    assert (await world.call(site, "installed", *late)).status_code == 204
    assert (await row_of(world, former))["status"] == "uninstalled"
    assert (await row_of(world, tenant))["status"] == "active"
    # a notification in its name brings it back no more
    world.clock.advance(seconds=1)
    assert (await world.call(site, "enabled")).status_code == 204
    assert (await row_of(world, former))["status"] == "uninstalled"


async def test_a_late_install_counts_although_a_younger_notification_came_first(
    world: World,
) -> None:
    site, tenant = await world.installed()
    world.clock.advance(seconds=1)
    old = site.secret
    site.new_secret()
    late = site.authorization("installed"), site.body("installed")
    world.clock.advance(seconds=1)
    assert (await world.call(site, "disabled", site.symmetric("disabled", secret=old))).is_success
    assert (await world.call(site, "installed", *late)).status_code == 204
    # the secret is the newest one, and the site is disabled as it said after that
    assert (await row_of(world, tenant))["status"] == "disabled"
    world.clock.advance(minutes=6)
    assert (await world.call(site, "enabled")).status_code == 204
    assert (await row_of(world, tenant))["status"] == "active"


async def test_an_install_that_was_replayed_changes_nothing(world: World) -> None:
    site, _ = await world.installed()
    first = site.authorization("installed"), site.body("installed")
    world.clock.advance(seconds=1)
    _, tenant = await world.installed(imported(world, site))
    before = await world.stored()
    for _ in range(2):
        assert (await world.call(site, "installed", *first)).status_code == 204
    assert await world.stored() == before
    assert (await row_of(world, tenant))["status"] == "active"


async def test_a_site_that_takes_a_former_address_leaves_the_renamed_one_alone(
    world: World,
) -> None:
    site, renamed = await world.installed()
    address = site.base_url
    world.clock.advance(seconds=1)
    site.base_url = next(world.addresses)
    await world.installed(site)
    world.clock.advance(seconds=1)
    newcomer = JiraSite(world.keys, world.clock, world.base, address)
    _, tenant = await world.installed(newcomer)
    assert [(await row_of(world, t))["status"] for t in (renamed, tenant)] == ["active", "active"]


async def test_a_tenant_without_jira_at_the_same_address_is_not_touched(world: World) -> None:
    site = world.site()
    plain = await world.core.tenants.create("plain", site.base_url, OPERATOR_BY)
    await world.installed(site)
    assert (await row_of(world, plain.id))["status"] == "active"


async def test_two_client_keys_at_once_on_two_processes_leave_one_at_the_site(
    world: World,
) -> None:
    changes = {
        "http_port": free_port(),
        "internal_port": free_port(),
        "app_base_url": world.settings.public_url,
    }
    settings = world.settings.model_copy(update=changes)
    second = f"http://127.0.0.1:{settings.http_port}"
    async with (
        running(SERVICE, settings, build, INDEXES, Role.API, clock=world.clock),
        httpx.AsyncClient(base_url=second, trust_env=False) as other,
    ):
        sites = [world.site()]
        sites += [imported(world, sites[0]) for _ in range(5)]
        requests = []
        for number, site in enumerate(sites):
            world.clock.advance(seconds=1)
            headers = {"authorization": site.signed("installed")}
            requests.append(((world.http, other)[number % 2], site.body("installed"), headers))
        answers = await asyncio.gather(
            *(h.post("/connect/installed", content=b, headers=a) for h, b, a in requests)
        )
    assert {answer.status_code for answer in answers} == {204}
    rows = await world.database["tenants"].find({"site_url": sites[0].base_url}).to_list(None)
    active = [row["_id"] for row in rows if row["status"] == "active"]
    assert (len(rows), active) == (6, [(await world.tenant_of(sites[-1]))["_id"]])


@pytest.mark.parametrize("ari", ["", "x" * 200, "ari:cloud:ecosystem::app/1", "../x"])
async def test_an_installation_that_is_none_is_left_out(world: World, ari: str) -> None:
    site = world.site()
    body = site.body("installed", installationId=ari)
    assert (await world.call(site, "installed", body=body)).status_code == 204
    assert (await world.tenant_of(site))["install"]["installation_id"] is None


async def lives(world: World, tenant: str) -> list[str]:
    """Product events of installs and uninstalls."""
    names = [event.data.name for event in await world.usage(tenant)]
    return [name for name in names if name.lower().endswith("installed app")]


async def code(world: World, headers: dict[str, str]) -> int:
    return (await world.http.get("/v2/healthcheck", headers=headers)).status_code
