"""Installs over HTTP: life of a tenant, rotation of its secret, order of deliveries."""

import pytest

from contracts.tenancy import TenantStatus
from contracts.topics import TENANT_STATE
from services.tenancy.domain.connect_life import PREVIOUS_SECRET_LIFE
from tests.harness.polling import eventually
from tests.integration.tenancy.world import World


async def status(world: World, tenant: str) -> str:
    row = await world.database["tenants"].find_one({"_id": tenant})
    assert row is not None
    return str(row["status"])


async def test_descriptor(world: World) -> None:
    answer = await world.http.get("/connect/atlassian-connect.json")
    assert answer.headers["content-type"] == "application/json"
    descriptor = answer.json()
    assert descriptor["baseUrl"] == world.base
    assert descriptor["key"] == world.settings.app_key
    assert descriptor["authentication"] == {"type": "jwt"}
    assert set(descriptor["lifecycle"]) == {"installed", "uninstalled", "enabled", "disabled"}
    assert descriptor["apiMigrations"] == {
        "gdpr": True,
        "signed-install": True,
        "context-qsh": True,
    }


async def test_first_install_makes_a_tenant_that_the_others_hear_of(world: World) -> None:
    site, tenant = await world.installed()
    row = await world.tenant_of(site)
    assert row["status"] == "active"
    assert row["site_url"] == site.base_url
    assert len(tenant) == 16

    found = await eventually(lambda: world.newest(TENANT_STATE), lambda states: tenant in states)
    event = found[tenant]
    assert event is not None
    assert event.data.status is TenantStatus.ACTIVE
    assert event.data.site_url == site.base_url
    assert (event.tenantid, event.subject, event.sequence) == (tenant, tenant, 1)

    usage = await eventually(lambda: world.usage(tenant))
    assert [e.data.name for e in usage] == ["Installed app"]
    # the acting administrator of the payload is kept nowhere
    assert usage[0].data.account_id is None
    audit = await world.database["audit"].find({"tenant": tenant}).to_list(None)
    assert [(a["action"], a["actor"], a["account_id"]) for a in audit] == [
        ("app.installed", "jira", None)
    ]


async def test_the_whole_life(world: World) -> None:
    site, tenant = await world.installed()
    for hook, expected in (
        ("enabled", "active"),
        ("disabled", "disabled"),
        ("enabled", "active"),
        ("disabled", "disabled"),
        ("uninstalled", "uninstalled"),
    ):
        world.clock.advance(seconds=1)
        assert (await world.call(site, hook)).status_code == 204
        assert await status(world, tenant) == expected
    world.clock.advance(days=2)
    site.new_secret()
    assert await world.installed(site) == (site, tenant)
    assert await status(world, tenant) == "active"
    assert (await world.call(site, "enabled")).status_code == 204
    names = [
        e.data.name for e in await eventually(lambda: world.usage(tenant), lambda u: len(u) == 3)
    ]
    assert names == ["Installed app", "Uninstalled app", "Installed app"]


async def test_tokens_answer_401_while_the_tenant_is_not_active(world: World) -> None:
    site, tenant = await world.installed()
    headers = await world.token(tenant)

    async def code() -> int:
        return (await world.http.get("/v2/healthcheck", headers=headers)).status_code

    assert await code() == 200
    for hook, expected in (("disabled", 401), ("enabled", 200), ("uninstalled", 401)):
        world.clock.advance(seconds=1)
        await world.call(site, hook)
        await eventually(code, lambda found, expected=expected: found == expected)  # type: ignore[misc]  # bound now
    site.new_secret()
    world.clock.advance(seconds=1)
    await world.installed(site)
    await eventually(code, lambda found: found == 200)


async def test_reinstall_keeps_the_previous_secret_for_five_minutes(world: World) -> None:
    site, _ = await world.installed()
    old, new = site.secret, site.new_secret()
    world.clock.advance(seconds=1)
    await world.installed(site)

    async def enabled(secret: str) -> int:
        world.clock.advance(seconds=1)
        token = site.symmetric("enabled", secret=secret)
        return (await world.call(site, "enabled", token)).status_code

    assert await enabled(new) == 204
    assert await enabled(old) == 204
    world.clock.advance(seconds=PREVIOUS_SECRET_LIFE.total_seconds() - 5)
    assert await enabled(old) == 204
    world.clock.advance(seconds=5)
    assert await enabled(old) == 401
    assert await enabled(new) == 204

    await world.core.upkeep.round()
    row = await world.tenant_of(site)
    assert row["install"]["previous"] is None
    assert row["install"]["current"]["version"] == 2


async def test_two_rotations_in_one_second_leave_the_last_secret(world: World) -> None:
    # Jira's tokens of one second are alike; the bodies differ
    site, _ = await world.installed()
    replaced = site.secret
    first = site.authorization("installed"), site.body("installed")
    site.new_secret()
    assert (await world.call(site, "installed")).status_code == 204
    # and the first call again, late: it changes nothing
    assert (await world.call(site, "installed", *first)).status_code == 204
    world.clock.advance(seconds=301)
    token = site.symmetric("enabled", secret=replaced)
    assert (await world.call(site, "enabled", token)).status_code == 401
    assert (await world.call(site, "enabled")).status_code == 204


async def test_a_captured_install_token_with_another_secret_is_dropped(world: World) -> None:
    site, _ = await world.installed()
    captured = site.authorization("installed")
    world.clock.advance(seconds=10)
    row = await world.tenant_of(site)
    forged = site.body("installed", sharedSecret="attacker-" + "x" * 40)
    assert (await world.call(site, "installed", captured, forged)).status_code == 204
    assert await world.tenant_of(site) == row


@pytest.mark.parametrize("hook", ["installed", "disabled", "uninstalled"])
async def test_an_older_delivery_is_dropped(world: World, hook: str) -> None:
    site = world.site()
    older = site.secret
    await world.installed(site)
    world.clock.advance(seconds=1)
    late = site.authorization(hook), site.body(hook)
    site.new_secret()
    world.clock.advance(seconds=1)
    await world.installed(site)
    row = await world.tenant_of(site)
    assert (await world.call(site, hook, *late)).status_code == 204
    assert await world.tenant_of(site) == row
    assert older != site.secret


async def test_a_late_notification_does_not_bring_an_uninstalled_tenant_back(world: World) -> None:
    site, tenant = await world.installed()
    world.clock.advance(seconds=1)
    await world.call(site, "uninstalled")
    for hook in ("enabled", "disabled"):
        world.clock.advance(seconds=1)
        assert (await world.call(site, hook)).status_code == 204
        assert await status(world, tenant) == "uninstalled"


async def test_uninstall_of_an_unknown_site_is_fine(world: World) -> None:
    before = await world.stored()
    assert (await world.call(world.site(), "uninstalled")).status_code == 204
    assert await world.stored() == before


async def test_uninstall_twice_is_fine(world: World) -> None:
    site, tenant = await world.installed()
    for _ in range(2):
        world.clock.advance(seconds=1)
        assert (await world.call(site, "uninstalled")).status_code == 204
    usage = await eventually(lambda: world.usage(tenant), lambda u: len(u) >= 2)
    assert [e.data.name for e in usage] == ["Installed app", "Uninstalled app"]


async def test_rename_moves_the_site_and_keeps_secret_and_entitlement(world: World) -> None:
    site = world.site()
    body = site.body("installed", entitlementNumber="E-12")
    assert (await world.call(site, "installed", body=body)).status_code == 204
    world.clock.advance(seconds=1)
    site.base_url = renamed = next(world.addresses)
    await world.installed(site)
    row = await world.tenant_of(site)
    assert row["site_url"] == renamed
    assert row["install"]["current"]["version"] == 1
    assert row["install"]["entitlement"] == "E-12"


async def test_unsigned_disabled_after_an_uninstall_changes_nothing(world: World) -> None:
    # the known quirk AC-2561
    site, _ = await world.installed()
    for hook in ("disabled", "uninstalled"):
        before = await world.stored()
        answer = await world.http.post(f"/connect/{hook}", content=site.body(hook))
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == f'JWT realm="{world.settings.app_key}"'
        assert await world.stored() == before


async def test_leeway_of_thirty_seconds(world: World) -> None:
    site, _ = await world.installed()
    now = int(world.clock.now().timestamp())
    for iat, exp, code in (
        (now + 29, now + 200, 204),
        (now + 31, now + 200, 401),
        (now - 300, now - 31, 401),
    ):
        answer = await world.call(site, "installed", site.signed("installed", iat=iat, exp=exp))
        assert answer.status_code == code


async def test_a_body_over_the_limit_is_not_read(world: World) -> None:
    site = world.site()
    body = site.body("installed", description="x" * 70_000)
    answer = await world.call(site, "installed", body=body)
    assert answer.status_code == 413
    assert "65536" in answer.json()["message"]


async def test_trailing_slash_and_audience_with_slash(world: World) -> None:
    site = world.site()
    answer = await world.http.post(
        "/connect/installed/",
        content=site.body("installed"),
        headers={"authorization": site.signed("installed", aud=f"{world.base}/")},
    )
    assert answer.status_code == 204


async def test_a_query_is_part_of_what_is_signed(world: World) -> None:
    site = world.site()
    answer = await world.http.post(
        "/connect/installed?env=prod",
        content=site.body("installed"),
        headers={"authorization": site.signed("installed")},
    )
    assert answer.status_code == 401
