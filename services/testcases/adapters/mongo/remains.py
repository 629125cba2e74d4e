"""Moving and erasing what hangs on cases and folders that went, some documents at a time."""

from datetime import datetime

from contracts.ids import project_of
from kit.attachments.attachments import SETTLE
from kit.attachments.rows import AttachmentRows
from kit.mongo import Database, Document, Session
from kit.shelves import Shelf, shelved
from services.testcases.adapters.mongo.caseshelves import CaseShelfRows, calling
from services.testcases.adapters.mongo.folders import FOLDERS
from services.testcases.adapters.mongo.foldershelves import FolderShelfRows
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.scriptforms import script_document, script_of
from services.testcases.adapters.mongo.testcases import CALLS, TEST_CASES, VERSIONS
from services.testcases.adapters.mongo.turns import Turns
from services.testcases.domain.removals import Contents, written_out
from services.testcases.domain.searchwords import script_words
from services.testcases.usecases.attachments import KIND

_SCRIPTS, _THINGS, _MANY = 20, 50, 500
_BUSY = "The test case is being changed by others; try again."


class RemainsRows:
    """Implements ``Remains``; the tenant, or its name on a shelf, comes first."""

    def __init__(
        self,
        database: Database,
        pending: Pending,
        cases: CaseShelfRows,
        folders: FolderShelfRows,
    ) -> None:
        self._cases = database[TEST_CASES]
        self._versions = database[VERSIONS]
        self._folders = database[FOLDERS]
        self._attachments = AttachmentRows(database)
        self._pending = pending
        self._case_shelves = cases
        self._folder_shelves = folders
        self._turns = Turns(database, pending, _BUSY)

    async def write_calls_out(self, tenant: str, case: int, now: datetime) -> bool:
        """Replace calls of a case that is gone in other cases, then in older versions of them.

        A version that is kept meanwhile has no such call: its case had none by then, or the two
        writers of the case conflict.
        """
        rows = self._cases.find(calling(tenant, case), {"id": 1}).hint(CALLS).limit(_SCRIPTS)
        callers = [row["id"] for row in await rows.to_list(_SCRIPTS)]
        for caller in callers:
            await self._write_out(tenant, caller, case, now)
        return bool(callers) or await self._write_versions_out(tenant, case)

    async def erase(self, tenant: str, case: int, now: datetime) -> None:
        """Erase older versions of a case, and what is attached to it or its steps."""
        await self._versions.delete_many(
            {"tenant": tenant, "project": project_of(case), "id": case}
        )
        await self._attachments.drop_all(tenant, KIND, (case,), now + SETTLE)

    async def empty(self, tenant: str, folder: int, contents: Contents, now: datetime) -> bool:
        """Move or delete the folders and cases in a folder."""
        if contents is Contents.DELETE:
            return await self._delete_inside(tenant, folder, now)
        more = await self._move(FOLDERS, tenant, _below(folder), "parent", now)
        return await self._move(TEST_CASES, tenant, _inside(folder), "folder", now) or more

    async def archived(self, tenant: str, folder: int) -> bool:
        """Whether a folder is archived."""
        name = shelved(tenant, Shelf.ARCHIVED)
        query = {"tenant": name, "_id": f"{tenant}/{folder}"}
        return await self._folders.find_one(query, {"_id": 1}) is not None

    async def tell(self, tenant: str, folder: int) -> None:
        """Let the tombstone of a deleted folder be sent; then nothing is left of it."""
        removed = {"tenant": shelved(tenant, Shelf.REMOVED), "_id": f"{tenant}/{folder}"}
        await self._folders.update_one(removed, {"$push": {"outbox": self._pending.entry()}})
        self._pending.nudge()

    async def _write_out(self, tenant: str, caller: int, gone: int, now: datetime) -> None:
        async def once(session: Session) -> None:
            # archived ones, too, so not by visible
            this = {"tenant": tenant, "project": project_of(caller), "id": caller}
            row = await self._cases.find_one(this, {"script": 1}, session=session)
            if row is None:
                return
            script = written_out(script_of(row["script"]), gone)
            await self._cases.update_one(
                this,
                {
                    "$set": {
                        "script": dict(script_document(script)),
                        "search.1.words": script_words(script),
                        "updated_on": now,
                    },
                    "$inc": {"rev": 1},
                    "$push": {"outbox": self._pending.entry()},
                },
                session=session,
            )

        await self._turns.run(tenant, caller, once)

    async def _write_versions_out(self, tenant: str, gone: int) -> bool:
        query = {"tenant": tenant, "script.steps.call.case": gone, "id": {"$ne": gone}}
        rows = self._versions.find(query, {"script": 1}).hint(CALLS).limit(_SCRIPTS)
        found = await rows.to_list(_SCRIPTS)
        for row in found:
            script = dict(script_document(written_out(script_of(row["script"]), gone)))
            this = {"tenant": tenant, "_id": row["_id"]}
            await self._versions.update_one(this, {"$set": {"script": script}})
        return bool(found)

    async def _delete_inside(self, tenant: str, folder: int, now: datetime) -> bool:
        below_it = {"tenant": tenant, "project": project_of(folder), **_below(folder)}
        folders = self._folders.find(below_it, {"id": 1}).limit(_THINGS)
        below = [row["id"] for row in await folders.to_list(_THINGS)]
        for ident in below:
            found = await self._folder_shelves.thing(tenant, ident)
            if found is not None and not found.archived:
                await self._folder_shelves.delete(tenant, found, Contents.DELETE, now)
        inside_it = {"tenant": tenant, "project": project_of(folder), **_inside(folder)}
        rows = self._cases.find(inside_it, {"id": 1}).limit(_THINGS)
        inside = [row["id"] for row in await rows.to_list(_THINGS)]
        for ident in inside:
            case = await self._case_shelves.thing(tenant, ident)
            if case is not None and not case.archived:
                await self._case_shelves.delete(tenant, case, now)
        return bool(below or inside)

    async def _move(
        self, collection: str, tenant: str, inside: Document, place: str, now: datetime
    ) -> bool:
        """Move to the root what has this folder in ``place``."""
        rows = {FOLDERS: self._folders, TEST_CASES: self._cases}[collection]
        query = {"tenant": tenant, "project": project_of(inside[place]), **inside}
        found = await rows.find(query, {"_id": 1}).limit(_MANY).to_list(_MANY)
        if found:
            await rows.update_many(
                query | {"_id": {"$in": [row["_id"] for row in found]}},
                {
                    "$set": {place: None, "updated_on": now},
                    "$inc": {"rev": 1},
                    "$push": {"outbox": self._pending.entry()},
                },
            )
            self._pending.nudge()
        return bool(found)


def _below(folder: int) -> Document:
    return {"parent": folder}


def _inside(folder: int) -> Document:
    return {"visible": True, "folder": folder}
