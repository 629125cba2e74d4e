"""Kafka away at upload: 503, nothing visible, and the same upload works once it is back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.faults.conftest import Site
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.namespace import prepared
from tests.harness.operator import Operator
from tests.harness.own_servers import OwnServer, own_kafka
from tests.harness.polling import eventually
from tests.integration.executions.uploading import every, junit, send, uploaded

pytestmark = pytest.mark.long

RESULTS = 600
"""Two chunks."""


@pytest.fixture(scope="module")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnServer]:
    """A broker that only this module uses."""
    async with own_kafka(tmp_path_factory.mktemp("kafka")) as found:
        yield found


@pytest.fixture(scope="module")
async def own_installation(
    servers: Backends, kafka: OwnServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """An installation on it."""
    backends = replace(servers, kafka=kafka.address)
    async with prepared(backends, tmp_path_factory.mktemp("own")) as found:
        yield found


@pytest.fixture(scope="module")
def installation(own_installation: Installation) -> Installation:
    """The same."""
    return own_installation


@pytest.fixture(scope="module")
def world(own_world: Operator) -> Operator:
    """Tenancy and testcases on it."""
    return own_world


async def refused_without_a_trace(site: Site) -> None:
    """Two uploads at once get 503, and nothing of them is there."""
    before = await every(site.http, "/testcycles")
    answers = await asyncio.gather(*(send(site.http, junit(RESULTS)) for _ in range(2)))
    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert answer.json()["errorCode"] == 503
        assert "broker" in answer.json()["message"]
        assert int(answer.headers["retry-after"]) > 0
    # what needs no broker works
    assert await every(site.http, "/testcycles") == before


async def works_again(site: Site) -> None:
    """The same upload is taken, once, and the refused ones left nothing."""

    async def status() -> int:
        return (await send(site.http, junit(RESULTS))).status_code

    cycles = len(await every(site.http, "/testcycles"))
    executions = len(await every(site.http, "/testexecutions", maxResults=1000))
    await eventually(status, lambda code: code == 200, seconds=60)
    assert len(await every(site.http, "/testcycles")) == cycles + 1
    found = await every(site.http, "/testexecutions", maxResults=1000)
    assert len({e["id"] for e in found}) == len(found) == executions + RESULTS
    assert len(await every(site.http, "/testcases", maxResults=1000)) == RESULTS


@pytest.mark.timeout(180)
async def test_a_broker_that_hangs(executions: None, site: Site, kafka: OwnServer) -> None:
    await uploaded(site.http, junit(RESULTS))
    kafka.freeze()
    try:
        await refused_without_a_trace(site)
    finally:
        kafka.thaw()
    await works_again(site)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_broker_that_is_killed(executions: None, site: Site, kafka: OwnServer) -> None:
    await uploaded(site.http, junit(RESULTS))
    kafka.kill()
    await refused_without_a_trace(site)
    await kafka.start()
    await works_again(site)
