"""The archive of a request on disk while it is read: a nameless file, gone with its process."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from starlette.requests import Request

from kit.errors import InvalidInput, TooLarge, Unavailable
from kit.transfer.windows import window

_TOGETHER = 256 * 1024
_IDLE_SECONDS = 60.0
_SLOWEST = 32 * 1024
"""Bytes a second, on average, beyond the first minute: who trickles keeps others waiting."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """An archive as it came."""

    file: IO[bytes]
    sha256: str

    ahead: IO[bytes] | None = None
    """What came before it in the same body."""


@asynccontextmanager
async def spooled(
    request: Request, folder: Path | None, cap: int, ahead: int = 0
) -> AsyncIterator[Spooled]:
    """Write the body of a request to ``folder`` (the system's temporary one by default).

    Its first ``ahead`` bytes are another archive. Raises ``TooLarge`` for an archive above ``cap``
    bytes, ``InvalidInput`` for a body that stops arriving, ``Unavailable`` when the disk is full.
    """
    length = request.headers.get("content-length", "")
    if ahead > cap or (length.isdecimal() and int(length) > cap + ahead):
        raise _too_large(cap)
    spool, size = _Spool(await asyncio.to_thread(_created, folder), ahead), 0
    try:
        async for piece in _arriving(request):
            size += len(piece)
            if size > cap + ahead:
                raise _too_large(cap)
            spool.waiting += piece
            if len(spool.waiting) >= _TOGETHER:
                await asyncio.to_thread(spool.write)
        await asyncio.to_thread(spool.write)
        if size < ahead:
            raise InvalidInput("The request body is shorter than what should come ahead in it.")
        yield spool.whole(size)
    finally:
        with suppress(OSError):  # what could not be written is no longer wanted
            spool.file.close()


class _Spool:
    """A file that grows; the digest is that of what follows what comes ahead."""

    def __init__(self, file: IO[bytes], ahead: int) -> None:
        self.file = file
        self.waiting = bytearray()
        self._ahead = self._skip = ahead
        self._digest = hashlib.sha256()

    def write(self) -> None:
        """Write what waits. Blocking."""
        try:
            self.file.write(self.waiting)
            self.file.flush()
        except OSError as error:
            raise _unavailable(error) from error
        skipped = min(self._skip, len(self.waiting))
        self._digest.update(memoryview(self.waiting)[skipped:])
        self._skip -= skipped
        self.waiting = bytearray()

    def whole(self, size: int) -> Spooled:
        """Return what came."""
        digest = self._digest.hexdigest()
        if not self._ahead:
            return Spooled(self.file, digest)
        rest = window(self.file, self._ahead, size - self._ahead)
        return Spooled(rest, digest, window(self.file, 0, self._ahead))


async def _arriving(request: Request) -> AsyncIterator[bytes]:
    stream = request.stream()
    loop = asyncio.get_running_loop()
    due = loop.time() + _IDLE_SECONDS
    while True:
        try:
            async with asyncio.timeout_at(min(due, loop.time() + _IDLE_SECONDS)):
                piece = await anext(stream, None)
        except TimeoutError:
            raise InvalidInput(
                "The request body stopped arriving, or arrives too slowly."
            ) from None
        if piece is None:
            return
        due += len(piece) / _SLOWEST
        yield piece


def _created(folder: Path | None) -> IO[bytes]:
    try:
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)
    except OSError as error:
        raise _unavailable(error) from error


def _too_large(cap: int) -> TooLarge:
    return TooLarge(f"The archive is larger than {cap} bytes (OSTRO_IMPORT_MAX_BYTES).")


def _unavailable(error: OSError) -> Unavailable:
    return Unavailable(f"The archive cannot be stored at present ({error.strerror}); try again.")
