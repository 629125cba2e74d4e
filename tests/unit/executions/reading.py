"""Helpers of the format tests."""

import io
from collections.abc import Collection, Iterator

from services.executions.domain.formats import Format, parse
from services.executions.domain.results import ParsedResult

KEYS = ("ZT",)


class Dribble:
    """A stream that gives so many bytes at a time, to put piece borders everywhere."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = io.BytesIO(data), size

    def read(self, size: int = -1, /) -> bytes:
        """Read at most the fixed size."""
        return self._data.read(self._size)


class Endless:
    """A stream that would never end; counts what was taken from it."""

    def __init__(self, head: bytes, piece: bytes, limit: int) -> None:
        self._head, self._piece = head, piece
        self.taken, self._limit = 0, limit

    def read(self, size: int = -1, /) -> bytes:
        """Read the head, then the piece over and over."""
        data, self._head = self._head or self._piece * (max(size, 1) // len(self._piece)), b""
        self.taken += len(data)
        assert self.taken < self._limit, "the reader should have given up"
        return data


def read(
    result_format: Format, data: bytes | str, keys: Collection[str] = KEYS
) -> list[ParsedResult]:
    """Parse a whole document."""
    raw = data.encode() if isinstance(data, str) else data
    return list(parse(result_format, io.BytesIO(raw), keys))


def junit(*cases: str) -> list[ParsedResult]:
    """Parse test cases inside one suite."""
    return read(Format.JUNIT, f'<testsuite name="s">{"".join(cases)}</testsuite>')


def runs(results: Collection[ParsedResult]) -> Iterator[str]:
    """Yield the status of each execution that the results come to."""
    for result in results:
        yield from [result.status] * max(1, len(result.keys))
