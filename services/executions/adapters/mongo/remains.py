"""Moving and erasing what hangs on things that went, a bounded number of documents at a time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from contracts.ids import project_of, project_range
from kit.attachments.attachments import SETTLE
from kit.attachments.rows import AttachmentRows
from kit.jobs.rows import Job, JobRows
from kit.mongo import Database, Document, transaction
from kit.segments.claims import Claims
from kit.shelves import Shelf, everywhere, shelved
from services.executions.adapters.mongo import (
    ledger,
    library,
    testcycles,
    testexecutions,
    testplans,
    uploads,
)
from services.executions.adapters.mongo.shelving import COLLECTIONS, moving_id
from services.executions.adapters.mongo.versions import RemovedVersions
from services.executions.domain.links import Holder
from services.executions.domain.uploads import UNDECIDED, UploadState
from services.executions.usecases.removaljobs import ATTACHMENT_KINDS

BATCH = 500
_SEEN = {"_id": 1, "id": 1, "case": 1, "cycle": 1, "jira_version": 1}


class RemainsRows:
    """Implements ``Remains``; the tenant, or its name on a shelf, comes first."""

    def __init__(self, database: Database, jobs: JobRows, claims: Claims) -> None:
        self._database = database
        self._claims = claims
        self._executions = database[testexecutions.COLLECTION]
        self._cycles = database[testcycles.COLLECTION]
        self._plans = database[testplans.COLLECTION]
        self._ledger = database[ledger.COLLECTION]
        self._uploads = database[uploads.COLLECTION]
        self._attachments = AttachmentRows(database)
        self._removed = RemovedVersions(database)
        self._jobs = jobs

    async def put_aside(self, tenant: str, cycle: int) -> bool:
        """Put executions of an archived cycle aside."""
        to = {"tenant": shelved(tenant, Shelf.ALONG)}
        return bool(await self._moved(tenant, [tenant], {"cycle": cycle}, to))

    async def bring_back(self, tenant: str, cycle: int, now: datetime) -> bool:
        """Let executions that were put aside with their cycle show again."""
        # changed now, so that a client that follows updatedAfter meets them
        change = {"tenant": tenant, "updated_on": now}
        aside = [shelved(tenant, Shelf.ALONG)]
        rows = await self._moved(tenant, aside, {"cycle": cycle}, change)
        await self._removed.follow(self._executions, [row | {"tenant": tenant} for row in rows])
        return bool(rows)

    async def show(self, job: Job) -> None:
        """Hide a cycle no longer and end its job, both or none."""
        async with transaction(self._database) as session:
            if await self._jobs.done(job, session):
                await self._uploads.delete_one(
                    {"_id": moving_id(job.tenant, job.entity), "tenant": job.tenant},
                    session=session,
                )

    async def give_back(self, tenant: str, cycle: int, now: datetime) -> bool:
        """Let a removed cycle show again if there are executions in it."""
        inside = {"tenant": {"$in": everywhere(tenant)}, "cycle": cycle}
        if await self._executions.find_one(inside, {"_id": 1}) is None:
            return False
        await self._cycles.update_one(
            {"tenant": shelved(tenant, Shelf.REMOVED), "id": cycle},
            {
                "$set": {"tenant": tenant, "updated_on": now},
                "$unset": {"archived_on": ""},
                "$inc": {"rev": 1},
            },
        )
        return True

    async def erase_cycle(self, tenant: str, cycle: int, now: datetime) -> bool:
        """Erase executions of a cycle, and at the end itself with all that hangs on it."""
        removed = {"tenant": shelved(tenant, Shelf.REMOVED), "id": cycle}
        row = await self._cycles.find_one(removed, {"upload": 1})
        if row is not None and "upload" in row:
            await self._end_upload(tenant, row["upload"])
        names = [*everywhere(tenant), shelved(tenant, Shelf.REMOVED)]
        if await self._erased(tenant, names, {"cycle": cycle}, now):
            return True
        await self._plans.update_many(
            {"tenant": {"$in": everywhere(tenant)}, "links.cycle": cycle},
            {
                "$pull": {"links": {"cycle": cycle}},
                "$set": {"updated_on": now},
                "$inc": {"rev": 1},
            },
        )
        await self.erase(tenant, Holder.TEST_CYCLE, cycle, now)
        return False

    async def erase(self, tenant: str, holder: Holder, ident: int, now: datetime) -> None:
        """Erase a plan or an execution that was removed, with what is attached."""
        # the document goes last: until then a repeated job finds what it belongs to
        kind = ATTACHMENT_KINDS[holder]
        await self._attachments.drop_all(tenant, kind, (ident,), now + SETTLE)
        await self._database[COLLECTIONS[holder]].delete_one(
            {"tenant": shelved(tenant, Shelf.REMOVED), "id": ident}
        )

    async def remove_runs(self, tenant: str, case: int) -> bool:
        """Remove executions of a case, wherever they are; erased they are later."""
        to = {"tenant": shelved(tenant, Shelf.REMOVED)}
        return bool(await self._moved(tenant, everywhere(tenant), {"case": case}, to))

    async def erase_runs(self, tenant: str, case: int, now: datetime) -> bool:
        """Erase removed executions of a case."""
        return await self._erased(tenant, [shelved(tenant, Shelf.REMOVED)], {"case": case}, now)

    async def empty_folder(self, tenant: str, folder: int, now: datetime) -> bool:
        """Move cycles and plans out of a folder, to the root."""
        first, end = project_range(project_of(folder))
        query = {"tenant": tenant, "id": {"$gte": first, "$lt": end}, "folder": folder}
        change = {"$set": {"folder": None, "updated_on": now}, "$inc": {"rev": 1}}
        more = False
        for rows in (self._cycles, self._plans):
            ids = [r["id"] for r in await rows.find(query, {"id": 1}).limit(BATCH).to_list(BATCH)]
            if ids:
                await rows.update_many(query | {"id": {"$in": ids}}, change)
            more = more or len(ids) == BATCH
        return more

    async def _end_upload(self, tenant: str, upload: str) -> None:
        """Let no chunk of it be stored any more, a replayed dead letter neither."""
        await self._uploads.update_one(
            {"_id": upload, "tenant": tenant},
            {"$set": {"state": UploadState.ABORTED.value, "told": True}, "$unset": {"stored": ""}},
        )
        row = await self._uploads.find_one(
            {"_id": upload, "tenant": tenant}, {"first_id": 1, "results": 1}
        )
        if row is not None and "first_id" in row:
            span = row["first_id"], row["first_id"] + row["results"]
            await self._claims.end(tenant, span, upload)
        # one range of ``_id``: '0' follows '/'
        await self._ledger.delete_many(
            {"tenant": tenant, "_id": {"$gt": f"{upload}/", "$lt": f"{upload}0"}}
        )

    async def _moved(
        self, tenant: str, names: Sequence[str], having: Document, change: Document
    ) -> Sequence[Any]:
        """Change some of what stands under these names of a tenant; return it as it was."""
        query = {"tenant": {"$in": list(names)}, **having}
        rows = await self._executions.find(query, _SEEN).limit(BATCH).to_list(BATCH)
        if rows:
            these = {"tenant": {"$in": list(names)}, "_id": {"$in": [row["_id"] for row in rows]}}
            async with self._claims.writing(tenant, [row["id"] for row in rows]):
                await self._executions.update_many(these, {"$set": change})
        return rows

    async def _erased(
        self, tenant: str, names: Sequence[str], having: Document, now: datetime
    ) -> bool:
        """Erase some of what stands under these names of a tenant."""
        query = {"tenant": {"$in": list(names)}, **having}
        rows = await self._executions.find(query, _SEEN).limit(BATCH).to_list(BATCH)
        if rows:
            kind = ATTACHMENT_KINDS[Holder.TEST_EXECUTION]
            ids = [row["id"] for row in rows]
            await self._attachments.drop_all(tenant, kind, ids, now + SETTLE)
            these = {"tenant": {"$in": list(names)}, "_id": {"$in": [row["_id"] for row in rows]}}
            async with self._claims.writing(tenant, ids):
                await self._executions.delete_many(these)
        return bool(rows)


class UploadsBehind:
    """Implements ``UploadStorage`` and ``PendingUploads``."""

    def __init__(self, database: Database) -> None:
        self._uploads = database[uploads.COLLECTION]
        self._ledger = database[ledger.COLLECTION]

    async def waits(self, tenant: str, upload: str) -> bool:
        """Whether results are on their way, or the owner of the cases does not know of the end."""
        row = await self._uploads.find_one(
            {"_id": upload, "tenant": tenant}, {"stored": 1, "told": 1, "state": 1}
        )
        if row is None:
            return False
        return row.get("stored") is False or row.get("told") is False or row["state"] in UNDECIDED

    async def incomplete_since(self, tenant: str, upload: str) -> datetime | None:
        """Return when an upload was accepted of which something was never stored."""
        row = await self._uploads.find_one({"_id": upload, "tenant": tenant})
        if row is None or not row.get("parked"):
            return None
        chunks = {"tenant": tenant, "_id": {"$gt": f"{upload}/", "$lt": f"{upload}0"}}
        stored = await self._ledger.count_documents(chunks)
        since: datetime = row["accepted_at"]
        return since if stored < row["chunks"] else None

    async def pending(self, tenant: str, project: int, before: datetime) -> bool:
        """Whether an upload that began earlier may still store results."""
        began = {"tenant": tenant, "project": project, "created_at": {"$lt": before}}
        undecided = {"hidden": True, "state": {"$in": [s.value for s in UNDECIDED]}}
        for waiting in (undecided, {"stored": False}):
            if await self._uploads.find_one(began | waiting, {"_id": 1}) is not None:
                return True
        return False


class WhatIsThere:
    """Implements ``LibraryCopy`` and ``GoneCases``."""

    def __init__(self, database: Database) -> None:
        self._folders = database[library.FOLDERS]
        self._cases = database[library.CASES]

    async def gone(self, tenant: str, cases: Collection[int]) -> set[int]:
        """Return those of the cases that were deleted."""
        # what is left of them has no tenant but in its id
        query = {"_id": _ids(tenant, cases), "gone_at": {"$exists": True}}
        rows = await self._cases.find(query, {"_id": 1}).to_list(None)
        return {int(row["_id"].rpartition("/")[2]) for row in rows}

    async def there(self, tenant: str, folders: Collection[int]) -> set[int]:
        """Return those of the folders that are there."""
        query = {"tenant": tenant, "id": {"$in": list(folders)}}
        rows = await self._folders.find(query, {"_id": 0, "id": 1}).to_list(None)
        return {row["id"] for row in rows}


def _ids(tenant: str, cases: Collection[int]) -> Document:
    return {"$in": [f"{tenant}/{case}" for case in cases]}
