"""A forward proxy that knows the vendor's host names only: what ``HTTPS_PROXY`` points to.

Bytes are passed on as they are; TLS ends in the front behind it.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from devstack.embedded.ports import LOOPBACK

_MAX_HEAD = 64 * 1024
_HEAD_SECONDS = 30.0
_REFUSED = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    b"This proxy leads to Ostro alone; name other hosts in NO_PROXY.\n"
)


@dataclass(frozen=True)
class ForwardProxy:
    """Ports of the front: ``tls`` for tunnels, ``plain`` for requests with a whole URL."""

    hosts: Collection[str]
    tls: int
    plain: int
    elsewhere: bool = False
    """Whether tunnels to other hosts are led through, unread."""

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Listen."""
        return await asyncio.start_server(self._client, host, port, limit=_MAX_HEAD)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            await self._lead(head, reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked is gone, or spoke no HTTP
        finally:
            writer.close()

    async def _lead(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        way = self._way(head)
        if way is None:
            writer.write(_REFUSED)
            await writer.drain()
            return
        host, port, tunnel = way
        far_reader, far_writer = await asyncio.open_connection(host, port)
        try:
            if tunnel:
                writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
            else:
                far_writer.write(head)
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
        finally:
            far_writer.close()

    def _way(self, head: bytes) -> tuple[str, int, bool] | None:
        """Return where a request goes and whether by a tunnel; None when it may not."""
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        target = rest.rpartition(" ")[0]
        with suppress(ValueError):  # a port that is none
            if method == "CONNECT":
                url = urlsplit(f"//{target}")
                if url.hostname in self.hosts:
                    return LOOPBACK, self.tls, True
                if self.elsewhere and url.hostname and url.port:
                    return url.hostname, url.port, True
            elif urlsplit(target).hostname in self.hosts:
                return LOOPBACK, self.plain, False
        return None


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until the end; then say so to the other side."""
    with suppress(OSError):
        while data := await reader.read(64 * 1024):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
