"""Bounded memory of what happened: the newest entries stay, a counter tells how many left."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    seq: int
    size: int
    value: T


class Journal(Generic[T]):
    """Entries numbered from 1, at most `max_entries` of them and `max_bytes` in all."""

    def __init__(
        self,
        max_entries: int = 10_000,
        max_bytes: int | None = None,
        size_of: Callable[[T], int] = lambda _value: 0,
    ) -> None:
        self._entries: deque[Entry[T]] = deque()
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._size_of = size_of
        self._bytes = 0
        self.last = 0
        self.dropped = 0

    def add(self, value: T) -> int:
        """Append and return the entry's number; the oldest entries make room."""
        self.last += 1
        entry = Entry(self.last, self._size_of(value), value)
        self._entries.append(entry)
        self._bytes += entry.size
        while self._overfull():
            self._bytes -= self._entries.popleft().size
            self.dropped += 1
        return entry.seq

    def _overfull(self) -> bool:
        if len(self._entries) <= 1:
            return False
        too_big = self._max_bytes is not None and self._bytes > self._max_bytes
        return too_big or len(self._entries) > self._max_entries

    def after(self, seq: int) -> Iterator[Entry[T]]:
        return (entry for entry in self._entries if entry.seq > seq)

    def get(self, seq: int) -> T | None:
        return next((entry.value for entry in self._entries if entry.seq == seq), None)

    def clear(self) -> None:
        """Forget the entries; numbering goes on, so a reader's `after` stays meaningful."""
        self._entries.clear()
        self._bytes = 0
        self.dropped = 0
