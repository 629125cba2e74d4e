"""So many uploads of one tenant at once in one process; others wait for a while, unread."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

from kit.errors import TooManyRequests


class Slots:
    """Each tenant has its own: nobody's burst is everybody's queue."""

    def __init__(self, each: int, patience_seconds: float) -> None:
        self._each = each
        self._patience = patience_seconds
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def one(self, tenant: str) -> AsyncIterator[None]:
        """Hold a slot; raise ``TooManyRequests`` when none became free."""
        slot = self._slots.setdefault(tenant, asyncio.Semaphore(self._each))
        self._users[tenant] += 1
        try:
            await self._taken(slot)
            try:
                yield
            finally:
                slot.release()
        finally:
            self._users[tenant] -= 1
            if not self._users[tenant]:
                del self._users[tenant], self._slots[tenant]

    async def _taken(self, slot: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await slot.acquire()
        except TimeoutError:
            raise TooManyRequests(
                f"More than {self._each} attachments are being uploaded; try again.", retry_after=5
            ) from None
