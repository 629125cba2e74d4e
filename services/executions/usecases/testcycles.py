"""Test cycles: reading them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.ids import Kind, project_of
from contracts.permissions import Entity
from kit.directory.access import Access
from kit.errors import NotFound
from kit.http.pages import CursorPage, OffsetPage
from services.executions.domain.testcycles import TestCycle
from services.executions.usecases.folders import Folders
from services.executions.usecases.visibility import (
    HiddenCycles,
    unhidden,
    viewable,
    visible_id,
)


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
    async def present(self, tenant: str, cycles: Collection[int]) -> set[int]:
        """Return those of the cycles that are there."""
        ...

    async def page(
        self, tenant: str, wanted: CycleFilter, hidden: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[TestCycle]]: ...
    async def walk(
        self, tenant: str, wanted: CycleFilter, hidden: Collection[int], page: CursorPage
    ) -> Sequence[TestCycle]: ...


class TestCycles:
    """Test cycles as a caller may see them."""

    __test__ = False

    def __init__(self, cycles: CycleReader, uploads: HiddenCycles, folders: Folders) -> None:
        self._cycles = cycles
        self._uploads = uploads
        self._folders = folders

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
        """Return the total and one page; ``NotFound`` for an unknown folder."""
        await self._check_folder(access, wanted.folder)
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
        """Return one page and the first of the next; ``NotFound`` for an unknown folder."""
        await self._check_folder(access, wanted.folder)
        tenant = access.tenant
        return await unhidden(
            self._uploads,
            tenant,
            lambda hidden: self._cycles.walk(tenant, wanted, hidden, page),
            lambda result: (c["id"] for c in result),
        )

    async def shown(self, access: Access, cycles: Collection[int]) -> set[int]:
        """Return those of the cycles that the caller may view, wherever they are."""
        projects = {project_of(cycle) for cycle in cycles}
        seen = await viewable(access, Entity.TEST_CYCLE, projects) if projects else set()
        wanted = [cycle for cycle in cycles if project_of(cycle) in seen]
        if not wanted:
            return set()
        found = await self._cycles.present(access.tenant, wanted)
        return found - set(await self._uploads.hidden_cycles(access.tenant))

    async def _check_folder(self, access: Access, folder: int | None) -> None:
        if folder is None:
            return
        project = project_of(folder)
        seen = await access.sees(project) is not None
        if not seen or await self._folders.folder_type(access.tenant, project, folder) is None:
            raise NotFound(f"The folder with id {folder} does not exist.")
