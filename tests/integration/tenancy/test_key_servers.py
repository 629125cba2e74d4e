"""Key servers that fail in every way; what was fetched is remembered, within limits."""

import asyncio
import time

import pytest

from kit.ids import SystemIds
from services.tenancy.adapters.jira.key_servers import HttpKeyServers
from services.tenancy.domain.secret import Secret
from services.tenancy.main import compose
from services.tenancy.usecases.jira import ConnectSecret, JiraProject, JiraSite
from tests.integration.tenancy.jira_site import GOOD_KID
from tests.integration.tenancy.world import World


@pytest.fixture(autouse=True)
async def forgotten(world: World) -> None:
    """Let a day pass, so that no key is remembered."""
    world.clock.advance(hours=25)


async def install(world: World, **header: object) -> int:
    site = world.site()
    answer = await world.call(site, "installed", site.signed("installed", header=header))
    if answer.status_code == 503:
        assert answer.headers["retry-after"] == "5"
    stored = await world.database["tenants"].find_one(
        {"install.client_key_hash": world.core.index.hash(site.client_key)}
    )
    assert (stored is not None) is (answer.status_code == 204)
    return answer.status_code


@pytest.mark.parametrize(
    "mode", ["down", "empty", "html", "redirect", "huge", "unreadable", "exotic"]
)
async def test_the_second_server_is_asked_when_the_first_fails(world: World, mode: str) -> None:
    world.servers.modes["keys"] = mode
    assert await install(world) == 204
    # a redirect is not followed: the second request is ours, to the second server
    assert world.servers.asked == [f"/keys/{GOOD_KID}", f"/backup/{GOOD_KID}"]


@pytest.mark.parametrize("mode", ["down", "html", "huge", "unreadable", "exotic"])
async def test_without_a_server_it_is_503_and_tried_again_later(world: World, mode: str) -> None:
    world.servers.modes |= {"keys": mode, "backup": mode}
    assert await install(world) == 503
    world.servers.reset()
    assert await install(world) == 204


async def test_one_server_that_lacks_the_key_does_not_speak_for_one_that_is_down(
    world: World,
) -> None:
    world.servers.modes |= {"keys": "empty", "backup": "down"}
    assert await install(world) == 503


async def test_what_is_cached_survives_an_outage(world: World) -> None:
    assert await install(world) == 204
    world.servers.modes |= {"keys": "down", "backup": "down"}
    world.clock.advance(hours=23)
    assert await install(world) == 204
    world.clock.advance(hours=1)
    assert await install(world) == 503


async def test_an_unknown_key_is_remembered_for_a_minute(world: World) -> None:
    kid = "new-key-of-next-week"
    assert await install(world, kid=kid) == 401
    assert await install(world, kid=kid) == 401
    assert world.servers.asked == [f"/keys/{kid}", f"/backup/{kid}"]
    world.clock.advance(seconds=61)
    assert await install(world, kid=kid) == 401
    assert len(world.servers.asked) == 4


async def test_a_wrong_key_fails_the_signature(world: World) -> None:
    world.servers.modes |= {"keys": "stranger"}
    assert await install(world) == 401


async def test_invented_keys_do_not_push_the_real_one_out(world: World) -> None:
    assert await install(world) == 204
    for number in range(0, 120, 20):
        await asyncio.gather(*(install(world, kid=f"invented-{number + n}") for n in range(20)))
    world.servers.asked.clear()
    assert await install(world) == 204
    assert world.servers.asked == []


async def test_a_slow_server_costs_two_seconds_at_most(world: World) -> None:
    world.servers.modes |= {"keys": "slow"}
    started = time.monotonic()
    assert await install(world) == 204
    # it would take ten
    assert time.monotonic() - started < 8


async def test_loopback_is_reached_past_a_proxy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    servers = HttpKeyServers([f"{world.servers_url}/keys"], world.clock)
    assert await servers.public_key(GOOD_KID) is not None
    await servers.close()
    core = await compose(world.database, world.settings, world.clock, SystemIds())
    site = JiraSite("tenant", world.servers_url, ConnectSecret(Secret(b"s" * 40), 1))
    assert await core.jira.projects.find(site, "DEMO") == JiraProject(10000, "DEMO")
    await core.jira.close()
