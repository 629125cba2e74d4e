"""Writing single test executions and their steps in MongoDB."""

from datetime import datetime
from typing import Any

from kit.attachments.attachments import SETTLE
from kit.attachments.rows import AttachmentRows
from kit.mongo import (
    Database,
    Session,
    WriteConflict,
    insert_new,
    transaction,
    unavailable_when_down,
)
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

    def __init__(self, database: Database) -> None:
        self._database = database
        self._attachments = AttachmentRows(database)
        self._executions = database[COLLECTION]
        self._removed = RemovedVersions(database)

    async def insert(self, execution: TestExecution) -> None:
        """Store a new one; a version of Jira that is gone by then is corrected."""
        with unavailable_when_down():
            await insert_new(self._executions, [dict(execution)])
            await self._removed.follow(self._executions, [execution])

    async def update(
        self, tenant: str, execution: int, content: ExecutionContent, now: datetime
    ) -> bool:
        """Set what a change says; False when the execution is gone."""
        with unavailable_when_down():
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
