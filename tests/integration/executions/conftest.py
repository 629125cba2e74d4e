"""tenancy, testcases and executions run for real; or a house without tenancy.

Both once for all modules here (a worker goes from folder to folder, so once for its whole run);
every test makes tenants of its own.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from tests.harness.backends import Backends
from tests.harness.namespace import prepared
from tests.harness.operator import Operator, operator
from tests.harness.system import client, service
from tests.integration.executions.linking import House, Linked, house_of_links


@dataclass
class Site:
    """One tenant with a project, and a client that may do everything in it."""

    tenant: str
    project: int
    http: httpx.AsyncClient


@pytest.fixture(scope="session")
async def world(
    servers: Backends, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Operator]:
    """Run the three services."""
    async with (
        prepared(servers, tmp_path_factory.mktemp("world")) as installation,
        operator(installation) as found,
        service(installation, "tenancy", master_key_file=installation.secret("master")),
        service(installation, "testcases"),
        service(installation, "executions"),
    ):
        yield found


@pytest.fixture
async def site(world: Operator) -> AsyncIterator[Site]:
    """A fresh tenant."""
    async for found in _site(world):
        yield found


@pytest.fixture
async def other_site(world: Operator) -> AsyncIterator[Site]:
    """Another tenant, with a project of the same key."""
    async for found in _site(world):
        yield found


@pytest.fixture(scope="session")
async def house(
    servers: Backends, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """testcases and executions, for the tests of links."""
    async with (
        prepared(servers, tmp_path_factory.mktemp("house")) as installation,
        house_of_links(installation) as found,
    ):
        yield found


@pytest.fixture
async def linked(house: House) -> Linked:
    """A fresh tenant of that house."""
    return await house.linked()


async def _site(world: Operator) -> AsyncIterator[Site]:
    tenant = await world.tenant()
    project = await world.project(tenant, "DEMO")
    async with client(world.installation, await world.headers(tenant)) as http:
        yield Site(tenant, project, http)
