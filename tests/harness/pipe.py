"""A TCP relay that can be cut: a server that is gone for one client and there for the others."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx


class Pipe:
    """Leads to one port on loopback."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._cut = False
        self.port = 0

    def cut(self) -> None:
        """Refuse new connections and drop the open ones."""
        self._cut = True
        for writer in list(self._writers):
            writer.close()

    def mend(self) -> None:
        """Let connections through again."""
        self._cut = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection."""
        if self._cut:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()
        self._writers.discard(writer)


@contextlib.asynccontextmanager
async def pipe_to(target: int) -> AsyncIterator[Pipe]:
    """Yield a pipe to a port."""
    found = Pipe(target)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        found.cut()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def pipe_to_mongodb(uri: str) -> AsyncIterator[tuple[Pipe, str]]:
    """Yield a pipe to a mongod and a URI that leads through it."""
    port = httpx.URL(uri.replace("mongodb://", "http://")).port
    assert port is not None
    async with pipe_to(port) as found:
        yield found, f"mongodb://127.0.0.1:{found.port}/?directConnection=true&w=majority"
