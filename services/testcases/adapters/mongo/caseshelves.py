"""Test cases that are deleted or archived: documents that are not visible, and say why."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING

from contracts.ids import project_of
from kit.attachments.rows import AttachmentRows
from kit.dependents import SHOWN, Held, held
from kit.http.pages import OffsetPage
from kit.jobs.rows import JobRows
from kit.mongo import Database, Document, Session
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.testcases import (
    ARCHIVED,
    CALLS,
    DELETED,
    TEST_CASES,
    VERSIONS,
    WITHOUT_STEPS,
)
from services.testcases.adapters.mongo.totals import Totals
from services.testcases.adapters.mongo.turns import Turns
from services.testcases.domain.removals import CaseThing
from services.testcases.usecases.attachments import KIND
from services.testcases.usecases.removaljobs import DELETE, JobKind

_BUSY = "The test case is being changed by others; try again."


class CaseShelfRows:
    """Implements ``CaseShelves``; the tenant comes first."""

    def __init__(self, database: Database, pending: Pending, totals: Totals, jobs: JobRows) -> None:
        self._cases = database[TEST_CASES]
        self._versions = database[VERSIONS]
        self._attachments = AttachmentRows(database)
        self._pending = pending
        self._totals = totals
        self._jobs = jobs
        self._turns = Turns(database, pending, _BUSY)

    async def thing(self, tenant: str, case: int) -> CaseThing | None:
        """Return a case that shows, or is archived."""
        for archived in (False, True):
            row = await self._cases.find_one(_this(tenant, case, archived=archived), WITHOUT_STEPS)
            if row is not None:
                return _thing(row)
        return None

    async def callers(self, tenant: str, case: int) -> Held:
        """Return the cases that call it, archived ones too."""
        rows = self._cases.find(calling(tenant, case), {"_id": 0, "id": 1}).hint(CALLS)
        return held(sorted(row["id"] for row in await rows.to_list(None)))

    async def versions(self, tenant: str, case: CaseThing) -> Sequence[int]:
        """Return the ids of its versions, the newest first."""
        query = {"tenant": tenant, "project": case.project, "id": case.id}
        rows = self._versions.find(query, {"_id": 0, "version_id": 1}).sort("version", DESCENDING)
        older = [row["version_id"] for row in await rows.to_list(None)]
        return [case.version_id, *(one for one in older if one != case.version_id)]

    async def attached(self, tenant: str, case: int) -> Held:
        """Return what is attached to it and its steps."""
        return Held(*await self._attachments.attached(tenant, KIND, (case,), SHOWN))

    async def delete(self, tenant: str, case: CaseThing, now: datetime) -> bool:
        """Remove a case for good; the relay sends its tombstone, then the document goes."""
        change = self._change(DELETED, now)
        change["$set"]["deleted"] = True

        async def once(session: Session) -> bool:
            result = await self._cases.update_one(
                _this(tenant, case.id, archived=case.archived), change, session=session
            )
            if not result.matched_count:
                return False
            kind = JobKind.CASE
            await self._jobs.put(tenant, kind, case.id, DELETE, now, now, session=session)
            return True

        async with self._totals.writing(tenant, [case.id]):
            return await self._turns.run(tenant, case.id, once)

    async def archive(self, tenant: str, case: CaseThing, now: datetime) -> bool:
        """Put a case aside."""
        change = self._change(ARCHIVED, now)
        return await self._changed(tenant, case.id, change, archived=False)

    async def restore(
        self, tenant: str, case: CaseThing, folder: int | None, now: datetime
    ) -> bool:
        """Let an archived case show again, in this folder."""
        change = {
            # changed now, so that a client that follows updatedAfter meets it
            "$set": {"visible": True, "folder": folder, "updated_on": now},
            "$unset": {"removed": "", "archived_on": ""},
            "$inc": {"rev": 1},
            "$push": {"outbox": self._pending.entry()},
        }
        return await self._changed(tenant, case.id, change, archived=True)

    async def archived(
        self, tenant: str, projects: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[CaseThing]]:
        """Return the total and one page of archived cases, by id."""
        query = {
            "tenant": tenant,
            "project": {"$in": list(projects)},
            "visible": False,
            "removed": ARCHIVED,
        }
        total, rows = await asyncio.gather(
            self._cases.count_documents(query),
            self._cases.find(query, WITHOUT_STEPS)
            .sort([("project", ASCENDING), ("id", ASCENDING)])
            .skip(page.start_at)
            .limit(page.max_results)
            .to_list(page.max_results),
        )
        return total, [_thing(row) for row in rows]

    async def _changed(self, tenant: str, case: int, change: Document, *, archived: bool) -> bool:
        async with self._totals.writing(tenant, [case]):
            this = _this(tenant, case, archived=archived)
            result = await self._cases.update_one(this, change)
        if result.matched_count:
            self._pending.nudge()
        return bool(result.matched_count)

    def _change(self, how: str, now: datetime) -> Document:
        return {
            "$set": {"visible": False, "removed": how, "archived_on": now},
            "$inc": {"rev": 1},
            "$push": {"outbox": self._pending.entry()},
        }


def calling(tenant: str, case: int) -> Document:
    """Say which cases call a case."""
    return {
        "tenant": tenant,
        "script.steps.call.case": case,
        "removed": {"$ne": DELETED},
        "id": {"$ne": case},
    }


def _this(tenant: str, case: int, *, archived: bool) -> Document:
    return {
        "tenant": tenant,
        "project": project_of(case),
        "visible": not archived,
        "id": case,
        "removed": ARCHIVED if archived else {"$exists": False},
    }


def _thing(row: Mapping[str, Any]) -> CaseThing:
    return CaseThing(
        row["id"],
        row["project"],
        row["name"],
        row["version_id"],
        row["folder"],
        archived="removed" in row,
        links=tuple(link["id"] for link in row.get("links", ())),
        archived_on=row.get("archived_on"),
    )
