"""What the library asks of us before it deletes something, and what it has us do then."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from kit.clock import Clock
from kit.dependents import Held
from kit.errors import Conflict
from kit.shelves import Shelf
from services.executions.domain.links import Holder
from services.executions.domain.removals import Thing
from services.executions.usecases.removals import MOST_MOVING, Shelves, UploadStorage

_AT_ONCE = 50
"""Things of a folder that one question deletes; the asker comes again."""


class LibraryDependents(Protocol):
    """Looks up what belongs to things of the library."""

    async def runs(self, tenant: str, cases: Collection[int]) -> Held:
        """Return the executions of cases, archived ones too."""
        ...

    async def in_folder(self, tenant: str, holder: Holder, folders: Collection[int]) -> Held:
        """Return the cycles or plans in folders."""
        ...

    async def runs_in_folders(self, tenant: str, folders: Collection[int]) -> Held:
        """Return the executions in the cycles in folders."""
        ...

    async def some_of_folder(
        self, tenant: str, holder: Holder, folder: int, most: int
    ) -> Collection[Thing]:
        """Return some cycles or plans of a folder."""
        ...


class FolderContents(Protocol):
    """Moves what is in a folder."""

    async def empty_folder(self, tenant: str, folder: int, now: datetime) -> bool:
        """Move some cycles and plans to the root; True: there may be more."""
        ...


class OfTheLibrary:
    """Answers the owner of cases and folders, who has decided the right."""

    def __init__(
        self,
        dependents: LibraryDependents,
        shelves: Shelves,
        contents: FolderContents,
        uploads: UploadStorage,
        clock: Clock,
    ) -> None:
        self._dependents = dependents
        self._shelves = shelves
        self._contents = contents
        self._uploads = uploads
        self._clock = clock

    async def runs(self, tenant: str, cases: Collection[int]) -> Held:
        """Return the executions of cases."""
        return await self._dependents.runs(tenant, cases)

    async def in_folders(self, tenant: str, folders: Collection[int]) -> tuple[Held, Held, Held]:
        """Return the cycles and the plans in folders, and the executions in those cycles."""
        look = self._dependents.in_folder
        return (
            await look(tenant, Holder.TEST_CYCLE, folders),
            await look(tenant, Holder.TEST_PLAN, folders),
            await self._dependents.runs_in_folders(tenant, folders),
        )

    async def empty(self, tenant: str, folder: int, *, delete: bool) -> bool:
        """Move or delete some of what is in a folder; True: there is more, so ask again.

        ``Conflict`` for what cannot go at this moment.
        """
        now = self._clock.now()
        if not delete:
            return await self._contents.empty_folder(tenant, folder, now)
        more = False
        for holder in (Holder.TEST_CYCLE, Holder.TEST_PLAN):
            found = await self._dependents.some_of_folder(tenant, holder, folder, _AT_ONCE)
            if found and await self._shelves.moving(tenant) + len(found) > MOST_MOVING:
                raise Conflict("Too many test cycles are being deleted.")
            waiting = [thing for thing in found if await self._waits(tenant, thing)]
            for thing in found:
                if thing not in waiting:
                    await self._shelves.put(tenant, thing, Shelf.REMOVED, now)
            if waiting:
                raise Conflict("Results of some test cycles are still being stored.")
            more = more or len(found) == _AT_ONCE
        return more

    async def _waits(self, tenant: str, thing: Thing) -> bool:
        return thing.upload is not None and await self._uploads.waits(tenant, thing.upload)
