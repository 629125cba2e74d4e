"""A broker of a test's own, which it may stop, freeze and start again."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from devstack.embedded.guard import guarded_folder
from devstack.embedded.kafka import KafkaSite, start_kafka
from devstack.embedded.ports import free_ports
from devstack.embedded.process import Process, Started


class OwnKafka:
    """One embedded broker; address and data stay the same over restarts."""

    def __init__(self, site: KafkaSite, started: Started) -> None:
        self._site = site
        self._started = started
        self._process: Process | None = None

    @property
    def bootstrap(self) -> str:
        """Its address."""
        return self._site.bootstrap

    async def start(self) -> None:
        """Return when it answers."""
        self._process = await asyncio.to_thread(start_kafka, self._site, started=self._started)

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
async def own_kafka(folder: Path) -> AsyncIterator[OwnKafka]:
    """Run a broker in an empty folder, also gone when this process is killed."""
    with guarded_folder(folder) as guard:
        found = OwnKafka(KafkaSite(folder.resolve(), *free_ports(2)), guard.watch)
        try:
            await found.start()
            yield found
        finally:
            await found.stop()
