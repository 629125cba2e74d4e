"""A TCP relay that can be cut: a server that is gone for one client and there for the others.

It has a thread of its own: PyMongo says goodbye to its server with a blocking call in the test's
loop, which a relay in the same loop could not carry.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import httpx


class Pipe:
    """Leads to one port on loopback."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._cut = False
        self._marker = b""
        self._deaf: set[asyncio.StreamWriter] = set()
        self.to_lose = 0
        """Answers that are still to be lost."""
        self.port = 0

    def cut(self) -> None:
        """Refuse new connections and drop the open ones."""
        asyncio.run_coroutine_threadsafe(self._drop(), self._loop).result(10)

    def mend(self) -> None:
        """Let connections through again."""
        self._cut = False

    def lose_answers(self, marker: bytes, times: int) -> None:
        """Let the next requests that hold a marker through, and drop the line at their answers."""
        self._marker, self.to_lose = marker, times

    def run(self, listening: threading.Event) -> None:
        """Serve until stopped; the thread's target."""
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._drop())
        tasks = asyncio.all_tasks(self._loop)
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def stop(self) -> None:
        """End the thread's loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _drop(self) -> None:
        self._cut = True
        for writer in list(self._writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(
            self._copy(reader, far_writer, asks=writer), self._copy(far_reader, writer)
        )

    async def _copy(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        asks: asyncio.StreamWriter | None = None,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if writer in self._deaf:
                    self._deaf.discard(writer)
                    break
                if asks is not None and self.to_lose and self._marker in data:
                    self.to_lose -= 1
                    self._deaf.add(asks)
                writer.write(data)
                await writer.drain()
        writer.close()
        self._writers.discard(writer)


@contextlib.contextmanager
def pipe_to(target: int) -> Iterator[Pipe]:
    """Yield a pipe to a port."""
    found, listening = Pipe(target), threading.Event()
    thread = threading.Thread(target=found.run, args=(listening,))
    thread.start()
    listening.wait(10)
    try:
        yield found
    finally:
        found.stop()
        thread.join()


@contextlib.contextmanager
def pipe_to_mongodb(uri: str) -> Iterator[tuple[Pipe, str]]:
    """Yield a pipe to a mongod and a URI that leads through it."""
    port = httpx.URL(uri.replace("mongodb://", "http://")).port
    assert port is not None
    with pipe_to(port) as found:
        yield found, f"mongodb://127.0.0.1:{found.port}/?directConnection=true&w=majority"
