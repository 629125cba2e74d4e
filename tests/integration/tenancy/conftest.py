"""One running tenancy service per module; each test makes its own tenants in it."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.installation import Installation
from tests.integration.tenancy.world import World, running_world


@pytest.fixture(scope="module")
async def running(installation: Installation) -> AsyncIterator[World]:
    async with running_world(installation) as world:
        yield world


@pytest.fixture
async def world(running: World) -> World:
    """The module's service, with key servers and site that behave, a second later."""
    running.servers.reset()
    running.clock.advance(seconds=1)
    return running
