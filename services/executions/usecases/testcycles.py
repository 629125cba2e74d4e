"""Test cycles: reading them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.ids import Kind
from kit.directory.access import Access
from kit.errors import NotFound
from kit.http.pages import CursorPage, OffsetPage
from services.executions.domain.testcycles import TestCycle
from services.executions.usecases.visibility import HiddenCycles, unhidden, visible_id


@dataclass(frozen=True)
class CycleFilter:
    """Filters of the two lists; ``projects`` are those it covers."""

    projects: Collection[int] = ()
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

    async def get(self, access: Access, id_or_key: str) -> TestCycle:
        """Return a cycle by id or key; raise ``NotFound``."""
        cycle = await visible_id(access, id_or_key, Kind.TEST_CYCLE)
        if cycle is not None:
            found = await self._cycles.get(access.tenant, cycle)
            if found is not None and cycle not in await self._uploads.hidden_cycles(access.tenant):
                return found
        raise NotFound(f"Test cycle {id_or_key} does not exist or is not visible to you.")

    async def page(
        self, access: Access, wanted: CycleFilter, page: OffsetPage
    ) -> tuple[int, Sequence[TestCycle]]:
        """Return the total and one page."""
        tenant = access.tenant
        return await unhidden(
            self._uploads,
            tenant,
            lambda hidden: self._cycles.page(tenant, wanted, hidden, page),
            lambda result: (c["id"] for c in result[1]),
        )

    async def walk(
        self, access: Access, wanted: CycleFilter, page: CursorPage
    ) -> Sequence[TestCycle]:
        """Return one page and the first of the next."""
        tenant = access.tenant
        return await unhidden(
            self._uploads,
            tenant,
            lambda hidden: self._cycles.walk(tenant, wanted, hidden, page),
            lambda result: (c["id"] for c in result),
        )
