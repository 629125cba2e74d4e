"""What is left to do behind a delete, an archive or a restore, in bounded steps.

Requests that saw a thing before it went may still write: nothing is erased, and no cycle is shown
again as gone from the hidden ones, before the last of them is over (``QUIET``). What names the
thing by what it knew of it even later, as an upload does, is looked for once more (``LATE``).
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from contracts.ids import project_of
from kit.clock import Clock
from kit.jobs.rows import Job
from kit.jobs.worker import AT_ONCE, Step
from kit.shelves import Shelf
from services.executions.domain.links import Holder

QUIET = timedelta(minutes=1)
"""Longer than any request that creates or changes something."""
LATE = timedelta(minutes=5)
"""Longer than an upload takes from finding its cases to its row."""
_LOOKS = (timedelta(seconds=10), timedelta(minutes=1))
"""When what was created meanwhile is looked for, before the last time."""
RESTORE, EMPTY, REMOVE_EMPTY = "restore", "empty", "remove-empty"
"""What a job does, beside putting things on a shelf: the last one removes a cycle only if nobody
recorded in it meanwhile."""
ATTACHMENT_KINDS = {
    Holder.TEST_CYCLE: "test-cycle",
    Holder.TEST_PLAN: "test-plan",
    Holder.TEST_EXECUTION: "test-execution",
}
"""Kinds of places of attachments, a part of stored rows."""


class JobKind(StrEnum):
    """What a job is about."""

    CYCLE = "cycle"
    PLAN = "plan"
    EXECUTION = "execution"
    CASE = "case"
    """A test case that the library has deleted."""
    FOLDER = "folder"
    """A folder that the library has deleted or archived."""

    @classmethod
    def of(cls, holder: Holder) -> "JobKind":
        """Return the kind for a thing of ours."""
        kinds = {Holder.TEST_CYCLE: cls.CYCLE, Holder.TEST_PLAN: cls.PLAN}
        return kinds.get(holder, cls.EXECUTION)


class Remains(Protocol):
    """Moves and erases, some hundred documents at a time. True: there may be more."""

    async def put_aside(self, tenant: str, cycle: int) -> bool:
        """Put executions of an archived cycle aside."""
        ...

    async def bring_back(self, tenant: str, cycle: int, now: datetime) -> bool:
        """Let executions that were put aside with their cycle show again."""
        ...

    async def show(self, job: Job) -> None:
        """Hide a cycle no longer and end its job, both or none."""
        ...

    async def give_back(self, tenant: str, cycle: int, now: datetime) -> bool:
        """Let a removed cycle show again if there are executions in it."""
        ...

    async def erase_cycle(self, tenant: str, cycle: int, now: datetime) -> bool:
        """Erase executions of a cycle, and at the end itself with all that hangs on it."""
        ...

    async def erase(self, tenant: str, holder: Holder, ident: int, now: datetime) -> None:
        """Erase a plan or an execution that was removed, with what is attached."""
        ...

    async def remove_runs(self, tenant: str, case: int) -> bool:
        """Remove executions of a case, wherever they are; erased they are later."""
        ...

    async def erase_runs(self, tenant: str, case: int, now: datetime) -> bool:
        """Erase removed executions of a case."""
        ...

    async def empty_folder(self, tenant: str, folder: int, now: datetime) -> bool:
        """Move cycles and plans out of a folder, to the root."""
        ...


class PendingUploads(Protocol):
    """Uploads that began earlier."""

    async def pending(self, tenant: str, project: int, before: datetime) -> bool:
        """Whether one of them may still store results."""
        ...


class LibraryCopy(Protocol):
    """What the library published."""

    async def there(self, tenant: str, folders: Collection[int]) -> set[int]:
        """Return those of the folders that are there."""
        ...


class Begun(Protocol):
    """Where jobs begin that an event asks for."""

    async def begin(self, tenant: str, kind: str, entity: int, action: str, now: datetime) -> None:
        """Write one down unless it is there."""
        ...


class GoneCases(Protocol):
    """What the copy of the library knows of cases that are no more, longer than dead letters."""

    async def gone(self, tenant: str, cases: Collection[int]) -> set[int]:
        """Return those of the cases that were deleted."""
        ...


class BehindTheLibrary:
    """Begins what follows when something of the library goes. Events come more than once."""

    def __init__(self, jobs: Begun, copy: GoneCases, clock: Clock) -> None:
        self._jobs = jobs
        self._copy = copy
        self._clock = clock

    async def look(self, tenant: str, cases: Collection[int]) -> None:
        """Remove the runs of those of the cases that are gone: some have come late."""
        for case in await self._copy.gone(tenant, cases):
            await self.case(tenant, case)

    async def case(self, tenant: str, case: int) -> None:
        """Remove the runs of a case."""
        await self._jobs.begin(tenant, JobKind.CASE, case, Shelf.REMOVED, self._clock.now())

    async def folder(self, tenant: str, folder: int) -> None:
        """Empty a folder."""
        await self._jobs.begin(tenant, JobKind.FOLDER, folder, EMPTY, self._clock.now())


class RemovalJobs:
    """The steps of each kind of job."""

    def __init__(
        self, remains: Remains, uploads: PendingUploads, library: LibraryCopy, clock: Clock
    ) -> None:
        self._remains = remains
        self._uploads = uploads
        self._library = library
        self._clock = clock

    def steps(self) -> dict[str, Step]:
        """Return the steps by kind."""
        return {
            JobKind.CYCLE: self.cycle,
            JobKind.PLAN: self.plan,
            JobKind.EXECUTION: self.execution,
            JobKind.CASE: self.case,
            JobKind.FOLDER: self.folder,
        }

    async def cycle(self, job: Job) -> timedelta | None:
        """Archive, restore or erase what is in a cycle."""
        now, tenant, cycle = self._clock.now(), job.tenant, job.entity
        if job.action == RESTORE:
            more = await self._remains.bring_back(tenant, cycle, now)
        elif job.action == Shelf.ARCHIVED:
            more = await self._remains.put_aside(tenant, cycle)
        elif job.action == REMOVE_EMPTY and await self._remains.give_back(tenant, cycle, now):
            more = False
        else:
            more = await self._remains.erase_cycle(tenant, cycle, now)
        if more:
            return AT_ONCE
        await self._remains.show(job)
        return None

    async def plan(self, job: Job) -> timedelta | None:
        """Erase a plan."""
        await self._remains.erase(job.tenant, Holder.TEST_PLAN, job.entity, self._clock.now())
        return None

    async def execution(self, job: Job) -> timedelta | None:
        """Erase an execution."""
        await self._remains.erase(job.tenant, Holder.TEST_EXECUTION, job.entity, self._clock.now())
        return None

    async def case(self, job: Job) -> timedelta | None:
        """Remove the executions of a case, also those that come later; erase them at the end."""
        now, tenant, case = self._clock.now(), job.tenant, job.entity
        if await self._remains.remove_runs(tenant, case):
            return AT_ONCE
        pause = _next_look(job, now)
        if pause is not None:
            return pause
        if await self._uploads.pending(tenant, project_of(case), job.begun_at + LATE):
            return _LOOKS[0]
        return AT_ONCE if await self._remains.erase_runs(tenant, case, now) else None

    async def folder(self, job: Job) -> timedelta | None:
        """Move everything out of a folder, unless it is there again."""
        now, tenant, folder = self._clock.now(), job.tenant, job.entity
        if await self._library.there(tenant, (folder,)):
            return None
        if await self._remains.empty_folder(tenant, folder, now):
            return AT_ONCE
        return _next_look(job, now)


def _next_look(job: Job, now: datetime) -> timedelta | None:
    """Return how long to wait for what may come late; None when nothing may any more."""
    age = now - job.begun_at
    return next((look - age for look in (*_LOOKS, LATE) if age < look), None)
