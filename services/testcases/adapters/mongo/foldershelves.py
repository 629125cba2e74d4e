"""Folders that are deleted or archived: they stand on a shelf (``kit/shelves.py``)."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING

from kit.http.pages import OffsetPage
from kit.jobs.rows import JobRows
from kit.mongo import Database, Document, Session
from kit.shelves import Shelf, home, shelved
from services.testcases.adapters.mongo.folders import FOLDERS, FolderRepository
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.testcases import TEST_CASES
from services.testcases.adapters.mongo.totals import Totals
from services.testcases.adapters.mongo.turns import Turns
from services.testcases.domain.folders import FolderType
from services.testcases.domain.removals import Contents, FolderThing
from services.testcases.usecases.removaljobs import ARCHIVE, DELETE, QUIET, JobKind

_BUSY = "The folder is being changed by others; try again."


class FolderShelfRows:
    """Implements ``FolderShelves``; the tenant, or its name on a shelf, comes first."""

    def __init__(self, database: Database, pending: Pending, totals: Totals, jobs: JobRows) -> None:
        self._folders = database[FOLDERS]
        self._cases = database[TEST_CASES]
        self._siblings = FolderRepository(database, pending, totals)
        self._pending = pending
        self._totals = totals
        self._jobs = jobs
        self._turns = Turns(database, pending, _BUSY)

    async def thing(self, tenant: str, folder: int) -> FolderThing | None:
        """Return a folder that shows, or is archived."""
        names = [tenant, shelved(tenant, Shelf.ARCHIVED)]
        query = {"tenant": {"$in": names}, "_id": f"{tenant}/{folder}"}
        row = await self._folders.find_one(query)
        return _thing(row) if row is not None else None

    async def below(self, tenant: str, folder: FolderThing, *, deep: bool) -> Sequence[int]:
        """Return the folders in it; those in them, too, where ``deep``."""
        found, level = {folder.id}, [folder.id]
        while level:
            query = {
                "tenant": tenant,
                "project": folder.project,
                "type": folder.type.value,
                "parent": {"$in": level},
            }
            rows = await self._folders.find(query, {"_id": 0, "id": 1}).to_list(None)
            level = [row["id"] for row in rows if row["id"] not in found]
            found.update(level)
            if not deep:
                break
        return sorted(found - {folder.id})

    async def cases_in(self, tenant: str, project: int, folders: Collection[int]) -> Sequence[int]:
        """Return the cases in folders."""
        query = {
            "tenant": tenant,
            "project": project,
            "visible": True,
            "folder": {"$in": list(folders)},
        }
        rows = await self._cases.find(query, {"_id": 0, "id": 1}).hint("folder").to_list(None)
        return sorted(row["id"] for row in rows)

    async def delete(
        self, tenant: str, folder: FolderThing, contents: Contents, now: datetime
    ) -> bool:
        """Remove a folder for good; its tombstone is sent when it is empty."""
        change = {
            "$set": {"tenant": shelved(tenant, Shelf.REMOVED), "deleted": True},
            "$inc": {"rev": 1},
        }
        data = {"contents": contents.value, "type": folder.type.value}

        async def once(session: Session) -> bool:
            if not await self._moved(tenant, folder, change, session):
                return False
            kind = JobKind.FOLDER
            await self._jobs.put(tenant, kind, folder.id, DELETE, now, now, data, session)
            return True

        async with self._totals.writing(tenant, [folder.id]):
            return await self._turns.run(tenant, folder.id, once)

    async def archive(self, tenant: str, folder: FolderThing, now: datetime) -> bool:
        """Put a folder aside; others hear that it is gone."""
        change = {
            "$set": {"tenant": shelved(tenant, Shelf.ARCHIVED), "archived_on": now},
            "$inc": {"rev": 1},
            "$push": {"outbox": self._pending.entry()},
        }

        async def once(session: Session) -> bool:
            if not await self._moved(tenant, folder, change, session):
                return False
            kind, due = JobKind.FOLDER, now + QUIET
            await self._jobs.put(tenant, kind, folder.id, ARCHIVE, now, due, session=session)
            return True

        async with self._totals.writing(tenant, [folder.id]):
            return await self._turns.run(tenant, folder.id, once)

    async def restore(
        self, tenant: str, folder: FolderThing, parent: int | None, now: datetime
    ) -> bool:
        """Let an archived folder show again, behind the others of this parent."""
        index = await self._siblings.next_index(tenant, folder.project, folder.type, parent)
        change = {
            "$set": {"tenant": tenant, "parent": parent, "index": index, "updated_on": now},
            "$unset": {"archived_on": ""},
            "$inc": {"rev": 1},
            "$push": {"outbox": self._pending.entry()},
        }
        async with self._totals.writing(tenant, [folder.id]):
            result = await self._folders.update_one(_this(tenant, folder), change)
        self._pending.nudge()
        return bool(result.matched_count)

    async def archived(
        self, tenant: str, projects: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[FolderThing]]:
        """Return the total and one page of archived folders, by id."""
        query = {
            "tenant": shelved(tenant, Shelf.ARCHIVED),
            "project": {"$in": list(projects)},
        }
        total, rows = await asyncio.gather(
            self._folders.count_documents(query),
            self._folders.find(query)
            .sort([("project", ASCENDING), ("id", ASCENDING)])
            .skip(page.start_at)
            .limit(page.max_results)
            .to_list(page.max_results),
        )
        return total, [_thing(row) for row in rows]

    async def _moved(
        self, tenant: str, folder: FolderThing, change: Document, session: Session
    ) -> bool:
        result = await self._folders.update_one(_this(tenant, folder), change, session=session)
        return bool(result.matched_count)


def _this(tenant: str, folder: FolderThing) -> Document:
    shelf = Shelf.ARCHIVED if folder.archived else None
    return {"tenant": shelved(tenant, shelf), "_id": f"{tenant}/{folder.id}"}


def _thing(row: Mapping[str, Any]) -> FolderThing:
    return FolderThing(
        row["id"],
        row["project"],
        FolderType(row["type"]),
        row["name"],
        row["parent"],
        archived=home(row["tenant"]) != row["tenant"],
        archived_on=row.get("archived_on"),
    )
