"""Real HTTP listeners on loopback for an ASGI application, several in one process."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process: several of them share one loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """A bound socket on `port` (0: any free one). Raises OSError when it is taken."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def port_of(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


class Listeners:
    """Serves applications on bound sockets until it is stopped; each port is one origin."""

    def __init__(self, http: type[asyncio.Protocol] | None = None) -> None:
        self._http = http
        self._running: list[tuple[_Server, asyncio.Task[None]]] = []

    async def serve(self, app: ASGIApp, sock: socket.socket, *more: socket.socket) -> None:
        """Returns once connections are accepted; on several sockets it has several origins."""
        config = uvicorn.Config(
            app,
            http=self._http or "h11",
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[sock, *more]))
        self._running.append((server, task))
        while not server.started:
            if task.done():
                await task
                raise OSError(f"the listener on port {port_of(sock)} ended at once")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        for server, _task in self._running:
            server.should_exit = True
        await asyncio.gather(*(task for _server, task in self._running))
        self._running.clear()


async def until_signal() -> None:
    """Returns on SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
