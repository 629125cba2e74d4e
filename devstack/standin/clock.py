"""The time a stand-in lives in: the wall clock, or a virtual one that moves only when told to."""

import time
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch; `start` freezes the clock there, without it the wall clock runs."""

    def __init__(self, start: float | None = None) -> None:
        self._start = start
        self._offset = 0.0

    @property
    def virtual(self) -> bool:
        return self._start is not None

    def now(self) -> float:
        return (time.time() if self._start is None else self._start) + self._offset

    def advance(self, seconds: float) -> float:
        """Move the time; also shifts a running wall clock (a machine whose clock is off)."""
        self._offset += seconds
        return self.now()

    def reset(self) -> None:
        """Undo every advance."""
        self._offset = 0.0


def iso(at: float) -> str:
    """UTC with milliseconds, as both Jira and the processors write it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
