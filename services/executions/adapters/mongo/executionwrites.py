"""Writing single test executions and their steps in MongoDB."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from kit.attachments.attachments import SETTLE
from kit.attachments.rows import AttachmentRows
from kit.errors import Conflict
from kit.grouping import Grouped
from kit.mongo import (
    Database,
    Session,
    WriteConflict,
    insert_new,
    is_transient,
    transaction,
    unavailable_when_down,
)
from kit.segments.claims import Claims
from kit.shelves import Shelf, everywhere, shelved
from services.executions.adapters.mongo import testcycles
from services.executions.adapters.mongo.listing import forget_field
from services.executions.adapters.mongo.testexecutions import COLLECTION
from services.executions.adapters.mongo.versions import RemovedVersions
from services.executions.domain.testexecutions import (
    ExecutionContent,
    ExecutionSteps,
    TestExecution,
)
from services.executions.usecases.executionsteps import StoredSteps
from services.executions.usecases.testexecutions import KIND


class ExecutionChangesRepository:
    """Each change is one write of one document, but one that lets steps go, with their files."""

    def __init__(self, database: Database, claims: Claims) -> None:
        self._database = database
        self._claims = claims
        self._attachments = AttachmentRows(database)
        self._executions = database[COLLECTION]
        self._cycles = database[testcycles.COLLECTION]
        self._removed = RemovedVersions(database)
        self._inserts = Grouped[str, TestExecution, int](self._insert)

    async def insert(self, execution: TestExecution) -> int:
        """Store a new one; a version of Jira that is gone by then is corrected.

        Return its id; where its ``_id`` was taken, the id of what has it.
        """
        with unavailable_when_down():
            return await self._inserts.get(execution["tenant"], execution)

    async def named(self, tenant: str, names: Iterable[str]) -> Mapping[str, int | Exception]:
        """Return the ids of executions by their ``_id``.

        ``Conflict`` for one that is being erased, by itself or with its cycle.
        """
        removed = shelved(tenant, Shelf.REMOVED)
        query = {"tenant": {"$in": [*everywhere(tenant), removed]}, "_id": {"$in": list(names)}}
        shown = {"id": 1, "tenant": 1, "cycle": 1}
        with unavailable_when_down():
            rows = await self._executions.find(query, shown).to_list(None)
            cycles = {row.get("cycle") for row in rows} - {None}
            # the cycle goes at once, what is in it later
            found = self._cycles.find(
                {"tenant": removed, "id": {"$in": list(cycles)}}, {"_id": 0, "id": 1}
            )
            gone = {row["id"] async for row in found} if cycles else set()
        return {
            row["_id"]: _being_erased()
            if row["tenant"] == removed or row.get("cycle") in gone
            else row["id"]
            for row in rows
        }

    async def _insert(
        self, tenant: str, executions: Sequence[TestExecution]
    ) -> Sequence[int | Exception]:
        """Insert what several wait for at once."""
        async with self._claims.writing(tenant, [e["id"] for e in executions]):
            try:
                taken = await insert_new(self._executions, [dict(e) for e in executions])
            except Exception as error:
                if len(executions) == 1 or is_transient(error):
                    raise
                # one that cannot be stored must not take the others down; what is there stays
                return [await self._insert_one(e) for e in executions]
            await self._removed.follow(self._executions, executions)
        there = await self.named(tenant, [executions[at]["_id"] for at in taken]) if taken else {}
        # what was taken and is not there was erased meanwhile: nothing of this one is stored
        return [
            there.get(e["_id"], _being_erased()) if at in taken else e["id"]
            for at, e in enumerate(executions)
        ]

    async def _insert_one(self, execution: TestExecution) -> int | Exception:
        try:
            return (await self._insert(execution["tenant"], [execution]))[0]
        except Exception as error:  # noqa: BLE001  who waits for it raises it
            return error

    async def update(
        self, tenant: str, execution: int, content: ExecutionContent, now: datetime
    ) -> bool:
        """Set what a change says; False when the execution is gone."""
        with unavailable_when_down():
            async with self._claims.writing(tenant, (execution,)):
                result = await self._executions.update_one(
                    {"tenant": tenant, "id": execution}, {"$set": {**content, "updated_on": now}}
                )
        return bool(result.matched_count)

    async def steps(self, tenant: str, execution: int) -> StoredSteps | None:
        """Return the steps; None when the execution is gone."""
        shown = {"_id": 0, "steps": 1, "steps_rev": 1}
        with unavailable_when_down():
            row: Any = await self._executions.find_one({"tenant": tenant, "id": execution}, shown)
        return None if row is None else StoredSteps(row.get("steps", []), row.get("steps_rev", 0))

    async def replace_steps(
        self,
        tenant: str,
        execution: int,
        old: StoredSteps,
        content: ExecutionSteps,
        now: datetime,
    ) -> bool:
        """Set the steps; what is attached to those that go shows no more.

        False when they were changed since they were read.
        """
        gone = {step["id"] for step in old.steps} - {step["id"] for step in content["steps"]}
        with unavailable_when_down():
            async with self._claims.writing(tenant, (execution,)):
                return await self._with_attachments(tenant, execution, old, content, now, gone)

    async def _with_attachments(
        self,
        tenant: str,
        execution: int,
        old: StoredSteps,
        content: ExecutionSteps,
        now: datetime,
        gone: Collection[int],
    ) -> bool:
        if not gone:
            return await self._replaced(tenant, execution, old.rev, content, now)
        try:
            async with transaction(self._database) as session:
                done = await self._replaced(tenant, execution, old.rev, content, now, session)
                if done:
                    until = now + SETTLE
                    await self._attachments.drop(tenant, KIND, execution, gone, until, session)
                return done
        except WriteConflict:
            return False

    async def _replaced(
        self,
        tenant: str,
        execution: int,
        rev: int,
        content: ExecutionSteps,
        now: datetime,
        session: Session | None = None,
    ) -> bool:
        # null finds those that have none: they were never changed
        unchanged = {"tenant": tenant, "id": execution, "steps_rev": rev or None}
        change = {"$set": {**content, "steps_rev": rev + 1, "updated_on": now}}
        result = await self._executions.update_one(unchanged, change, session=session)
        return bool(result.matched_count)

    async def has_newer(self, execution: TestExecution) -> bool:
        """Whether the case was run in the same cycle once more; runs without one stand alone."""
        if execution["cycle"] is None:
            return False
        newer = {
            "tenant": execution["tenant"],
            "case": execution["case"],
            "id": {"$gt": execution["id"]},
            "cycle": execution["cycle"],
        }
        with unavailable_when_down():
            return await self._executions.find_one(newer, {"_id": 1}) is not None

    async def forget(self, tenant: str, field: int) -> None:
        """Remove every value of a custom field that is gone."""
        await forget_field(self._executions, tenant, field)


def _being_erased() -> Conflict:
    return Conflict("The test execution with this clientId is being deleted; try again later.")
