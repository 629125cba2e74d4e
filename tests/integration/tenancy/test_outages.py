"""MongoDB away, the relay away, two processes at once."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.topics import TENANT_STATE
from kit.kafka.topics import apply
from kit.mongo import connect
from kit.service import Role, running
from services.tenancy.main import INDEXES, SERVICE, build
from tests.harness.backends import Backends
from tests.harness.installation import Installation, free_port
from tests.harness.polling import eventually
from tests.integration.tenancy.world import World, running_world


class Pipe:
    """A TCP relay to MongoDB that can be cut.

    In a thread of its own: the driver says good-bye with a blocking call.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._cut = False
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0)
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()
        self._writers.discard(writer)

    def cut(self) -> None:
        """Drop what is open, refuse what comes."""
        self._cut = True
        self._run(self._drop())

    def mend(self) -> None:
        """Let new connections through."""
        self._cut = False

    def close(self) -> None:
        """End the thread."""
        self.cut()
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _drop(self) -> None:
        for writer in list(self._writers):
            writer.close()

    async def _end(self) -> None:
        self._server.close()
        me = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not me]
        if others:
            await asyncio.wait(others, timeout=5)


@pytest.fixture
def pipe(servers: Backends) -> Iterator[Pipe]:
    target = httpx.URL(servers.mongodb.replace("mongodb://", "http://")).port
    assert target is not None
    found = Pipe(target)
    yield found
    found.close()


@pytest.fixture
async def apart(servers: Backends, tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation of this test alone."""
    found = Installation(servers, tmp_path)
    await apply(found.kafka)
    yield found
    async with connect(servers.mongodb, "admin") as admin:
        await admin.client.drop_database(found.database(SERVICE))


async def test_without_mongodb_it_is_503_and_nothing_is_half_done(
    apart: Installation, pipe: Pipe
) -> None:
    uri = f"mongodb://127.0.0.1:{pipe.port}/?directConnection=true&w=majority"
    async with running_world(apart, mongodb_uri=uri) as world:
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
