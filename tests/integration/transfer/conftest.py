"""testcases and executions run; tenants are what tenancy published."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.installation import Installation
from tests.integration.executions.linking import House, house_of_links


@pytest.fixture(scope="module")
async def house(installation: Installation) -> AsyncIterator[House]:
    """Run them."""
    async with house_of_links(installation) as found:
        yield found
