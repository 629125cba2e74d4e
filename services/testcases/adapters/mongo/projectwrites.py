"""Writers of one project's configuration take turns, so that rules over several documents hold.

Each change is a transaction that first touches the project's own document: of two that overlap the
second conflicts there and is done again, on what the first one left. Every changed document gets
its outbox entry in the same transaction. Why: docs/adr/0019-configuration-turns.md.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from kit.mongo import Database, Session
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.turns import Turns

T = TypeVar("T")

PROJECTS = "projects"
_BUSY = "The project's configuration is being changed by others; try again."


class ProjectWrites:
    """Runs changes one after another."""

    def __init__(self, database: Database, pending: Pending) -> None:
        self._projects = database[PROJECTS]
        self._turns = Turns(database, pending, _BUSY)

    async def run(self, tenant: str, project: int, change: Callable[[Session], Awaitable[T]]) -> T:
        """Run a change; what it raises undoes it. ``Unavailable`` when others never let it in.

        ``change`` reads and writes with the session alone, and may be called again.
        """

        async def taken(session: Session) -> T:
            await self._projects.update_one(
                {"_id": f"{tenant}/{project}"},
                {"$set": {"tenant": tenant, "project": project}, "$inc": {"changes": 1}},
                upsert=True,
                session=session,
            )
            return await change(session)

        return await self._turns.run(tenant, project, taken)
