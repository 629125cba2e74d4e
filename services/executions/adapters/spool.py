"""Uploads on disk while they are worked on: written as they arrive, gone afterwards.

A spooled file is locked by the process that works on it. What a killed process left is a file
without a lock: ``sweep`` removes it at the next start, whoever else uses the folder.
"""

import asyncio
import fcntl
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from starlette.requests import Request

from kit.errors import TooLarge, Unavailable
from services.executions.adapters.multipart import (
    MAX_TEST_CYCLE_BYTES,
    UploadParts,
    boundary_of,
)
from services.executions.domain.formats import Format

PREFIX: Final = "ostro-upload-"
_WRITE_BYTES: Final = 262_144
_OVERHEAD_BYTES: Final = MAX_TEST_CYCLE_BYTES + 196_608
"""What a body may hold beside the file: ``testCycle``, headers, parts that nobody reads."""


@dataclass(frozen=True)
class SpooledUpload:
    """One upload's file on disk, until the context ends."""

    path: Path
    size: int
    test_cycle: bytes | None
    """The ``testCycle`` part, when it says that it is JSON."""


@asynccontextmanager
async def spool(
    request: Request, folder: Path | None, cap: int, result_format: Format | None = None
) -> AsyncIterator[SpooledUpload]:
    """Write the ``file`` part of a request to ``folder`` (the system's temporary one by default).

    ``result_format`` names the setting behind ``cap`` in the message of the 413. Raises
    ``TooLarge`` as soon as the length is known to be above ``cap`` bytes, ``InvalidInput``
    for a body that is no upload, ``Unavailable`` when the disk is full, and whatever reading the
    body raises when the client goes away. The file is removed in any case.
    """
    setting = f" (OSTRO_UPLOAD_MAX_{result_format.name}_BYTES)" if result_format else ""
    too_large = TooLarge(f"The file is larger than {cap} bytes{setting}.")
    most = cap + _OVERHEAD_BYTES
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise too_large
    parts = UploadParts(boundary_of(request.headers.get("content-type")), cap, too_large)
    with ExitStack() as stack:
        path, file = _create(folder or Path(tempfile.gettempdir()), stack)
        received = 0
        waiting: list[bytes] = []
        waiting_bytes = 0
        async for data in request.stream():
            received += len(data)
            if received > most:
                raise too_large
            pieces = parts.feed(data)
            waiting += pieces
            waiting_bytes += sum(map(len, pieces))
            if waiting_bytes >= _WRITE_BYTES:
                await asyncio.to_thread(_write, file, waiting)
                waiting, waiting_bytes = [], 0
        size = parts.finish()
        await asyncio.to_thread(_write, file, waiting)
        yield SpooledUpload(path, size, parts.test_cycle)


def sweep(folder: Path | None) -> int:
    """Remove files that no living process holds; return how many. Called at start.

    Exits naming the setting when the folder cannot be used.
    """
    folder, removed = folder or Path(tempfile.gettempdir()), 0
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SystemExit(f"OSTRO_SPOOL_DIR: cannot write to {folder}: {error.strerror}") from None
    for path in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):  # locked, gone meanwhile, or somebody else's
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                removed += 1
            finally:
                os.close(descriptor)
    return removed


def _create(folder: Path, stack: ExitStack) -> tuple[Path, IO[bytes]]:
    """Create a file for us alone, locked; the stack closes and removes it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            descriptor, name = tempfile.mkstemp(prefix=PREFIX, dir=folder)  # mode 0600
            file = os.fdopen(descriptor, "wb")
            if _lock(descriptor):
                break
            file.close()
    except OSError as error:
        raise _unavailable(error) from error
    path = Path(name)
    stack.callback(path.unlink, missing_ok=True)
    stack.callback(_close, file)
    return path, file


def _lock(descriptor: int) -> bool:
    """Lock a new file; False when a sweep was quicker and removes it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(descriptor).st_nlink == 1


def _write(file: IO[bytes], pieces: list[bytes]) -> None:
    try:
        file.writelines(pieces)
        file.flush()
    except OSError as error:
        raise _unavailable(error) from error


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # what could not be written is no longer wanted
        file.close()


def _unavailable(error: OSError) -> Unavailable:
    return Unavailable(f"The upload cannot be stored at present ({error.strerror}); try again.")
