"""What Jira told a moment ago: in memory only, for a short while, and only so much of it."""

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from kit.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memory(Generic[K, V]):
    """Values by key. The tenant belongs into the key."""

    def __init__(self, life: timedelta, size: int, clock: Clock) -> None:
        self._life = life
        self._size = size
        self._clock = clock
        self._known: OrderedDict[K, tuple[datetime, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return a value that is still fresh."""
        found = self._known.get(key)
        if found is None or self._clock.now() - found[0] >= self._life:
            return None
        return found[1]

    def put(self, key: K, value: V) -> None:
        """Remember a value; the oldest make room."""
        self._known[key] = (self._clock.now(), value)
        self._known.move_to_end(key)
        while len(self._known) > self._size:
            self._known.popitem(last=False)
