"""One stage for the whole walk."""

from collections.abc import AsyncIterator

import pytest

from tests.conformance.house import furnished
from tests.conformance.stage import Stage
from tests.harness.installation import Installation


@pytest.fixture(scope="module")
async def stage(installation: Installation) -> AsyncIterator[Stage]:
    """Run the four services, with one of everything."""
    async with furnished(installation) as found:
        yield found
