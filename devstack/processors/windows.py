"""Memory over time: what was seen before, and how much in the last seconds."""

from collections import deque
from typing import Generic, TypeVar

K = TypeVar("K")


class SeenWithin(Generic[K]):
    """Keys first seen less than `seconds` ago."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._first: dict[K, float] = {}

    def is_new(self, key: K, now: float) -> bool:
        """True once per key and window; the first sight opens the window."""
        self._forget(now)
        if key in self._first:
            return False
        self._first[key] = now
        return True

    def _forget(self, now: float) -> None:
        """Keys stand in order of their first sight, so the expired ones are in front."""
        while self._first:
            oldest = next(iter(self._first))
            if now - self._first[oldest] < self.seconds:
                return
            del self._first[oldest]


class RateWindow(Generic[K]):
    """Counts per key over the last `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._counted: dict[K, deque[tuple[float, int]]] = {}

    def count(self, key: K, now: float) -> int:
        entries = self._counted.get(key)
        while entries and now - entries[0][0] >= self.seconds:
            entries.popleft()
        return sum(number for _, number in entries) if entries else 0

    def add(self, key: K, number: int, now: float) -> None:
        self._counted.setdefault(key, deque()).append((now, number))

    def clear(self) -> None:
        self._counted.clear()
