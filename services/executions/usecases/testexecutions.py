"""Test executions: reading them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from contracts.ids import MAX_ID, Kind
from kit.clock import Clock
from kit.directory.access import Access
from kit.errors import NotFound
from kit.http.pages import CursorPage, OffsetPage
from services.executions.domain.testexecutions import TestExecution
from services.executions.usecases.visibility import (
    Hidden,
    HiddenCycles,
    unhidden_by,
    visible_id,
)

KIND = "test-execution"
"""What attachments of executions, and of their steps, are attached to."""

_CLOCKS_DIFFER = timedelta(minutes=1)
"""By less than that."""


@dataclass(frozen=True)
class ExecutionFilter:
    """Filters of the two lists; ``projects`` are those it covers."""

    projects: Collection[int] = ()
    cycle: int | None = None
    case: int | None = None
    jira_version: int | None = None
    ended_after: datetime | None = None
    ended_before: datetime | None = None
    updated_after: datetime | None = None
    only_last: bool = False


class ExecutionReader(Protocol):
    """Reads executions of one tenant, leaving those of hidden cycles out."""

    async def get(self, tenant: str, execution: int) -> TestExecution | None: ...
    async def has_step(self, tenant: str, execution: int, step: int) -> bool: ...
    async def page(
        self, tenant: str, wanted: ExecutionFilter, hidden: Hidden, page: OffsetPage
    ) -> tuple[int, Sequence[TestExecution]]: ...
    async def walk(
        self, tenant: str, wanted: ExecutionFilter, hidden: Hidden, page: CursorPage
    ) -> Sequence[TestExecution]: ...


class TestExecutions:
    """Test executions as a caller may see them."""

    __test__ = False

    def __init__(self, executions: ExecutionReader, uploads: HiddenCycles, clock: Clock) -> None:
        self._executions = executions
        self._uploads = uploads
        self._clock = clock

    async def get(self, access: Access, id_or_key: str) -> TestExecution:
        """Return an execution by id or key; raise ``NotFound``."""
        execution = await visible_id(access, id_or_key, Kind.TEST_EXECUTION)
        if execution is not None:
            found = await self._executions.get(access.tenant, execution)
            hidden = await self._uploads.hidden_cycles(access.tenant)
            if found is not None and found["cycle"] not in hidden:
                return found
        raise NotFound(f"Test execution {id_or_key} does not exist or is not visible to you.")

    async def step(self, access: Access, id_or_key: str, step: int) -> int:
        """Return the id of the execution that has a step; ``NotFound`` for either."""
        execution = (await self.get(access, id_or_key))["id"]
        if step > MAX_ID or not await self._executions.has_step(access.tenant, execution, step):
            raise NotFound(f"Test step with id {step} does not exist in the test execution.")
        return execution

    async def page(
        self, access: Access, wanted: ExecutionFilter, page: OffsetPage
    ) -> tuple[int, Sequence[TestExecution]]:
        """Return the total and one page."""
        tenant, since = access.tenant, self._since()
        return await unhidden_by(
            self._uploads,
            tenant,
            lambda hidden: self._executions.page(tenant, wanted, hidden, page),
            lambda result: (e["cycle"] for e in result[1] if e["updated_on"] > since),
        )

    async def walk(
        self, access: Access, wanted: ExecutionFilter, page: CursorPage
    ) -> Sequence[TestExecution]:
        """Return one page and the first of the next."""
        tenant, since = access.tenant, self._since()
        return await unhidden_by(
            self._uploads,
            tenant,
            lambda hidden: self._executions.walk(tenant, wanted, hidden, page),
            lambda result: (e["cycle"] for e in result if e["updated_on"] > since),
        )

    def _since(self) -> datetime:
        """Return a time before which nothing was stored of an upload that begins from now on."""
        return self._clock.now() - _CLOCKS_DIFFER
