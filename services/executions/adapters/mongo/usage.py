"""Counts what has an option or a custom field. Rare questions of administrators: no own index."""

import asyncio

from contracts.ids import project_range
from kit.mongo import Database, Document
from kit.shelves import everywhere
from services.executions.adapters.mongo import (
    library,
    testcycles,
    testexecutions,
    testplans,
    uploads,
)
from services.executions.domain.uploads import UNDECIDED


class UsageRows:
    """Implements ``UsageReader``; the tenant comes first."""

    def __init__(self, database: Database) -> None:
        self._plans = database[testplans.COLLECTION]
        self._cycles = database[testcycles.COLLECTION]
        self._executions = database[testexecutions.COLLECTION]
        self._uploads = database[uploads.COLLECTION]
        self._options = database[library.OPTIONS]

    async def of_option(self, tenant: str, project: int, option: int) -> tuple[int, int, int]:
        """Count plans, cycles and executions that have a status or environment, also in a step."""
        has = [{"status": option}, {"environment": option}, {"steps.status": option}]
        return await self._counted(tenant, project, {"status": option}, {"$or": has})

    async def of_field(self, tenant: str, project: int, field: int) -> tuple[int, int, int]:
        """Count plans, cycles and executions that have a value of a custom field."""
        has = {"custom_fields.field": field}
        return await self._counted(tenant, project, has, has)

    async def pending(self, tenant: str, project: int) -> bool:
        """Whether an upload is undecided, or accepted and not stored."""
        undecided = {"hidden": True, "state": {"$in": [s.value for s in UNDECIDED]}}
        for waiting in (undecided, {"stored": False}):
            query = {"tenant": tenant, "project": project} | waiting
            if await self._uploads.find_one(query, {"_id": 1}) is not None:
                return True
        return False

    async def archived(self, tenant: str, project: int, option: int) -> bool:
        """Whether the copy of the library says that an option is archived."""
        query = {"tenant": tenant, "project": project, "id": option, "archived": True}
        return await self._options.find_one(query, {"_id": 1}) is not None

    async def _counted(
        self, tenant: str, project: int, cycle: Document, execution: Document
    ) -> tuple[int, int, int]:
        """Count; plans have what cycles may have."""
        first, end = project_range(project)
        # what is archived keeps its options and values
        scope = {"tenant": {"$in": everywhere(tenant)}, "id": {"$gte": first, "$lt": end}}
        return await asyncio.gather(
            self._plans.count_documents(scope | cycle),
            self._cycles.count_documents(scope | cycle),
            self._executions.count_documents(scope | execution),
        )
