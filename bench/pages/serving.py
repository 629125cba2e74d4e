"""executions' public API on a mongod that is there, without Kafka and without its peers.

python -m bench.pages.serving PORT URI DATABASE FOLDER
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from pydantic import HttpUrl

from bench.alone import NOWHERE, key_files, runtime
from kit.mongo import connect
from kit.observability import logs
from kit.service import Parts
from services.executions.main import SERVICE, build
from services.executions.settings import ExecutionsSettings


@contextlib.asynccontextmanager
async def built(uri: str, database: str, folder: Path) -> AsyncIterator[Parts]:
    """Build the service as its own process does; its background runs."""
    key_file, peers_file = key_files(folder)
    settings = ExecutionsSettings(
        kafka_bootstrap=NOWHERE,
        mongodb_uri=uri,
        service_key_file=key_file,
        peer_keys_file=peers_file,
        spool_dir=folder / "spool",
        public_url=HttpUrl("https://api.example"),
    )
    async with connect(uri, database) as rows:
        parts = await build(runtime(SERVICE, settings, rows))
        # nothing was published that is not here
        parts.public.state.api_tokens.directory.trust()
        # the first one waits for Kafka
        tasks = [asyncio.ensure_future(behind.run()) for behind in parts.background[1:]]
        try:
            yield parts
        finally:
            for task in tasks:
                task.cancel()


async def main(port: int, uri: str, database: str, folder: Path) -> None:
    """Serve until killed."""
    logs.configure(SERVICE, "ERROR")
    async with built(uri, database, folder) as parts:
        config = uvicorn.Config(
            parts.listener(),
            port=port,
            access_log=False,
            log_level="error",
            lifespan="off",
            timeout_keep_alive=600,
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    from uvloop import new_event_loop

    _, listen, address, name, place = sys.argv
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main(int(listen), address, name, Path(place)))
