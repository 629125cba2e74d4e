"""Telemetry for real, with stand-ins for the processors and tenancy's state from its topics."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.installation import Installation
from tests.harness.tenancy_world import TenancyWorld, tenancy_world
from tests.integration.telemetry.house import House, house
from tests.integration.telemetry.standins import Standins, standins


@pytest.fixture(scope="module")
async def world(installation: Installation) -> AsyncIterator[TenancyWorld]:
    """What tenancy would publish."""
    async with tenancy_world(installation) as found:
        yield found


@pytest.fixture(scope="module")
async def processors() -> AsyncIterator[Standins]:
    """Both stand-ins."""
    async with standins() as found:
        yield found


@pytest.fixture(scope="module")
async def running(
    installation: Installation, world: TenancyWorld, processors: Standins
) -> AsyncIterator[House]:
    """One telemetry service for the module."""
    async with house(installation, world, processors) as found:
        yield found


@pytest.fixture
async def telemetry(running: House) -> AsyncIterator[House]:
    """The same with stand-ins that have forgotten everything."""
    await running.standins.reset()
    yield running
    await running.standins.reset()
    await running.all_drained()
