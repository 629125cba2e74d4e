"""MongoDB away, the relay away, two processes at once."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from contracts.topics import TENANT_STATE
from kit.service import Role, running
from services.tenancy.main import INDEXES, SERVICE, build
from tests.harness.backends import Backends
from tests.harness.installation import Installation, free_port
from tests.harness.namespace import prepared
from tests.harness.pipe import pipe_to_mongodb
from tests.harness.polling import eventually
from tests.integration.tenancy.jira_site import JiraSite
from tests.integration.tenancy.world import World, running_world

pytestmark = pytest.mark.long


@pytest.fixture
async def apart(servers: Backends, tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation of this test alone."""
    async with prepared(servers, tmp_path) as found:
        yield found


async def test_without_mongodb_it_is_503_and_nothing_is_half_done(
    apart: Installation, servers: Backends
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        pipe, uri = stack.enter_context(pipe_to_mongodb(servers.mongodb))
        world = await stack.enter_async_context(running_world(apart, mongodb_uri=uri))
        site, tenant = await world.installed()
        headers = await world.token(tenant)
        replaced = site.secret
        site.new_secret()
        world.clock.advance(seconds=1)
        pipe.cut()
        answers = await asyncio.gather(
            world.call(site, "installed"),
            world.http.get("/v2/healthcheck", headers=headers),
            world.http.get("/v2/projects", headers=headers),
        )
        for answer in answers:
            assert answer.status_code == 503
            assert answer.json()["errorCode"] == 503
            assert answer.headers["retry-after"] == "5"

        pipe.mend()
        await eventually(
            lambda: world.call(site, "installed"), lambda a: a.status_code == 204, seconds=30
        )
        assert (await world.call(site, "enabled")).status_code == 204
        world.clock.advance(minutes=5)
        token = site.symmetric("enabled", secret=replaced)
        assert (await world.call(site, "enabled", token)).status_code == 401


async def test_events_wait_for_the_relay(apart: Installation) -> None:
    async with running_world(apart, role=Role.API) as world:
        _, tenant = await world.installed()
        row = await world.database["tenants"].find_one({"_id": tenant})
        assert row is not None
        assert [e["kind"] for e in row["outbox"]] == ["state", "usage"]
        assert await world.records(TENANT_STATE) == []
        ports = {"http_port": free_port(), "internal_port": free_port()}
        settings = world.settings.model_copy(update=ports)
        async with running(SERVICE, settings, build, INDEXES, Role.RELAY, clock=world.clock):
            states = await eventually(lambda: world.newest(TENANT_STATE), lambda s: tenant in s)
            assert len(await eventually(lambda: world.usage(tenant))) == 1
        assert len(states) == 1


async def test_two_processes_and_many_installs_at_once(world: World) -> None:
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
        site = world.site()
        requests = []
        for number in range(10):
            # ten secrets in ten seconds, delivered in no order to two processes
            world.clock.advance(seconds=1)
            site.new_secret()
            http = (world.http, other)[number % 2]
            headers = {"authorization": site.signed("installed")}
            requests.append((http, site.body("installed"), headers))
        answers = await asyncio.gather(
            *(h.post("/connect/installed", content=b, headers=a) for h, b, a in requests)
        )
        assert {a.status_code for a in answers} == {204}
        # the last secret holds, also after every grace
        world.clock.advance(minutes=6)
        assert (await world.call(site, "enabled")).status_code == 204
        digest = world.core.index.hash(site.client_key)
        query = {"install.client_key_hash": digest}
        assert await world.database["tenants"].count_documents(query) == 1


async def test_an_import_and_a_rename_without_mongodb_or_key_servers_leave_nothing_half_done(
    apart: Installation, servers: Backends
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        pipe, uri = stack.enter_context(pipe_to_mongodb(servers.mongodb))
        world = await stack.enter_async_context(running_world(apart, mongodb_uri=uri))
        site, former = await world.installed()
        renamed, tenant = await world.installed()
        imported = JiraSite(world.keys, world.clock, world.base, site.base_url)
        renamed.base_url = next(world.addresses)
        world.clock.advance(seconds=1)
        before = await world.stored()

        # the keys that are known already are good for a day
        world.clock.advance(days=2)
        world.servers.modes.update(keys="down", backup="down")
        for one in (imported, renamed):
            assert (await world.call(one, "installed")).status_code == 503
        world.servers.reset()
        assert await world.stored() == before

        pipe.cut()
        for one in (imported, renamed):
            assert (await world.call(one, "installed")).status_code == 503
        pipe.mend()
        await eventually(world.stored, lambda found: found == before, seconds=30)
        for one in (imported, renamed):
            await eventually(
                functools.partial(world.call, one, "installed"),
                lambda answer: answer.status_code == 204,
                seconds=30,
            )
        orphan = await world.core.tenant_store.get(former)
        moved = await world.core.tenant_store.get(tenant)
        assert orphan is not None
        assert moved is not None
        assert orphan.orphaned_at is not None
        assert moved.site_url == renamed.base_url
        assert (await world.tenant_of(imported))["status"] == "active"
