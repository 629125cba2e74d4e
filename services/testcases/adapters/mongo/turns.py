"""Writers take turns: transactions that are done again when another one came first."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from weakref import WeakValueDictionary

from kit.errors import Unavailable
from kit.mongo import Database, Session, WriteConflict, transaction
from services.testcases.adapters.mongo.pending import Pending

T = TypeVar("T")

_TRIES = 40
_LONGEST_PAUSE = 0.1


class Turns:
    """Runs changes of one thing one after another; those of this process wait for each other.

    ``busy`` is the text of ``Unavailable`` for a change that others never let in.
    """

    def __init__(self, database: Database, pending: Pending, busy: str) -> None:
        self._database = database
        self._pending = pending
        self._busy = busy
        self._turns: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()

    async def run(self, tenant: str, thing: int, change: Callable[[Session], Awaitable[T]]) -> T:
        """Run a change in a transaction; what it raises undoes it.

        ``change`` reads and writes with the session alone, and may be called again.
        """
        turn = self._turns.setdefault((tenant, thing), asyncio.Lock())
        async with turn:
            for attempt in range(_TRIES):
                try:
                    async with transaction(self._database) as session:
                        result = await change(session)
                except WriteConflict:  # a writer in another process, or of another thing
                    await asyncio.sleep(min(0.005 * (attempt + 1), _LONGEST_PAUSE))
                else:
                    self._pending.nudge()
                    return result
        raise Unavailable(self._busy)
