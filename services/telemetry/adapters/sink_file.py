"""JSON Lines on a local disk, bounded by rotation: ``events.jsonl``, ``events.jsonl.1``, ...

Several processes of one host may share the file: each writes under a lock, and opens anew, so
that it finds what another has rotated.
"""

import asyncio
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kit.errors import Unavailable

_MODE = 0o600


class SinkFile:
    """Implements ``usecases.sink.Lines``. ``files`` counts the current one and the older ones."""

    def __init__(self, path: Path, most_bytes: int, files: int) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._files = files

    async def append(self, lines: Sequence[bytes]) -> None:
        """Return when they are on disk; raise ``Unavailable``, for a full disk may have room."""
        try:
            await asyncio.to_thread(self._append, b"".join(line + b"\n" for line in lines))
        except OSError as error:
            raise Unavailable(f"OSTRO_TELEMETRY_SINK_FILE: {error.strerror}") from None

    def _append(self, content: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            size = _without_torn_line(self._path)
            if size and size + len(content) > self._most_bytes:
                self._rotate()
            with _opened(self._path, os.O_WRONLY | os.O_APPEND) as file:
                view = memoryview(content)
                while view:
                    view = view[os.write(file, view) :]
                os.fsync(file)
            # a new name is on disk only with its folder
            with _opened(self._path.parent, os.O_RDONLY | os.O_DIRECTORY, create=False) as folder:
                os.fsync(folder)

    def _rotate(self) -> None:
        for number in range(self._files - 2, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        if self._files > 1:
            self._path.replace(self._numbered(1))
        else:
            self._path.unlink()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with _opened(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextmanager
def _opened(path: Path, flags: int, *, create: bool = True) -> Iterator[int]:
    file = os.open(path, flags | (os.O_CREAT if create else 0) | os.O_CLOEXEC, _MODE)
    try:
        yield file
    finally:
        os.close(file)


def _without_torn_line(path: Path) -> int:
    """Cut off what a crash left of a line, whose event comes again; return the size."""
    with _opened(path, os.O_RDWR) as file:
        size = os.lseek(file, 0, os.SEEK_END)
        kept = size
        while kept:
            start = max(0, kept - 65_536)
            newline = os.pread(file, kept - start, start).rfind(b"\n")
            kept = start + newline + 1
            if newline >= 0:
                break
        if kept != size:
            os.ftruncate(file, kept)
        return kept
