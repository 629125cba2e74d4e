"""Forge's calls over HTTP, with invocation tokens made by hand: what is let in, what is kept."""

import contextlib
from pathlib import Path

import httpx
import pytest

from contracts.tenancy import TenantStatus
from contracts.topics import TENANT_STATE
from tests.harness.backends import Backends
from tests.harness.namespace import prepared
from tests.harness.pipe import pipe_to_mongodb
from tests.harness.polling import eventually
from tests.integration.tenancy.forge_site import ForgeSite, join
from tests.integration.tenancy.world import World, running_world

EVENTS = ["installed", "upgraded", "refresh", "uninstalled"]


@pytest.fixture
async def joined(world: World) -> tuple[ForgeSite, str]:
    """A Connect tenant that a Forge installation has joined."""
    _, tenant = await world.installed()
    site = ForgeSite(world.keys, world.clock, world.servers_url)
    await join(world.database, tenant, site)
    return site, tenant


async def called(world: World, event: str, token: str, system: str = "lent") -> httpx.Response:
    headers = {"authorization": token, "x-forge-oauth-system": system}
    return await world.http.post(f"/forge/{event}", headers=headers, json={"any": "body"})


@pytest.mark.parametrize("event", EVENTS)
async def test_each_route_takes_an_invocation_token_and_nothing_else(
    world: World, joined: tuple[ForgeSite, str], event: str
) -> None:
    site, _ = joined
    connect = world.site()
    bearer = site.token()
    before = await world.stored()
    for wrong in (
        "",
        bearer.removeprefix("Bearer "),
        bearer.replace("Bearer", "JWT"),
        bearer.replace("Bearer", "Basic"),
        connect.signed("installed"),
        connect.symmetric("installed"),
        # a person's page may call other routes, these are Forge's own
        site.of_person("557058:acc"),
    ):
        answer = await called(world, event, wrong)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await world.stored() == before
    assert (await called(world, event, bearer)).status_code == 204


async def test_a_connect_route_takes_no_invocation_token(
    world: World, joined: tuple[ForgeSite, str]
) -> None:
    site, _ = joined
    connect, _ = await world.installed()
    for hook in ("installed", "uninstalled", "enabled", "disabled"):
        assert (await world.call(connect, hook, site.token())).status_code == 401


async def test_a_call_counts_once(world: World, joined: tuple[ForgeSite, str]) -> None:
    site, tenant = joined
    used = site.token()
    assert (await called(world, "refresh", used, "first-token")).status_code == 204
    row = await world.core.tenant_store.get(tenant)
    assert row is not None
    # whoever saw the token sends it again, with a system token of his own
    world.clock.advance(seconds=5)
    for event in EVENTS:
        assert (await called(world, event, used, "attackers-token")).status_code == 204
    assert await world.core.tenant_store.get(tenant) == row


async def test_an_older_call_does_not_bring_its_token_back(
    world: World, joined: tuple[ForgeSite, str]
) -> None:
    site, tenant = joined
    late = site.token()
    world.clock.advance(seconds=2)
    assert (await called(world, "refresh", site.token(), "newer")).status_code == 204
    assert (await called(world, "refresh", late, "older")).status_code == 204
    row = await world.core.tenant_store.get(tenant)
    assert row is not None
    assert row.forge is not None
    assert row.forge.token is not None
    place = row.forge.token.place(tenant)
    assert (await world.core.vault.open(row.forge.token.sealed, place)).reveal() == b"newer"


@pytest.mark.parametrize("system", ["x" * 16_385, "two words", "tab\there"])
async def test_what_is_no_token_is_not_kept(
    world: World, joined: tuple[ForgeSite, str], system: str
) -> None:
    site, tenant = joined
    assert (await called(world, "refresh", site.token(), system)).status_code == 204
    row = await world.core.tenant_store.get(tenant)
    assert row is not None
    assert row.forge is not None
    assert row.forge.token is None


async def test_an_installation_of_another_site_is_refused(
    world: World, joined: tuple[ForgeSite, str]
) -> None:
    site, _ = joined
    before = await world.stored()
    moved = ForgeSite(world.keys, world.clock, site.gateway, installation=site.installation)
    assert (await called(world, "refresh", moved.token())).status_code == 403
    assert await world.stored() == before


async def test_the_others_hear_of_an_uninstall(world: World, joined: tuple[ForgeSite, str]) -> None:
    site, tenant = joined
    await world.database["tenants"].update_one({"_id": tenant}, {"$set": {"install": None}})
    world.clock.advance(seconds=1)
    assert (await called(world, "uninstalled", site.token())).status_code == 204
    found = await eventually(
        lambda: world.newest(TENANT_STATE),
        lambda states: (
            (state := states.get(tenant)) is not None
            and state.data.status is TenantStatus.UNINSTALLED
        ),
    )
    assert found[tenant] is not None


@pytest.mark.long
async def test_without_mongodb_jira_or_the_key_set_it_is_503_and_nothing_is_half_done(
    servers: Backends, tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        apart = await stack.enter_async_context(prepared(servers, tmp_path))
        pipe, uri = stack.enter_context(pipe_to_mongodb(servers.mongodb))
        world = await stack.enter_async_context(running_world(apart, mongodb_uri=uri))
        _, tenant = await world.installed()
        site = ForgeSite(world.keys, world.clock, world.servers_url)
        await join(world.database, tenant, site)
        world.servers.modes["jwks"] = "down"
        assert (await called(world, "refresh", site.token())).status_code == 503
        world.servers.modes["jwks"] = "good"
        world.clock.advance(minutes=2)
        stranger = ForgeSite(world.keys, world.clock, world.servers_url)
        # the gateway does not let the app in yet, so whose it is cannot be found out
        world.servers.modes["gateway"] = "late"
        before = await world.stored()
        assert (await called(world, "installed", stranger.token())).status_code == 503
        assert await world.stored() == before
        world.servers.reset()
        assert (await called(world, "installed", stranger.token())).status_code == 204
        made = await world.core.tenant_store.by_installation(stranger.installation)
        assert made is not None
        assert made.site_url == f"https://{stranger.cloud}.atlassian.net"

        pipe.cut()
        token = site.token()
        for event in EVENTS:
            answer = await called(world, event, token)
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
        pipe.mend()
        await eventually(
            lambda: called(world, "refresh", token, "lent-at-last"),
            lambda answer: answer.status_code == 204,
            seconds=30,
        )
        row = await world.core.tenant_store.get(tenant)
        assert row is not None
        assert row.forge is not None
        assert row.forge.token is not None
