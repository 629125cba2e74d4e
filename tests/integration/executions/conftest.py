"""tenancy, testcases and executions run for real; or a house without tenancy."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from tests.harness.installation import Installation
from tests.harness.operator import Operator, operator
from tests.harness.system import client, service
from tests.integration.executions.linking import House, Linked, house_of_links


@dataclass
class Site:
    """One tenant with a project, and a client that may do everything in it."""

    tenant: str
    project: int
    http: httpx.AsyncClient


@pytest.fixture(scope="module")
async def world(installation: Installation) -> AsyncIterator[Operator]:
    """Run the three services."""
    master_key = installation.secret("master")
    async with (
        operator(installation) as found,
        service(installation, "tenancy", master_key_file=master_key),
        service(installation, "testcases"),
        service(installation, "executions"),
    ):
        yield found


@pytest.fixture
async def site(installation: Installation, world: Operator) -> AsyncIterator[Site]:
    """A fresh tenant."""
    async for found in _site(installation, world):
        yield found


@pytest.fixture
async def other_site(installation: Installation, world: Operator) -> AsyncIterator[Site]:
    """Another tenant, with a project of the same key."""
    async for found in _site(installation, world):
        yield found


@pytest.fixture(scope="module")
async def house(installation: Installation) -> AsyncIterator[House]:
    """testcases and executions, for the tests of links."""
    async with house_of_links(installation) as found:
        yield found


@pytest.fixture
async def linked(house: House) -> Linked:
    """A fresh tenant of that house."""
    return await house.linked()


async def _site(installation: Installation, world: Operator) -> AsyncIterator[Site]:
    tenant = await world.tenant()
    project = await world.project(tenant, "DEMO")
    async with client(installation, await world.headers(tenant)) as http:
        yield Site(tenant, project, http)
