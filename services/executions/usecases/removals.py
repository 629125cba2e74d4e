"""Delete and archive of test cycles, plans and executions, and taking them back.

What is deleted or archived shows nowhere from the first write on. What a cycle holds is a great
deal at times, so it is hidden at once and put aside behind that, step by step
(``usecases/removaljobs.py``).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from contracts.ids import Kind, project_of
from contracts.permissions import Entity, Right
from contracts.tenancy import ProjectState
from kit.clock import Clock
from kit.dependents import Dependents, counted, disclosed
from kit.directory.access import Access
from kit.errors import Conflict, NotFound, TooManyRequests
from kit.http.pages import OffsetPage
from kit.shelves import Shelf
from services.executions.domain.links import Holder
from services.executions.domain.removals import Thing
from services.executions.usecases.folders import Folders
from services.executions.usecases.visibility import visible_id

MOST_MOVING = 500
"""Cycles of a tenant on their way at once: every read leaves them out, one by one."""
REPLAYED = timedelta(days=31)
"""No dead letter is older; until then what is missing of an upload may still come."""
_KINDS = {
    Holder.TEST_CYCLE: Kind.TEST_CYCLE,
    Holder.TEST_PLAN: Kind.TEST_PLAN,
    Holder.TEST_EXECUTION: Kind.TEST_EXECUTION,
}


class Shelves(Protocol):
    """Where things are, and where they are put. A change is False when somebody was faster."""

    async def find(self, tenant: str, holder: Holder, ident: int) -> Thing | None:
        """Return a thing that everybody sees, or that is archived."""
        ...

    async def dependents(self, tenant: str, thing: Thing) -> Dependents:
        """Return what hangs on a thing, by kind."""
        ...

    async def moving(self, tenant: str) -> int:
        """Count the cycles on their way."""
        ...

    async def put(
        self, tenant: str, thing: Thing, shelf: Shelf, now: datetime, *, if_empty: bool = False
    ) -> bool:
        """Archive a thing, or remove it for good.

        ``if_empty``: a cycle in which somebody recorded while it went returns.
        """
        ...

    async def take_back(self, tenant: str, thing: Thing, folder: int | None, now: datetime) -> bool:
        """Let an archived thing show again, in this folder."""
        ...

    async def archived(
        self, tenant: str, holder: Holder, projects: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[Thing]]:
        """Return the total and one page of what is archived, by id."""
        ...


class UploadStorage(Protocol):
    """What is still to come of an upload."""

    async def waits(self, tenant: str, upload: str) -> bool:
        """Whether results are on their way, or the owner of the cases does not know of the end."""
        ...

    async def incomplete_since(self, tenant: str, upload: str) -> datetime | None:
        """Return when an upload was accepted of which something was never stored."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What was done, or would be: the thing, its project, all that hangs on it, and hindrances."""

    thing: Thing
    project: ProjectState
    dependents: Dependents
    reasons: Sequence[str] = ()


class Removals:
    """Delete, archive, restore. The route has decided the right."""

    def __init__(
        self, shelves: Shelves, uploads: UploadStorage, folders: Folders, clock: Clock
    ) -> None:
        self._shelves = shelves
        self._uploads = uploads
        self._folders = folders
        self._clock = clock

    async def delete(
        self, access: Access, holder: Holder, id_or_key: str, *, dry_run: bool, force: bool
    ) -> Outcome:
        """Delete a thing, archived or not; ``Conflict`` names what hinders it."""
        thing, project = await self._find(access, holder, id_or_key)
        if force and holder is Holder.TEST_CYCLE:
            await access.require(project, Entity.TEST_EXECUTION, Right.DELETE)
        dependents = await disclosed(access, await self._shelves.dependents(access.tenant, thing))
        reasons = await self._unsettled(access.tenant, thing, archive=False)
        inside = dependents.get("testExecutions")
        if inside is not None and inside.count and not force:
            runs = counted(inside.count, "test execution is", "test executions are")
            reasons.append(f"{runs} in it; send force=true.")
        return await self._put(
            access,
            Shelf.REMOVED,
            dry_run=dry_run,
            if_empty=holder is Holder.TEST_CYCLE and not force,
            outcome=Outcome(thing, project, dependents, reasons),
        )

    async def archive(
        self, access: Access, holder: Holder, id_or_key: str, *, dry_run: bool
    ) -> Outcome:
        """Archive a thing; with a cycle go its executions."""
        thing, project = await self._find(access, holder, id_or_key)
        if thing.shelf is not None:
            raise _unknown(holder, id_or_key)
        dependents = await disclosed(access, await self._shelves.dependents(access.tenant, thing))
        reasons = await self._unsettled(access.tenant, thing, archive=True)
        return await self._put(
            access,
            Shelf.ARCHIVED,
            dry_run=dry_run,
            outcome=Outcome(thing, project, dependents, reasons),
        )

    async def restore(self, access: Access, holder: Holder, id_or_key: str) -> Outcome:
        """Take an archived thing back; where its folder is gone it goes to the root."""
        thing, project = await self._find(access, holder, id_or_key)
        if thing.shelf is None:
            raise _unknown(holder, id_or_key)
        tenant, now = access.tenant, self._clock.now()
        if holder is Holder.TEST_EXECUTION and thing.cycle is not None:
            cycle = await self._shelves.find(tenant, Holder.TEST_CYCLE, thing.cycle)
            if cycle is None or cycle.shelf is not None or thing.shelf is Shelf.ALONG:
                raise Conflict("Its test cycle does not show; restore that first.")
        folder = thing.folder
        if folder is not None:
            kind = await self._folders.folder_type(tenant, thing.project, folder)
            folder = folder if kind is not None else None
        await self._check_room(tenant, thing)
        if not await self._shelves.take_back(tenant, thing, folder, now):
            raise _unknown(holder, id_or_key)
        return Outcome(thing, project, {})

    async def archived(
        self, access: Access, holder: Holder, project_key: str | None, page: OffsetPage
    ) -> tuple[int, Sequence[Thing], Mapping[int, ProjectState]]:
        """Return the total and one page of what is archived, and the projects it is of."""
        projects = await access.chosen(project_key)
        total, found = await self._shelves.archived(access.tenant, holder, projects.keys(), page)
        return total, found, projects

    async def _find(
        self, access: Access, holder: Holder, id_or_key: str
    ) -> tuple[Thing, ProjectState]:
        ident = await visible_id(access, id_or_key, _KINDS[holder])
        if ident is not None:
            thing = await self._shelves.find(access.tenant, holder, ident)
            if thing is not None:
                return thing, access.view.projects[project_of(ident)]
        raise _unknown(holder, id_or_key)

    async def _put(
        self,
        access: Access,
        shelf: Shelf,
        *,
        dry_run: bool,
        outcome: Outcome,
        if_empty: bool = False,
    ) -> Outcome:
        if dry_run:
            return outcome
        if outcome.reasons:
            raise Conflict(" ".join(outcome.reasons))
        thing, tenant = outcome.thing, access.tenant
        await self._check_room(tenant, thing)
        now = self._clock.now()
        if not await self._shelves.put(tenant, thing, shelf, now, if_empty=if_empty):
            raise _unknown(thing.holder, str(thing.id))
        return outcome

    async def _check_room(self, tenant: str, thing: Thing) -> None:
        if thing.holder is not Holder.TEST_CYCLE:
            return
        if await self._shelves.moving(tenant) >= MOST_MOVING:
            raise TooManyRequests(
                f"{MOST_MOVING} test cycles are being deleted, archived or restored; try again.",
                retry_after=10,
            )

    async def _unsettled(self, tenant: str, thing: Thing, *, archive: bool) -> list[str]:
        """Say why what is on its way would come too late."""
        if thing.upload is None:
            return []
        if await self._uploads.waits(tenant, thing.upload):
            return ["Results of its upload are still being stored; try again."]
        if archive and thing.holder is Holder.TEST_CYCLE:
            since = await self._uploads.incomplete_since(tenant, thing.upload)
            if since is not None and self._clock.now() - since < REPLAYED:
                return ["Dead letters hold results of its upload, which may be replayed."]
        return []


def _unknown(holder: Holder, id_or_key: str) -> NotFound:
    noun = str(holder)
    return NotFound(f"{noun.capitalize()} {id_or_key} does not exist or is not visible to you.")
