"""testcases' public API in this process, on a mongod of its own, without Kafka."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.alone import NOWHERE, Tenant, key_files, runtime, tenants
from devstack.embedded.mongod import embedded_mongod
from kit.mongo import Database, connect, ensure_indexes
from services.testcases.adapters.mongo import folders, testcases
from services.testcases.main import INDEXES, SERVICE, build
from services.testcases.settings import TestcasesSettings

_SUMMARIES = (testcases.COUNTED.summaries, folders.COUNTED.summaries)
_QUIET_LOOKS = 4


@dataclass(frozen=True)
class House:
    """What runs."""

    database: Database
    http: httpx.AsyncClient
    tenants: Sequence[Tenant]

    async def index(self) -> None:
        """Build all indexes, which after filling takes a fraction of the time."""
        await ensure_indexes(self.database, INDEXES)

    async def summed_up(self, paths: Sequence[str]) -> None:
        """Ask for lists until the service has made its summaries for them."""
        former, quiet = -1, 0
        while quiet < _QUIET_LOOKS:
            for path in paths:
                for tenant in self.tenants:
                    await self.http.get(path, headers=tenant.headers)
            await asyncio.sleep(1)
            counts = [await self.database[c].count_documents({}) for c in _SUMMARIES]
            quiet = quiet + 1 if sum(counts) == former > 0 else 0
            former = sum(counts)


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
        # the first one waits for Kafka
        tasks = [asyncio.ensure_future(behind.run()) for behind in parts.background[1:]]
        try:
            yield House(database, http, made)
        finally:
            for task in tasks:
                task.cancel()
