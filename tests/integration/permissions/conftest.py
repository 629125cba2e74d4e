"""One running site with all its services per module."""

from collections.abc import AsyncIterator

import pytest

from devstack.jira.demo import MANAGER, TESTER
from tests.harness.installation import Installation
from tests.integration.permissions.shop import Shop, open_shop


@pytest.fixture(scope="module")
async def running_shop(installation: Installation) -> AsyncIterator[Shop]:
    async with open_shop(installation) as found:
        yield found


@pytest.fixture
async def shop(running_shop: Shop) -> AsyncIterator[Shop]:
    """The module's site: Jira answers, TESTER is in the group, MANAGER has the role."""
    await running_shop.group(TESTER)
    await running_shop.role({"accountId": MANAGER})
    await running_shop.settle()
    yield running_shop
    await running_shop.jira_up()
