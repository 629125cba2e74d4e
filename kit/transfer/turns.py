"""Whose archive is received, and whose is worked on: nobody's slow line is everybody's queue."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from kit.errors import TooManyRequests

AT_ONCE = 4


class Turns:
    """A tenant sends a process one archive at a time; of those that came few are worked on.

    ``own`` and ``others``: for how many seconds a request waits for another one of its tenant, and
    for those of others.
    """

    def __init__(self, own: float = 10.0, others: float = 600.0) -> None:
        self._own, self._others = own, others
        self._senders: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._work = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def sending(self, tenant: str) -> AsyncIterator[None]:
        """Hold the tenant's turn; raise ``TooManyRequests`` where another request keeps it."""
        async with _held(self._senders.setdefault(tenant, asyncio.Semaphore(1)), self._own):
            yield

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Hold one of the few turns; raise ``TooManyRequests`` where none becomes free."""
        async with _held(self._work, self._others):
            yield


@asynccontextmanager
async def _held(turn: asyncio.Semaphore, seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            await turn.acquire()
    except TimeoutError:
        raise TooManyRequests("Other imports are under way; try again.", retry_after=30) from None
    try:
        yield
    finally:
        turn.release()
