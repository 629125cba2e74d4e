"""Some of the bytes of a file, as a file: archives lie in others."""

import errno
import io
from typing import IO

from typing_extensions import Buffer

_TOGETHER = 256 * 1024


def window(file: IO[bytes], start: int, size: int) -> IO[bytes]:
    """Return bytes of a file as one that can be read and moved in; several may share a file."""
    return io.BufferedReader(_Window(file, start, size), _TOGETHER)


class _Window(io.RawIOBase):
    """Some of the bytes of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._start, self._size = start, size
        self._place = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be moved in."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Read."""
        wanted = memoryview(buffer).nbytes
        self._file.seek(self._start + self._place)
        found = self._file.read(max(0, min(wanted, self._size - self._place)))
        memoryview(buffer)[: len(found)] = found
        self._place += len(found)
        return len(found)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move."""
        place = offset + {io.SEEK_CUR: self._place, io.SEEK_END: self._size}.get(whence, 0)
        if place < 0:
            raise OSError(errno.EINVAL, "before the beginning")
        self._place = place
        return place

    def tell(self) -> int:
        """Return the place."""
        return self._place
