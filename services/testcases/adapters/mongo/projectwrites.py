"""Writers of one project's configuration take turns, so that rules over several documents hold.

Each change is a transaction that first touches the project's own document: of two that overlap the
second conflicts there and is done again, on what the first one left. Every changed document gets
its outbox entry in the same transaction. Why: docs/adr/0019-configuration-turns.md.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from weakref import WeakValueDictionary

from kit.errors import Unavailable
from kit.mongo import Database, Session, WriteConflict, transaction
from services.testcases.adapters.mongo.pending import Pending

T = TypeVar("T")

PROJECTS = "projects"
_TRIES = 40
_LONGEST_PAUSE = 0.1


class ProjectWrites:
    """Runs changes one after another; writers in this process wait for each other first."""

    def __init__(self, database: Database, pending: Pending) -> None:
        self._database = database
        self._pending = pending
        self._turns: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()

    async def run(self, tenant: str, project: int, change: Callable[[Session], Awaitable[T]]) -> T:
        """Run a change; what it raises undoes it. ``Unavailable`` when others never let it in.

        ``change`` reads and writes with the session alone, and may be called again.
        """
        turn = self._turns.setdefault((tenant, project), asyncio.Lock())
        async with turn:
            for attempt in range(_TRIES):
                try:
                    async with transaction(self._database) as session:
                        await self._take(tenant, project, session)
                        result = await change(session)
                except WriteConflict:  # a writer in another process
                    await asyncio.sleep(min(0.005 * (attempt + 1), _LONGEST_PAUSE))
                else:
                    self._pending.nudge()
                    return result
        raise Unavailable("The project's configuration is being changed by others; try again.")

    async def _take(self, tenant: str, project: int, session: Session) -> None:
        await self._database[PROJECTS].update_one(
            {"_id": f"{tenant}/{project}"},
            {"$set": {"tenant": tenant, "project": project}, "$inc": {"changes": 1}},
            upsert=True,
            session=session,
        )
