"""Whole systems whose parts fail."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.faults.handmade import Hand, by_hand
from tests.harness.installation import Installation
from tests.harness.operator import Operator, operator
from tests.harness.system import client, service
from tests.harness.watch import Watch, watching


@dataclass
class Site:
    """One tenant with the project DEMO, and a client that may do everything in it."""

    tenant: str
    project: int
    http: httpx.AsyncClient


@pytest.fixture(scope="module")
async def world(installation: Installation) -> AsyncIterator[Operator]:
    """Run tenancy and testcases; executions is the test's own matter."""
    async with (
        operator(installation) as found,
        service(installation, "tenancy", master_key_file=installation.secret("master")),
        service(installation, "testcases"),
    ):
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
