"""mongod and Kafka are killed with -9 and started again while a client goes on uploading.

Whatever it got a 200 for is there, whole and once; an upload is there whole or not at all.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from tests.faults.conftest import Site
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.namespace import prepared
from tests.harness.operator import Operator
from tests.harness.own_servers import OwnServer, own_kafka, own_mongod
from tests.harness.polling import eventually
from tests.integration.executions.uploading import every, junit, send

RESULTS = 1_100
"""Three chunks."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnServer]:
    """A broker that only this module uses."""
    async with own_kafka(tmp_path_factory.mktemp("kafka")) as found:
        yield found


@pytest.fixture(scope="module")
async def mongod(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnServer]:
    """A mongod that only this module uses."""
    async with own_mongod(tmp_path_factory.mktemp("mongod")) as found:
        yield found


@pytest.fixture(scope="module")
async def own_installation(
    kafka: OwnServer, mongod: OwnServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """An installation on both."""
    backends = Backends("own", kafka.address, mongod.address)
    async with prepared(backends, tmp_path_factory.mktemp("own")) as found:
        yield found


@pytest.fixture(scope="module")
def installation(own_installation: Installation) -> Installation:
    """The same."""
    return own_installation


@pytest.fixture(scope="module")
def world(own_world: Operator) -> Operator:
    """Tenancy and testcases on them."""
    return own_world


@dataclass
class Client:
    """A CI system that tries again whenever it is told to."""

    http: httpx.AsyncClient
    accepted: list[int] = field(default_factory=list)
    refused: int = 0

    async def go_on(self) -> None:
        """Upload until cancelled; nothing but 200 and 503 is ever answered."""
        while True:
            answer = await send(self.http, junit(RESULTS))
            assert answer.status_code in {200, 503}, answer.text
            if answer.status_code == 200:
                self.accepted.append(answer.json()["testCycle"]["id"])
            else:
                assert answer.headers["retry-after"]
                self.refused += 1
                await asyncio.sleep(0.2)

    async def got(self, more: int) -> None:
        """Wait for more accepted uploads."""
        wanted = len(self.accepted) + more

        async def number() -> int:
            return len(self.accepted)

        await eventually(number, lambda n: n >= wanted, seconds=120)


@pytest.mark.parametrize("which", ["mongod", "kafka"])
async def test_every_accepted_upload_is_there_whole_and_once(
    executions: None, site: Site, mongod: OwnServer, kafka: OwnServer, which: str
) -> None:
    server = {"mongod": mongod, "kafka": kafka}[which]
    ci = Client(site.http)
    uploading = asyncio.create_task(ci.go_on())
    for gone in (0, 8):
        await ci.got(2)
        server.kill()
        await asyncio.sleep(gone)
        await server.start()
    await ci.got(2)
    uploading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await uploading
    assert ci.refused  # the first outage was too short to be noticed, the second was not
    counts: dict[int, int] = {}

    async def whole() -> bool:
        counts.clear()
        cycles = [c["id"] for c in await every(site.http, "/testcycles")]
        for cycle in cycles:
            found = await every(site.http, "/testexecutions", testCycle=cycle, maxResults=1000)
            counts[cycle] = len({e["id"] for e in found})
            assert len(found) == counts[cycle]
        return set(counts.values()) == {RESULTS}

    # what was accepted while storage was away arrives later
    await eventually(whole, seconds=60)
    assert set(ci.accepted) <= counts.keys()
    # one more at most per kill: accepted, but its answer was lost on the way
    assert len(counts) - len(ci.accepted) <= 3
