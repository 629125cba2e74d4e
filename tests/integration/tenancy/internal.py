"""Another service of the installation asking tenancy."""

import contextlib
from collections.abc import AsyncIterator

from kit.auth.service_tokens import ServiceTokens
from kit.http.client import InternalClient
from tests.integration.tenancy.world import World


@contextlib.asynccontextmanager
async def internal_client(world: World, service: str) -> AsyncIterator[InternalClient]:
    """A client that signs as that service."""
    folder = world.installation.folder
    tokens = ServiceTokens.from_files(
        service, folder / f"{service}.pem", folder / "peers.json", world.clock
    )
    client = InternalClient(str(world.settings.tenancy_url), "tenancy", tokens)
    try:
        yield client
    finally:
        await client.close()
