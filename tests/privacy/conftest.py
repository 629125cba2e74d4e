"""A namespace of its own for each proof."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.namespace import prepared


@pytest.fixture
async def installation(servers: Backends, tmp_path: Path) -> AsyncIterator[Installation]:
    """Where the services run."""
    async with prepared(servers, tmp_path) as found:
        yield found
