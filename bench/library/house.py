"""testcases' public API in this process, on a mongod of its own, without Kafka."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.alone import NOWHERE, Tenant, key_files, runtime, tenants
from devstack.embedded.mongod import embedded_mongod
from kit.mongo import Database, connect, ensure_indexes
from services.testcases.main import INDEXES, SERVICE, build
from services.testcases.settings import TestcasesSettings


@dataclass(frozen=True)
class House:
    """What runs."""

    database: Database
    http: httpx.AsyncClient
    tenants: Sequence[Tenant]

    async def index(self) -> None:
        """Build all indexes, which after filling takes a fraction of the time."""
        await ensure_indexes(self.database, INDEXES)


@contextlib.asynccontextmanager
async def house(folder: Path, count: int) -> AsyncIterator[House]:
    """Run it with some tenants in a folder that is new or empty."""
    async with contextlib.AsyncExitStack() as stack:
        uri = stack.enter_context(embedded_mongod(folder / "mongod"))
        database = await stack.enter_async_context(connect(uri, "library"))
        made = await tenants(database, count)
        key_file, peers_file = key_files(folder)
        settings = TestcasesSettings(
            kafka_bootstrap=NOWHERE,
            mongodb_uri=uri,
            service_key_file=key_file,
            peer_keys_file=peers_file,
        )
        stands_on = runtime(SERVICE, settings, database)
        for peer in stands_on.peers.values():
            stack.push_async_callback(peer.close)
        parts = await build(stands_on)
        for close in parts.closers:
            stack.push_async_callback(close)
        # nothing was published that is not here
        parts.public.state.api_tokens.directory.trust()
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(parts.public), base_url="http://ostro.test"
        )
        await stack.enter_async_context(http)
        yield House(database, http, made)
