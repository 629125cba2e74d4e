"""Delete and archive of test cases, and taking them back.

A case that is deleted or archived shows nowhere from one write on. Its runs are executions'
affair: it hears of the delete by the tombstone. Calls of it by other cases, and attachments, are
left to a job (``usecases/removaljobs.py``).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from contracts.ids import Kind, public_id
from contracts.permissions import Entity, Right
from contracts.tenancy import ProjectState
from kit.clock import Clock
from kit.dependents import Dependents, Held, disclosed, held
from kit.directory.access import Access
from kit.errors import Conflict
from kit.http.pages import OffsetPage
from services.testcases.domain.removals import CaseThing, named
from services.testcases.usecases.folders import Folders
from services.testcases.usecases.testcases import unknown_test_case

T = TypeVar("T")


class CaseShelves(Protocol):
    """Where cases are put. A change is False when somebody was faster."""

    async def thing(self, tenant: str, case: int) -> CaseThing | None:
        """Return a case that shows, or is archived."""
        ...

    async def callers(self, tenant: str, case: int) -> Held:
        """Return the cases that call it, archived ones too."""
        ...

    async def versions(self, tenant: str, case: CaseThing) -> Sequence[int]:
        """Return the ids of its versions, the newest first."""
        ...

    async def attached(self, tenant: str, case: int) -> Held:
        """Return what is attached to it and its steps."""
        ...

    async def delete(self, tenant: str, case: CaseThing, now: datetime) -> bool:
        """Remove a case for good."""
        ...

    async def archive(self, tenant: str, case: CaseThing, now: datetime) -> bool:
        """Put a case aside."""
        ...

    async def restore(
        self, tenant: str, case: CaseThing, folder: int | None, now: datetime
    ) -> bool:
        """Let an archived case show again, in this folder."""
        ...

    async def archived(
        self, tenant: str, projects: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[CaseThing]]:
        """Return the total and one page of archived cases, by id."""
        ...


class Elsewhere(Protocol):
    """What executions holds; ``Unavailable`` when it cannot be asked."""

    async def of_cases(self, tenant: str, cases: Collection[int]) -> Held:
        """Return the executions of cases."""
        ...

    async def in_folders(self, tenant: str, folders: Collection[int]) -> Mapping[str, Held]:
        """Return cycles and plans in folders, and the executions in those cycles, by kind."""
        ...


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What was done, or would be: the thing, its project, all that hangs on it, and hindrances."""

    thing: T
    project: ProjectState
    dependents: Dependents
    reasons: Sequence[str] = ()


class CaseRemovals:
    """Delete, archive, restore. The route has decided the right."""

    def __init__(
        self, shelves: CaseShelves, elsewhere: Elsewhere, folders: Folders, clock: Clock
    ) -> None:
        self._shelves = shelves
        self._elsewhere = elsewhere
        self._folders = folders
        self._clock = clock

    async def delete(
        self, access: Access, key: str, *, dry_run: bool, force: bool
    ) -> Outcome[CaseThing]:
        """Delete a case, archived or not.

        ``Conflict`` while it was executed or other cases call it, unless ``force``.
        """
        case, project = await self._find(access, key)
        if force:
            await access.require(project, Entity.TEST_EXECUTION, Right.DELETE)
        dependents = await self._dependents(access, case)
        reasons = []
        hanging = named(dependents, "testExecutions", "callingTestCases")
        if hanging and not force:
            reasons.append(f"On it hang: {hanging}; send force=true.")
        if not dry_run:
            if reasons:
                raise Conflict(" ".join(reasons))
            if not await self._shelves.delete(access.tenant, case, self._clock.now()):
                raise unknown_test_case(key)
        return Outcome(case, project, dependents, reasons)

    async def archive(self, access: Access, key: str, *, dry_run: bool) -> Outcome[CaseThing]:
        """Archive a case; what it was executed stays visible, as history."""
        case, project = await self._find(access, key)
        if case.archived:
            raise unknown_test_case(key)
        dependents = await self._dependents(access, case)
        now = self._clock.now()
        if not dry_run and not await self._shelves.archive(access.tenant, case, now):
            raise unknown_test_case(key)
        return Outcome(case, project, dependents)

    async def restore(self, access: Access, key: str) -> Outcome[CaseThing]:
        """Take an archived case back; where its folder is gone it goes to the root."""
        case, project = await self._find(access, key)
        folder = case.folder
        if folder is not None and await self._folders.find(access.tenant, folder) is None:
            folder = None
        now = self._clock.now()
        if not case.archived or not await self._shelves.restore(access.tenant, case, folder, now):
            raise unknown_test_case(key)
        return Outcome(case, project, {})

    async def archived(
        self, access: Access, project_key: str | None, page: OffsetPage
    ) -> tuple[int, Sequence[CaseThing], Mapping[int, ProjectState]]:
        """Return the total and one page of archived cases, and the projects they are of."""
        projects = await access.chosen(project_key)
        total, found = await self._shelves.archived(access.tenant, list(projects), page)
        return total, found, projects

    async def _find(self, access: Access, key: str) -> tuple[CaseThing, ProjectState]:
        entity = await access.entity(key, Kind.TEST_CASE)
        if entity is not None:
            parsed, project = entity
            case = await self._shelves.thing(access.tenant, public_id(project.id, parsed.number))
            if case is not None:
                return case, project
        raise unknown_test_case(key)

    async def _dependents(self, access: Access, case: CaseThing) -> Dependents:
        tenant = access.tenant
        found = {
            "versions": held(await self._shelves.versions(tenant, case)),
            "links": held(case.links),
            "attachments": await self._shelves.attached(tenant, case.id),
            "callingTestCases": await self._shelves.callers(tenant, case.id),
            "testExecutions": await self._elsewhere.of_cases(tenant, [case.id]),
        }
        return await disclosed(access, found)
