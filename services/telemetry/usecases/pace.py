"""Waiting inside a handler, and when to stop waiting."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from kit.kafka.consumer import GiveBack


class Pace(Protocol):
    """Monotonic time, and pauses that end early when the service stops."""

    def now(self) -> float:
        """Return monotonic seconds."""
        ...

    async def pause(self, seconds: float) -> None:
        """Wait; raise ``GiveBack`` as soon as the service stops."""
        ...


class LoopPace:
    """The event loop's clock."""

    def __init__(self, stopping: asyncio.Event, now: Callable[[], float]) -> None:
        self._stopping = stopping
        self.now = now

    async def pause(self, seconds: float) -> None:
        """Wait; raise ``GiveBack`` as soon as the service stops."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise GiveBack("the service stops")


class Backoff:
    """Growing waits with jitter, so that all members do not come back at once."""

    def __init__(self, random: Callable[[], float], first: float = 0.5, most: float = 30.0) -> None:
        self._random = random
        self._first = first
        self._most = most

    def after(self, failures: int) -> float:
        """Return the wait after so many failures in a row: half to one and a half of the step."""
        step = min(self._first * 2.0 ** min(failures - 1, 16), self._most)
        return step * (0.5 + self._random())

    def at_least(self, seconds: float) -> float:
        """Return a wait that somebody asked for, and up to a tenth more."""
        return seconds * (1 + self._random() / 10)
