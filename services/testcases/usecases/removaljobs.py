"""What is left to do behind cases and folders that were deleted or archived, in bounded steps."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from kit.clock import Clock
from kit.jobs.rows import Job
from kit.jobs.worker import AT_ONCE, Step
from services.testcases.domain.folders import FolderType
from services.testcases.domain.removals import Contents

QUIET = timedelta(minutes=1)
"""Longer than any request that creates or changes something: what it saw is looked for again."""
DELETE, ARCHIVE = "delete", "archive"


class JobKind(StrEnum):
    """What a job is about."""

    CASE = "case"
    FOLDER = "folder"


class Remains(Protocol):
    """Moves and erases, some documents at a time. True: there may be more."""

    async def write_calls_out(self, tenant: str, case: int, now: datetime) -> bool:
        """Replace calls of a case that is gone in other cases and their older versions."""
        ...

    async def erase(self, tenant: str, case: int, now: datetime) -> None:
        """Erase older versions of a case, and what is attached to it or its steps."""
        ...

    async def empty(self, tenant: str, folder: int, contents: Contents, now: datetime) -> bool:
        """Move or delete the folders and cases in a folder."""
        ...

    async def archived(self, tenant: str, folder: int) -> bool:
        """Whether a folder is archived."""
        ...

    async def tell(self, tenant: str, folder: int) -> None:
        """Let the tombstone of a deleted folder be sent; then nothing is left of it."""
        ...


class ContentsElsewhere(Protocol):
    """What executions does with its things in a folder; ``Unavailable`` when it is down."""

    async def empty(self, tenant: str, folder: int, *, delete: bool) -> bool:
        """Move or delete some; True: there is more."""
        ...


class RemovalJobs:
    """The steps of each kind of job."""

    def __init__(self, remains: Remains, elsewhere: ContentsElsewhere, clock: Clock) -> None:
        self._remains = remains
        self._elsewhere = elsewhere
        self._clock = clock

    def steps(self) -> dict[str, Step]:
        """Return the steps by kind."""
        return {JobKind.CASE: self.case, JobKind.FOLDER: self.folder}

    async def case(self, job: Job) -> timedelta | None:
        """Replace the calls of a deleted case, now and when nobody writes one any more."""
        now, tenant, case = self._clock.now(), job.tenant, job.entity
        if await self._remains.write_calls_out(tenant, case, now):
            return AT_ONCE
        if (left := QUIET - (now - job.begun_at)) > AT_ONCE:
            return left
        await self._remains.erase(tenant, case, now)
        return None

    async def folder(self, job: Job) -> timedelta | None:
        """Empty a folder, now and when nobody puts anything into it any more."""
        now, tenant, folder = self._clock.now(), job.tenant, job.entity
        left = QUIET - (now - job.begun_at)
        if job.action == ARCHIVE:
            if left > AT_ONCE:
                return left
            if not await self._remains.archived(tenant, folder):
                return None
            return AT_ONCE if await self._empty(job, Contents.MOVE, now) else None
        contents = Contents(job.data["contents"])
        if await self._empty(job, contents, now):
            return AT_ONCE
        # after the contents: whoever hears of it moves what is there still to the root
        await self._remains.tell(tenant, folder)
        return left if left > AT_ONCE else None

    async def _empty(self, job: Job, contents: Contents, now: datetime) -> bool:
        if await self._remains.empty(job.tenant, job.entity, contents, now):
            return True
        if job.action == ARCHIVE or FolderType(job.data["type"]) is FolderType.TEST_CASE:
            return False
        delete = contents is Contents.DELETE
        return await self._elsewhere.empty(job.tenant, job.entity, delete=delete)
