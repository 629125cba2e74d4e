"""Results on a scratch file: written once, read as often as wanted, in constant memory."""

import struct
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

import orjson

from services.executions.domain.results import ParsedResult

_LENGTHS = struct.Struct("<II")


class Record(NamedTuple):
    """A stored result, where the next one starts, and where its comment is."""

    result: ParsedResult
    next: int
    comment_bytes: int


class Records:
    """Results in a file, by offset. Not for two threads at the same time."""

    def __init__(self, scratch: IO[bytes]) -> None:
        """``scratch`` is empty, seekable, and this object's alone; the caller closes it."""
        self._file = scratch
        self._at = 0
        self.end = 0

    def append(self, result: ParsedResult) -> int:
        """Store and return the offset."""
        head = orjson.dumps(
            (
                result.keys,
                result.name,
                result.alternative_names,
                result.status,
                result.time_ms,
                result.variant,
            )
        )
        comment = result.comment.encode() if result.comment is not None else b""
        offset = self.end
        self._go(offset)
        self._file.write(b"".join((_LENGTHS.pack(len(head), len(comment)), head, comment)))
        self._at = self.end = offset + _LENGTHS.size + len(head) + len(comment)
        return offset

    def read(self, offset: int) -> Record:
        """Read the result at an offset."""
        self._go(offset)
        head, comment = _LENGTHS.unpack(self._file.read(_LENGTHS.size))
        keys, name, others, status, time_ms, variant = orjson.loads(self._file.read(head))
        text = self._file.read(comment).decode() if comment else None
        result = ParsedResult(
            tuple(keys), name, tuple(others), status, time_ms, text, None, variant
        )
        self._at = offset + _LENGTHS.size + head + comment
        return Record(result, self._at, comment)

    def clear(self) -> None:
        """Forget everything."""
        self._file.seek(0)
        self._file.truncate()
        self._at = self.end = 0

    def _go(self, offset: int) -> None:
        if offset != self._at:  # a seek throws buffered bytes away
            self._file.seek(offset)
            self._at = offset


class Replay:
    """An iterator that works once and is then read back: ``replay()`` gives the same each time.

    The first iteration yields while it writes, so nothing waits for the end of the file; parsing
    costs ten times what reading back does. One iteration at a time.
    """

    def __init__(self, source: Callable[[], Iterator[ParsedResult]], scratch: IO[bytes]) -> None:
        self._source = source
        self._records = Records(scratch)
        self._complete = False

    def __call__(self) -> Iterator[ParsedResult]:
        """Iterate from the beginning; what ``source`` raises comes through."""
        return self._read() if self._complete else self._write()

    def _write(self) -> Iterator[ParsedResult]:
        self._records.clear()
        for result in self._source():
            self._records.append(result)
            yield result
        self._complete = True

    def _read(self) -> Iterator[ParsedResult]:
        offset = 0
        while offset < self._records.end:
            record = self._records.read(offset)
            offset = record.next
            yield record.result
