"""Test executions: reading them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.ids import Kind, parse_key, project_of, public_id
from kit.auth.api_tokens import VerifiedToken
from kit.errors import NotFound
from kit.http.pages import CursorPage, OffsetPage
from services.executions.domain.testexecutions import TestExecution
from services.executions.usecases.visibility import HiddenCycles, unhidden, visible_projects


@dataclass(frozen=True)
class ExecutionFilter:
    """Filters of the two lists; ``projects`` are those the caller sees."""

    projects: frozenset[int] | None = None
    project: int | None = None
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
    async def page(
        self, tenant: str, wanted: ExecutionFilter, hidden: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[TestExecution]]: ...
    async def walk(
        self, tenant: str, wanted: ExecutionFilter, hidden: Collection[int], page: CursorPage
    ) -> Sequence[TestExecution]: ...


class TestExecutions:
    """Test executions as a caller may see them."""

    __test__ = False

    def __init__(self, executions: ExecutionReader, uploads: HiddenCycles) -> None:
        self._executions = executions
        self._uploads = uploads

    async def get(self, caller: VerifiedToken, id_or_key: str) -> TestExecution:
        """Return an execution by id or key; raise ``NotFound``."""
        tenant = caller.principal.tenant
        execution = _execution_id(caller, id_or_key)
        if execution is not None and project_of(execution) in visible_projects(caller):
            found = await self._executions.get(tenant, execution)
            if found is not None and found["cycle"] not in await self._uploads.hidden_cycles(
                tenant
            ):
                return found
        raise NotFound(f"Test execution {id_or_key} does not exist or is not visible to you.")

    async def page(
        self, caller: VerifiedToken, wanted: ExecutionFilter, page: OffsetPage
    ) -> tuple[int, Sequence[TestExecution]]:
        """Return the total and one page."""
        tenant = caller.principal.tenant
        if await self._nothing(tenant, wanted):
            return 0, []
        return await unhidden(
            self._uploads,
            tenant,
            lambda hidden: self._executions.page(tenant, wanted, hidden, page),
            lambda result: (e["cycle"] for e in result[1]),
        )

    async def walk(
        self, caller: VerifiedToken, wanted: ExecutionFilter, page: CursorPage
    ) -> Sequence[TestExecution]:
        """Return one page and the first of the next."""
        tenant = caller.principal.tenant
        if await self._nothing(tenant, wanted):
            return []
        return await unhidden(
            self._uploads,
            tenant,
            lambda hidden: self._executions.walk(tenant, wanted, hidden, page),
            lambda result: (e["cycle"] for e in result),
        )

    async def _nothing(self, tenant: str, wanted: ExecutionFilter) -> bool:
        """Say whether the filter names a cycle that must not show."""
        return wanted.cycle is not None and wanted.cycle in await self._uploads.hidden_cycles(
            tenant
        )


def _execution_id(caller: VerifiedToken, id_or_key: str) -> int | None:
    if id_or_key.isdigit():
        return int(id_or_key)
    return _by_key(caller, id_or_key, Kind.TEST_EXECUTION)


def case_id(caller: VerifiedToken, id_or_key: str) -> int | None:
    """Return the id of the test case a filter means; None when it can be none."""
    if id_or_key.isdigit():
        return int(id_or_key)
    return _by_key(caller, id_or_key, Kind.TEST_CASE)


def _by_key(caller: VerifiedToken, text: str, kind: Kind) -> int | None:
    key = parse_key(text, kind)
    project = caller.tenant.by_key(key.project_key) if key is not None else None
    return public_id(project.id, key.number) if key is not None and project is not None else None
