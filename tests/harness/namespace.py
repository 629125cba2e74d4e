"""A namespace on the shared servers: made for somebody, gone afterwards."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from kit.kafka.topics import apply
from kit.mongo import connect
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.topics import remove_topics


@contextlib.asynccontextmanager
async def prepared(servers: Backends, folder: Path) -> AsyncIterator[Installation]:
    """Yield an installation with all topics; topics and databases go when the block ends."""
    found = Installation(servers, folder)
    await apply(found.kafka)
    try:
        yield found
    finally:
        await remove_topics(found.kafka)
        async with connect(servers.mongodb, "admin") as admin:
            for service in found.http_ports:
                await admin.client.drop_database(found.database(service))
