"""Whole systems whose parts fail."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.faults.handmade import Hand, by_hand
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.namespace import prepared
from tests.harness.operator import Operator, operator
from tests.harness.system import client, service
from tests.harness.watch import Watch, watching


@dataclass
class Site:
    """One tenant with the project DEMO, and a client that may do everything in it."""

    tenant: str
    project: int
    http: httpx.AsyncClient


@contextlib.asynccontextmanager
async def _others(installation: Installation) -> AsyncIterator[Operator]:
    async with (
        operator(installation) as found,
        service(installation, "tenancy", master_key_file=installation.secret("master")),
        service(installation, "testcases"),
    ):
        yield found


@pytest.fixture(scope="session")
async def shared_installation(
    servers: Backends, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """For all modules that leave time alone."""
    async with prepared(servers, tmp_path_factory.mktemp("faults")) as found:
        yield found


@pytest.fixture(scope="session")
async def shared_world(shared_installation: Installation) -> AsyncIterator[Operator]:
    """Run tenancy and testcases in it."""
    async with _others(shared_installation) as found:
        yield found


@pytest.fixture(scope="module")
def installation(shared_installation: Installation) -> Installation:
    """Where a module's services run."""
    return shared_installation


@pytest.fixture(scope="module")
def world(shared_world: Operator) -> Operator:
    """Tenancy and testcases run there; executions is the test's own matter."""
    return shared_world


@pytest.fixture(scope="module")
async def own_installation(
    servers: Backends, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """For a module whose services live in another time, or which runs its own four."""
    async with prepared(servers, tmp_path_factory.mktemp("own")) as found:
        yield found


@pytest.fixture(scope="module")
async def own_world(own_installation: Installation) -> AsyncIterator[Operator]:
    """Run tenancy and testcases in it."""
    async with _others(own_installation) as found:
        yield found


@pytest.fixture(scope="module")
async def executions(installation: Installation, world: Operator) -> AsyncIterator[None]:
    """Run executions, too."""
    async with service(installation, "executions"):
        yield


@pytest.fixture(scope="module")
async def watch(installation: Installation) -> AsyncIterator[Watch]:
    """A look at Kafka."""
    async with watching(installation.kafka) as found:
        yield found


@pytest.fixture(scope="module")
async def hand(installation: Installation, executions: Any) -> AsyncIterator[Hand]:
    """Uploads by hand, beside a running service."""
    async with by_hand(installation) as found:
        yield found


@pytest.fixture
async def site(installation: Installation, world: Operator) -> AsyncIterator[Site]:
    """A fresh tenant."""
    tenant = await world.tenant()
    project = await world.project(tenant)
    async with client(installation, await world.headers(tenant)) as http:
        yield Site(tenant, project, http)
