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

_TOGETHER = 256 * 1024
_IDLE_SECONDS = 60.0
_SLOWEST = 32 * 1024
"""Bytes a second, on average, beyond the first minute: who trickles keeps others waiting."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """An archive as it came."""

    file: IO[bytes]
    sha256: str


@asynccontextmanager
async def spooled(request: Request, folder: Path | None, cap: int) -> AsyncIterator[Spooled]:
    """Write the body of a request to ``folder`` (the system's temporary one by default).

    Raises ``TooLarge`` above ``cap`` bytes, ``InvalidInput`` for a body that stops arriving,
    ``Unavailable`` when the disk is full.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > cap:
        raise _too_large(cap)
    digest, size, waiting = hashlib.sha256(), 0, bytearray()
    file = await asyncio.to_thread(_created, folder)
    try:
        async for piece in _arriving(request):
            size += len(piece)
            if size > cap:
                raise _too_large(cap)
            waiting += piece
            if len(waiting) >= _TOGETHER:
                await asyncio.to_thread(_write, file, digest, waiting)
        await asyncio.to_thread(_write, file, digest, waiting)
        yield Spooled(file, digest.hexdigest())
    finally:
        with suppress(OSError):  # what could not be written is no longer wanted
            file.close()


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


def _write(file: IO[bytes], digest: "hashlib._Hash", waiting: bytearray) -> None:
    try:
        file.write(waiting)
        file.flush()
    except OSError as error:
        raise _unavailable(error) from error
    digest.update(waiting)
    waiting.clear()


def _too_large(cap: int) -> TooLarge:
    return TooLarge(f"The archive is larger than {cap} bytes (OSTRO_IMPORT_MAX_BYTES).")


def _unavailable(error: OSError) -> Unavailable:
    return Unavailable(f"The archive cannot be stored at present ({error.strerror}); try again.")
