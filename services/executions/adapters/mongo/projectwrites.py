"""Stores imported plans, cycles and executions: what is there by the same import stays."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ASCENDING

from contracts.ids import Kind, project_range
from kit.jobs.rows import JobRows
from kit.mongo import Database, unavailable_when_down
from kit.segments.claims import Claims
from kit.shelves import Shelf, everywhere
from kit.transfer.marking import insert_marked
from services.executions.adapters.mongo import testcycles, testexecutions, testplans
from services.executions.adapters.mongo.projectreads import name_of
from services.executions.adapters.mongo.versions import RemovedVersions
from services.executions.domain.testcycles import TestCycle
from services.executions.domain.testexecutions import TestExecution
from services.executions.domain.testplans import TestPlan
from services.executions.usecases.removaljobs import REMOVE_EMPTY
from services.executions.usecases.transfer.ports import Whole

_COLLECTIONS = {
    Kind.TEST_PLAN: testplans.COLLECTION,
    Kind.TEST_CYCLE: testcycles.COLLECTION,
    Kind.TEST_EXECUTION: testexecutions.COLLECTION,
}


class ProjectWrites:
    """Implements ``RunSink``; the tenant comes first."""

    def __init__(self, database: Database, claims: Claims) -> None:
        self._database = database
        self._claims = claims
        self._jobs = JobRows(database)
        self._removed = RemovedVersions(database)

    async def present(self, tenant: str, project: int, most: int) -> Mapping[Kind, Sequence[int]]:
        """Return what a project has; what uploads that are not accepted brought, too."""
        first, end = project_range(project)
        found: dict[Kind, Sequence[int]] = {}
        for kind, collection in _COLLECTIONS.items():
            query = {"tenant": {"$in": everywhere(tenant)}, "id": {"$gte": first, "$lt": end}}
            rows = self._database[collection].find(query, {"_id": 0, "id": 1})
            rows = rows.sort("id", ASCENDING).limit(most)
            found[kind] = [row["id"] for row in await rows.to_list(most)]
        return found

    async def leaving(self, tenant: str, project: int) -> bool:
        """Whether something of a project that was deleted is still being erased."""
        # each thing on the shelf of removed ones has a job, which ends when all of it is gone
        of_project = project_range(project)
        return await self._jobs.under_way(tenant, *of_project, Shelf.REMOVED, REMOVE_EMPTY)

    async def plans(self, tenant: str, plans: Sequence[Whole[TestPlan]], ident: str) -> None:
        """Store plans."""
        await self._insert(testplans.COLLECTION, tenant, plans, ident)

    async def cycles(self, tenant: str, cycles: Sequence[Whole[TestCycle]], ident: str) -> None:
        """Store cycles."""
        stored = await self._insert(testcycles.COLLECTION, tenant, cycles, ident)
        await self._removed.follow(self._database[testcycles.COLLECTION], stored)

    async def executions(
        self, tenant: str, executions: Sequence[Whole[TestExecution]], ident: str
    ) -> None:
        """Store executions."""
        async with self._claims.writing(tenant, [whole.document["id"] for whole in executions]):
            stored = await self._insert(testexecutions.COLLECTION, tenant, executions, ident)
            await self._removed.follow(self._database[testexecutions.COLLECTION], stored)

    async def _insert(
        self, collection: str, tenant: str, wholes: Sequence[Whole[Any]], ident: str
    ) -> Sequence[Mapping[str, Any]]:
        rows = []
        for whole in wholes:
            row = {**whole.document, "tenant": name_of(tenant, whole.aside)}
            if whole.aside is not None:
                row["archived_on"] = row["updated_on"]
            rows.append(row)
        with unavailable_when_down():
            await insert_marked(self._database[collection], rows, ident)
        return rows
