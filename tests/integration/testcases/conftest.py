"""One running testcases for all modules here; every test makes tenants of its own.

For the whole run of a worker: it goes from folder to folder, so a package's would not last.
"""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from kit.auth.service_tokens import ServiceTokens
from kit.clock import SystemClock
from kit.http.client import InternalClient
from kit.mongo import Database
from kit.service import Runtime, running
from services.testcases.main import INDEXES, SERVICE, build
from services.testcases.settings import TestcasesSettings
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.namespace import prepared
from tests.harness.tenancy_world import TenancyWorld, tenancy_world
from tests.integration.testcases.site import Library, Site


@pytest.fixture(scope="session")
async def installation(
    servers: Backends, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """A namespace with all topics, shared by the modules of this folder."""
    async with prepared(servers, tmp_path_factory.mktemp("testcases")) as found:
        yield found


@pytest.fixture(scope="session")
async def world(installation: Installation) -> AsyncIterator[TenancyWorld]:
    """What tenancy publishes."""
    async with tenancy_world(installation) as found:
        yield found


@pytest.fixture(scope="session")
async def runtime(installation: Installation) -> AsyncIterator[Runtime[TestcasesSettings]]:
    """The service, all roles, in this loop."""
    settings = installation.settings(TestcasesSettings, SERVICE, max_body_bytes=64 * 1024)
    async with running(SERVICE, settings, build, INDEXES) as found:
        yield found


@pytest.fixture(scope="session")
async def library(
    installation: Installation, world: TenancyWorld, runtime: Runtime[TestcasesSettings]
) -> AsyncIterator[Library]:
    """Clients of the running service."""
    tokens = ServiceTokens.from_files(
        "executions",
        installation.folder / "executions.pem",
        installation.folder / "peers.json",
        SystemClock(),
    )
    internal_url = f"http://127.0.0.1:{installation.internal_ports[SERVICE]}"
    internal = InternalClient(internal_url, SERVICE, tokens, timeout=30)
    public_url = f"http://127.0.0.1:{installation.http_ports[SERVICE]}"
    async with httpx.AsyncClient(base_url=public_url, trust_env=False, timeout=30) as http:
        base = runtime.settings.api_base
        yield Library(world, http, internal, internal_url, base, runtime.database)
    await internal.close()


@pytest.fixture
async def site(library: Library) -> Site:
    """A fresh tenant with an enabled project DEMO."""
    return await library.site()


@pytest.fixture(scope="session")
async def untouched(library: Library) -> Site:
    """A tenant for whatever is refused: nothing is ever stored in it."""
    return await library.site()


@pytest.fixture
async def twins(library: Library) -> tuple[Site, Site]:
    """Two tenants whose projects have the same id and the same key."""
    mine = await library.site()
    other = await library.site(project=mine.project)
    return mine, other


@pytest.fixture
def stored(runtime: Runtime[TestcasesSettings]) -> Database:
    """The service's database."""
    return runtime.database


@pytest.fixture(autouse=True)
async def nothing_died(runtime: Runtime[TestcasesSettings]) -> AsyncIterator[None]:
    """No part of the service may die on a test's input."""
    yield
    await asyncio.sleep(0)
    assert not runtime.failed.is_set()
