"""Cycles, plans and executions on their shelves (``kit/shelves.py``), one transaction a move.

With each move goes a job for what hangs on the thing; with that of a cycle a row among the
uploads, whose cycles every read leaves out: the executions of the cycle show no more, nor yet.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING

from contracts.ids import project_of, project_range
from kit.attachments.rows import AttachmentRows
from kit.dependents import SHOWN, Dependents, Held, held
from kit.errors import Unavailable
from kit.http.pages import OffsetPage
from kit.jobs.rows import JobRows
from kit.mongo import Database, Document, Session, WriteConflict, transaction
from kit.segments.claims import Claims
from kit.shelves import Shelf, everywhere, home, shelved
from services.executions.adapters.mongo import testcycles, testexecutions, testplans, uploads
from services.executions.adapters.mongo.listing import within
from services.executions.adapters.mongo.versions import RemovedVersions
from services.executions.domain.links import Holder
from services.executions.domain.removals import Thing
from services.executions.usecases.removaljobs import (
    ATTACHMENT_KINDS,
    QUIET,
    REMOVE_EMPTY,
    RESTORE,
    JobKind,
)

COLLECTIONS = {
    Holder.TEST_CYCLE: testcycles.COLLECTION,
    Holder.TEST_PLAN: testplans.COLLECTION,
    Holder.TEST_EXECUTION: testexecutions.COLLECTION,
}
_TRIES = 10
_MANY = 1_000
_SEEN = {"steps": 0}
"""Steps of executions may be 4 MiB."""


class Shelving:
    """Implements ``Shelves``; the tenant, or its name on a shelf, comes first."""

    def __init__(self, database: Database, jobs: JobRows, claims: Claims) -> None:
        self._database = database
        self._claims = claims
        self._rows = {holder: database[name] for holder, name in COLLECTIONS.items()}
        self._uploads = database[uploads.COLLECTION]
        self._attachments = AttachmentRows(database)
        self._removed = RemovedVersions(database)
        self._jobs = jobs

    async def find(self, tenant: str, holder: Holder, ident: int) -> Thing | None:
        """Return a thing that everybody sees, or that is archived."""
        query = {"tenant": {"$in": everywhere(tenant)}, "id": ident}
        row = await self._rows[holder].find_one(query, _SEEN)
        if row is None or await self._hidden(tenant, holder, row):
            return None
        return thing_of(holder, row)

    async def dependents(self, tenant: str, thing: Thing) -> Dependents:
        """Return what hangs on a thing, by kind."""
        found: dict[str, Held] = {"links": held(thing.links)}
        if thing.holder is Holder.TEST_CYCLE:
            inside, plans, attachments = await asyncio.gather(
                self._executions_in(tenant, thing.id),
                self._plans_with(tenant, thing.id),
                self._attached_in(tenant, thing),
            )
            found |= {"testExecutions": inside, "testPlans": plans, "attachments": attachments}
            return found
        kind = ATTACHMENT_KINDS[thing.holder]
        count, ids = await self._attachments.attached(tenant, kind, (thing.id,), SHOWN)
        return found | {"attachments": Held(count, ids)}

    async def moving(self, tenant: str) -> int:
        """Count the cycles on their way."""
        return await self._jobs.count(tenant, JobKind.CYCLE)

    async def put(
        self, tenant: str, thing: Thing, shelf: Shelf, now: datetime, *, if_empty: bool = False
    ) -> bool:
        """Archive a thing, or remove it for good; ``if_empty``: it returns when it is not."""
        change = {"$set": {"tenant": shelved(tenant, shelf), "archived_on": now}}

        async def once(session: Session) -> bool:
            if not await self._move(tenant, thing, change, session):
                return False
            if thing.holder is Holder.TEST_CYCLE or shelf is Shelf.REMOVED:
                kind, due = JobKind.of(thing.holder), now + QUIET
                action = REMOVE_EMPTY if if_empty else shelf
                await self._jobs.put(tenant, kind, thing.id, action, now, due, session=session)
            if thing.holder is Holder.TEST_CYCLE:
                await self._hide(tenant, thing.id, session)
            return True

        async with self._claims.writing(tenant, await self._counted_with(tenant, thing)):
            return await self._run(once)

    async def take_back(self, tenant: str, thing: Thing, folder: int | None, now: datetime) -> bool:
        """Let an archived thing show again, in this folder."""
        back: Document = {"tenant": tenant, "updated_on": now}
        change: Document = {"$set": back, "$unset": {"archived_on": ""}}
        if thing.holder is not Holder.TEST_EXECUTION:
            back["folder"] = folder
            change["$inc"] = {"rev": 1}

        async def once(session: Session) -> bool:
            if not await self._move(tenant, thing, change, session):
                return False
            if thing.holder is Holder.TEST_CYCLE:
                kind = JobKind.CYCLE
                await self._jobs.put(tenant, kind, thing.id, RESTORE, now, now, session=session)
                await self._hide(tenant, thing.id, session)
            return True

        async with self._claims.writing(tenant, await self._counted_with(tenant, thing)):
            if not await self._run(once):
                return False
            rows = self._rows[thing.holder]
            row = await rows.find_one({"tenant": tenant, "id": thing.id})
            if row is not None and row.get("jira_version") is not None:
                await self._removed.follow(rows, [row])
            return True

    async def _counted_with(self, tenant: str, thing: Thing) -> list[int]:
        """Return the runs of which one may become the last of its case, or cease to be."""
        if thing.holder is not Holder.TEST_EXECUTION:
            return []
        if thing.cycle is None:
            return [thing.id]
        rows = self._rows[thing.holder]
        alike = {"tenant": tenant, "case": thing.case, "cycle": thing.cycle}
        return [thing.id, *[row["id"] async for row in rows.find(alike, {"_id": 0, "id": 1})]]

    async def archived(
        self, tenant: str, holder: Holder, projects: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[Thing]]:
        """Return the total and one page of what is archived, by id."""
        query = {"tenant": shelved(tenant, Shelf.ARCHIVED), **within(projects)}
        rows = self._rows[holder]
        total, found = await asyncio.gather(
            rows.count_documents(query),
            rows.find(query, _SEEN)
            .sort("id", ASCENDING)
            .skip(page.start_at)
            .limit(page.max_results)
            .to_list(page.max_results),
        )
        return total, [thing_of(holder, row) for row in found]

    async def _move(self, tenant: str, thing: Thing, change: Document, session: Session) -> bool:
        result = await self._rows[thing.holder].update_one(
            {"tenant": shelved(tenant, thing.shelf), "id": thing.id}, change, session=session
        )
        return bool(result.matched_count)

    async def _hide(self, tenant: str, cycle: int, session: Session) -> None:
        await self._uploads.update_one(
            {"_id": moving_id(tenant, cycle)},
            {
                "$set": {
                    "tenant": tenant,
                    "project": project_of(cycle),
                    "cycle": cycle,
                    "state": "moving",
                    "hidden": True,
                }
            },
            upsert=True,
            session=session,
        )

    async def _run(self, change: Callable[[Session], Awaitable[bool]]) -> bool:
        for attempt in range(_TRIES):
            try:
                async with transaction(self._database) as session:
                    return await change(session)
            except WriteConflict:
                await asyncio.sleep(0.01 * (attempt + 1))
        raise Unavailable("Others change the same thing at this moment; try again.", retry_after=1)

    async def _hidden(self, tenant: str, holder: Holder, row: Mapping[str, Any]) -> bool:
        """Whether it belongs to an upload that is not accepted, or is in a cycle on its way."""
        cycle = {Holder.TEST_CYCLE: row["id"]}.get(holder, row.get("cycle"))
        if cycle is None:
            return False
        query: Document = {"tenant": tenant, "cycle": cycle, "hidden": True}
        if holder is Holder.TEST_CYCLE or row["tenant"] != tenant:
            # a cycle on its way can be sent another way; what was archived in it shows anyway not
            query["state"] = {"$ne": "moving"}
        return await self._uploads.find_one(query, {"_id": 1}) is not None

    async def _executions_in(self, tenant: str, cycle: int) -> Held:
        query = {"tenant": {"$in": everywhere(tenant)}, "cycle": cycle}
        rows = self._rows[Holder.TEST_EXECUTION]
        first = await rows.find(query, {"_id": 0, "id": 1}).limit(SHOWN).to_list(SHOWN)
        count = len(first) if len(first) < SHOWN else await rows.count_documents(query)
        return Held(count, [row["id"] for row in first])

    async def _plans_with(self, tenant: str, cycle: int) -> Held:
        query = {"tenant": {"$in": everywhere(tenant)}, "links.cycle": cycle}
        rows = await self._rows[Holder.TEST_PLAN].find(query, {"_id": 0, "id": 1}).to_list(None)
        return held(sorted(row["id"] for row in rows))

    async def _attached_in(self, tenant: str, cycle: Thing) -> Held:
        """Count what is attached to a cycle and its executions; by what has attachments at all."""
        kind = ATTACHMENT_KINDS[Holder.TEST_CYCLE]
        count, ids = await self._attachments.attached(tenant, kind, (cycle.id,), SHOWN)
        total, shown = count, list(ids)
        kind = ATTACHMENT_KINDS[Holder.TEST_EXECUTION]
        some: dict[int, Sequence[int]] = {}
        async for entity, attached in self._attachments.having(
            tenant, kind, *project_range(cycle.project)
        ):
            some[entity] = attached
            if len(some) == _MANY:
                total += await self._add_attached(tenant, cycle.id, some, shown)
                some = {}
        total += await self._add_attached(tenant, cycle.id, some, shown)
        return Held(total, shown[:SHOWN])

    async def _add_attached(
        self, tenant: str, cycle: int, some: Mapping[int, Sequence[int]], shown: list[int]
    ) -> int:
        if not some:
            return 0
        query = {"tenant": {"$in": everywhere(tenant)}, "id": {"$in": list(some)}, "cycle": cycle}
        found = self._rows[Holder.TEST_EXECUTION].find(query, {"_id": 0, "id": 1})
        ids = [one for row in await found.to_list(None) for one in some[row["id"]]]
        shown += ids[: max(0, SHOWN - len(shown))]
        return len(ids)


def moving_id(tenant: str, cycle: int) -> str:
    """Return the id of the row that hides a cycle on its way."""
    return f"{tenant}/moving/{cycle}"


def thing_of(holder: Holder, row: Mapping[str, Any]) -> Thing:
    """Read a document."""
    name = row["tenant"]
    shelf = None if home(name) == name else Shelf(name.rpartition("~")[2])
    return Thing(
        holder,
        row["id"],
        row["project"],
        shelf,
        name=row.get("name"),
        folder=row.get("folder"),
        cycle=row.get("cycle"),
        case=row.get("case"),
        upload=row.get("upload") if holder is not Holder.TEST_PLAN else None,
        links=tuple(link["id"] for link in row.get("links", ())),
        archived_on=row.get("archived_on"),
    )
