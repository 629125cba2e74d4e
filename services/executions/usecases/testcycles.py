"""Test cycles: reading them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.ids import Kind, parse_key, project_of, public_id
from kit.auth.api_tokens import VerifiedToken
from kit.errors import NotFound
from kit.http.pages import CursorPage, OffsetPage
from services.executions.domain.testcycles import TestCycle
from services.executions.usecases.visibility import HiddenCycles, unhidden, visible_projects


@dataclass(frozen=True)
class CycleFilter:
    """Filters of the two lists; ``projects`` are those the caller sees."""

    projects: frozenset[int] | None = None
    project: int | None = None
    folder: int | None = None
    jira_version: int | None = None
    updated_after: datetime | None = None


class CycleReader(Protocol):
    """Reads cycles of one tenant, leaving the hidden ones out."""

    async def get(self, tenant: str, cycle: int) -> TestCycle | None: ...
    async def page(
        self, tenant: str, wanted: CycleFilter, hidden: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[TestCycle]]: ...
    async def walk(
        self, tenant: str, wanted: CycleFilter, hidden: Collection[int], page: CursorPage
    ) -> Sequence[TestCycle]: ...


class TestCycles:
    """Test cycles as a caller may see them."""

    __test__ = False

    def __init__(self, cycles: CycleReader, uploads: HiddenCycles) -> None:
        self._cycles = cycles
        self._uploads = uploads

    async def get(self, caller: VerifiedToken, id_or_key: str) -> TestCycle:
        """Return a cycle by id or key; raise ``NotFound``."""
        tenant = caller.principal.tenant
        cycle = cycle_id(caller, id_or_key)
        if cycle is not None and project_of(cycle) in visible_projects(caller):
            found = await self._cycles.get(tenant, cycle)
            if found is not None and cycle not in await self._uploads.hidden_cycles(tenant):
                return found
        raise NotFound(f"Test cycle {id_or_key} does not exist or is not visible to you.")

    async def page(
        self, caller: VerifiedToken, wanted: CycleFilter, page: OffsetPage
    ) -> tuple[int, Sequence[TestCycle]]:
        """Return the total and one page."""
        tenant = caller.principal.tenant
        return await unhidden(
            self._uploads,
            tenant,
            lambda hidden: self._cycles.page(tenant, wanted, hidden, page),
            lambda result: (c["id"] for c in result[1]),
        )

    async def walk(
        self, caller: VerifiedToken, wanted: CycleFilter, page: CursorPage
    ) -> Sequence[TestCycle]:
        """Return one page and the first of the next."""
        tenant = caller.principal.tenant
        return await unhidden(
            self._uploads,
            tenant,
            lambda hidden: self._cycles.walk(tenant, wanted, hidden, page),
            lambda result: (c["id"] for c in result),
        )


def cycle_id(caller: VerifiedToken, id_or_key: str) -> int | None:
    """Return the id a client means, by number or key; None when it can be none."""
    if id_or_key.isdigit():
        return int(id_or_key)
    key = parse_key(id_or_key, Kind.TEST_CYCLE)
    project = caller.tenant.by_key(key.project_key) if key is not None else None
    return public_id(project.id, key.number) if key is not None and project is not None else None
