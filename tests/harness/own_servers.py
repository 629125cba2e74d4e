"""Servers of a test's own, which it may kill, freeze and start again."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from devstack.embedded.guard import guarded_folder
from devstack.embedded.kafka import KafkaSite, start_kafka
from devstack.embedded.mongod import MongodSite, start_mongod
from devstack.embedded.ports import free_ports
from devstack.embedded.process import Process


class OwnServer:
    """One embedded server; address and data stay the same over restarts."""

    def __init__(self, address: str, start: Callable[[], Process]) -> None:
        self.address = address
        self._start = start
        self._process: Process | None = None

    async def start(self) -> None:
        """Return when it answers."""
        self._process = await asyncio.to_thread(self._start)

    def kill(self) -> None:
        """kill -9."""
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        """Take its processor time away; connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    async def stop(self) -> None:
        """End it, whatever state it is in."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.kill()
            await asyncio.to_thread(self._process.stop)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)


@contextlib.asynccontextmanager
async def own_kafka(folder: Path) -> AsyncIterator[OwnServer]:
    """Run a broker in an empty folder, also gone when this process is killed."""
    with guarded_folder(folder) as guard:
        site = KafkaSite(folder.resolve(), *free_ports(2))
        found = OwnServer(site.bootstrap, lambda: start_kafka(site, started=guard.watch))
        async with _running(found):
            yield found


@contextlib.asynccontextmanager
async def own_mongod(folder: Path) -> AsyncIterator[OwnServer]:
    """Run mongod in an empty folder, also gone when this process is killed."""
    with guarded_folder(folder) as guard:
        site = MongodSite(folder.resolve(), *free_ports(1))
        found = OwnServer(site.uri, lambda: start_mongod(site, started=guard.watch))
        async with _running(found):
            yield found


@contextlib.asynccontextmanager
async def _running(server: OwnServer) -> AsyncIterator[None]:
    try:
        await server.start()
        yield
    finally:
        await server.stop()
