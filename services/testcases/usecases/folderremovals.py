"""Delete and archive of folders.

A folder that is not empty is neither archived nor deleted, unless its contents are said to move to
the root or to go with it. They do so behind it, in a job.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from contracts.ids import project_of
from contracts.permissions import Entity, Right
from contracts.tenancy import ProjectState
from kit.clock import Clock
from kit.dependents import Dependents, Held, disclosed, held
from kit.directory.access import Access
from kit.errors import Conflict, NotFound
from kit.http.pages import OffsetPage
from services.testcases.domain.folders import FolderType
from services.testcases.domain.removals import Contents, FolderThing, named
from services.testcases.usecases.removals import Elsewhere, Outcome

_MANY = 1_000
"""Of one question to executions."""
_INSIDE = {
    FolderType.TEST_CASE: (Entity.TEST_CASE, Entity.TEST_EXECUTION),
    FolderType.TEST_CYCLE: (Entity.TEST_CYCLE, Entity.TEST_EXECUTION),
    FolderType.TEST_PLAN: (Entity.TEST_PLAN,),
}
"""What goes with a folder that is deleted with its contents."""


class FolderShelves(Protocol):
    """Where folders are put. A change is False when somebody was faster."""

    async def thing(self, tenant: str, folder: int) -> FolderThing | None:
        """Return a folder that shows, or is archived."""
        ...

    async def below(self, tenant: str, folder: FolderThing, *, deep: bool) -> Sequence[int]:
        """Return the folders in it; those in them, too, where ``deep``."""
        ...

    async def cases_in(self, tenant: str, project: int, folders: Collection[int]) -> Sequence[int]:
        """Return the cases in folders."""
        ...

    async def delete(
        self, tenant: str, folder: FolderThing, contents: Contents, now: datetime
    ) -> bool:
        """Remove a folder for good."""
        ...

    async def archive(self, tenant: str, folder: FolderThing, now: datetime) -> bool:
        """Put a folder aside."""
        ...

    async def restore(
        self, tenant: str, folder: FolderThing, parent: int | None, now: datetime
    ) -> bool:
        """Let an archived folder show again, behind the others of this parent."""
        ...

    async def archived(
        self, tenant: str, projects: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[FolderThing]]:
        """Return the total and one page of archived folders, by id."""
        ...


class FolderRemovals:
    """Delete, archive, restore. The route has decided the right to folders."""

    def __init__(self, shelves: FolderShelves, elsewhere: Elsewhere, clock: Clock) -> None:
        self._shelves = shelves
        self._elsewhere = elsewhere
        self._clock = clock

    async def delete(
        self, access: Access, folder: int, contents: Contents, *, dry_run: bool, force: bool
    ) -> Outcome[FolderThing]:
        """Delete a folder, archived or not; ``Conflict`` when it holds anything, unless forced."""
        found, project = await self._find(access, folder)
        deep = contents is Contents.DELETE
        if deep:
            for entity in _INSIDE[found.type]:
                await access.require(project, entity, Right.DELETE)
        inside_it = await self._dependents(access.tenant, found, deep=deep)
        dependents = await disclosed(access, inside_it)
        reasons = []
        inside = named(dependents, "folders", "testCases", "testCycles", "testPlans")
        if inside and not force:
            reasons.append(f"It holds {inside}; send force=true.")
        if not dry_run:
            if reasons:
                raise Conflict(" ".join(reasons))
            if not await self._shelves.delete(access.tenant, found, contents, self._clock.now()):
                raise _unknown(folder)
        return Outcome(found, project, dependents, reasons)

    async def archive(self, access: Access, folder: int, *, dry_run: bool) -> Outcome[FolderThing]:
        """Archive an empty folder."""
        found, project = await self._find(access, folder)
        if found.archived:
            raise _unknown(folder)
        inside_it = await self._dependents(access.tenant, found, deep=False)
        dependents = await disclosed(access, inside_it)
        inside = named(dependents, "folders", "testCases", "testCycles", "testPlans")
        reasons = [f"It holds {inside}."] if inside else []
        if not dry_run:
            if reasons:
                raise Conflict(" ".join(reasons))
            if not await self._shelves.archive(access.tenant, found, self._clock.now()):
                raise _unknown(folder)
        return Outcome(found, project, dependents, reasons)

    async def restore(self, access: Access, folder: int) -> Outcome[FolderThing]:
        """Take an archived folder back; where its parent is gone it goes to the root."""
        found, project = await self._find(access, folder)
        if not found.archived:
            raise _unknown(folder)
        parent = found.parent
        if parent is not None:
            above = await self._shelves.thing(access.tenant, parent)
            parent = parent if above is not None and not above.archived else None
        if not await self._shelves.restore(access.tenant, found, parent, self._clock.now()):
            raise _unknown(folder)
        return Outcome(found, project, {})

    async def archived(
        self, access: Access, project_key: str | None, page: OffsetPage
    ) -> tuple[int, Sequence[FolderThing]]:
        """Return the total and one page of archived folders."""
        projects = await access.chosen(project_key)
        return await self._shelves.archived(access.tenant, list(projects), page)

    async def _find(self, access: Access, folder: int) -> tuple[FolderThing, ProjectState]:
        project = await access.sees(project_of(folder))
        found = await self._shelves.thing(access.tenant, folder) if project is not None else None
        if found is None or project is None:
            raise _unknown(folder)
        return found, project

    async def _dependents(self, tenant: str, folder: FolderThing, *, deep: bool) -> Dependents:
        """Return what is in a folder; ``deep``: all below it, and the runs that go with it."""
        below = await self._shelves.below(tenant, folder, deep=deep)
        folders = [folder.id, *below] if deep else [folder.id]
        if folder.type is FolderType.TEST_CASE:
            cases = await self._shelves.cases_in(tenant, folder.project, folders)
            found: dict[str, Held] = {"folders": held(below), "testCases": held(cases)}
            if deep:
                found["testExecutions"] = Held(0, ())
                for some in _groups(cases):
                    found["testExecutions"] += await self._elsewhere.of_cases(tenant, some)
            return found
        found = {"folders": held(below)}
        for some in _groups(folders):
            for kind, more in (await self._elsewhere.in_folders(tenant, some)).items():
                found[kind] = found.get(kind, Held(0, ())) + more
        return _only(found, folder.type, deep=deep)


def _only(found: Mapping[str, Held], kind: FolderType, *, deep: bool) -> Dependents:
    """Leave out what cannot be in such a folder, and runs that stay where they are."""
    wanted = {"folders", "testCycles" if kind is FolderType.TEST_CYCLE else "testPlans"}
    if deep and kind is FolderType.TEST_CYCLE:
        wanted.add("testExecutions")
    return {name: some for name, some in found.items() if name in wanted}


def _groups(ids: Sequence[int]) -> Sequence[Sequence[int]]:
    return [ids[start : start + _MANY] for start in range(0, len(ids), _MANY)]


def _unknown(folder: int) -> NotFound:
    return NotFound(f"The folder with id {folder} does not exist.")
