"""Real servers once per run; a namespace of its own for whoever asks."""

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest

from kit.mongo import Database, connect
from kit.observability import logs
from tests.harness.backends import Backends, backends
from tests.harness.installation import Installation
from tests.harness.namespace import prepared


@pytest.fixture(scope="session", autouse=True)
def _logging() -> None:
    """Log as services do: structlog's own default renders the locals of every traceback."""
    logs.configure("tests", "WARNING")


@pytest.fixture(scope="session")
def servers() -> Iterator[Backends]:
    """Kafka and MongoDB for the whole run."""
    with backends() as found:
        yield found


@pytest.fixture
async def database(servers: Backends) -> AsyncIterator[Database]:
    """A fresh MongoDB database, dropped afterwards."""
    name = f"t{secrets.token_hex(6)}"
    async with connect(servers.mongodb, name) as found:
        yield found
        await found.client.drop_database(name)


@pytest.fixture(scope="module")
async def installation(
    servers: Backends, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """A namespace with all topics, shared by the tests of one module."""
    async with prepared(servers, tmp_path_factory.mktemp("installation")) as found:
        yield found
