"""Many test executions at once: each is judged as if it came alone."""

from collections.abc import Sequence

from contracts.ids import Kind
from kit.bulk import created, in_lanes
from kit.directory.access import Access
from kit.grouping import settled
from services.executions.usecases.executionchanges import (
    ExecutionChanges,
    ExecutionUpdate,
    NewTestExecution,
)
from services.executions.usecases.visibility import visible_id

_LOOKED_UP_AT_ONCE = 32


class BulkExecutions:
    """Records and changes executions; the route has decided the right."""

    def __init__(self, changes: ExecutionChanges) -> None:
        self._changes = changes

    async def create(
        self, access: Access, wanted: Sequence[NewTestExecution]
    ) -> Sequence[int | Exception]:
        """Record executions, of one case and cycle the last one as the newest; return ids."""
        made = await created(access, wanted, self._changes.create_all)
        return [one if isinstance(one, Exception) else one[1] for one in made]

    async def update(
        self, access: Access, wanted: Sequence[tuple[str, ExecutionUpdate]]
    ) -> Sequence[int | Exception]:
        """Change executions by id or key; those of one follow each other. Return ids."""
        # an execution has an id and keys; what has none fails by itself
        idents = await settled(
            (visible_id(access, name, Kind.TEST_EXECUTION) for name, _ in wanted),
            at_once=_LOOKED_UP_AT_ONCE,
        )
        lanes = [one if isinstance(one, int) else None for one in idents]
        return await in_lanes(lanes, lambda at: self._changes.update(access, *wanted[at]))
