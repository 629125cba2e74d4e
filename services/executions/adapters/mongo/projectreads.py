"""Reads all plans, cycles and executions of a project, what is put aside too."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from pymongo import ASCENDING

from contracts.ids import Kind, project_range
from contracts.transfer import Aside
from kit.mongo import Database, Document
from kit.shelves import Shelf, everywhere, shelved
from services.executions.adapters.mongo import testcycles, testexecutions, testplans, uploads
from services.executions.domain.testcycles import TestCycle
from services.executions.domain.testexecutions import TestExecution
from services.executions.domain.testplans import TestPlan
from services.executions.usecases.transfer.ports import Whole
from services.executions.usecases.visibility import HiddenCycles

_BATCH = 200
_SHELVES = {Aside.ITSELF: Shelf.ARCHIVED, Aside.ALONG: Shelf.ALONG}


def name_of(tenant: str, aside: Aside | None) -> str:
    """Return the name under which a thing of a tenant stands."""
    return shelved(tenant, None if aside is None else _SHELVES[aside])


class ProjectReads:
    """Implements ``RunSource``; the tenant comes first."""

    def __init__(self, database: Database, hidden: HiddenCycles) -> None:
        self._database = database
        self._uploads = database[uploads.COLLECTION]
        self._hidden = hidden

    def plans(self, tenant: str, project: int) -> AsyncIterator[Sequence[Whole[TestPlan]]]:
        """Yield the plans, by id."""
        return self._walk(testplans.COLLECTION, tenant, project, None)

    def cycles(self, tenant: str, project: int) -> AsyncIterator[Sequence[Whole[TestCycle]]]:
        """Yield the cycles, by id."""
        return self._walk(testcycles.COLLECTION, tenant, project, "id")

    def executions(
        self, tenant: str, project: int
    ) -> AsyncIterator[Sequence[Whole[TestExecution]]]:
        """Yield the executions, by id."""
        return self._walk(testexecutions.COLLECTION, tenant, project, "cycle")

    async def last_number(self, tenant: str, project: int, kind: Kind) -> int:
        """Return the highest number that was handed out."""
        row = await self._database["counters"].find_one({"_id": f"{tenant}/{project}/{kind}"})
        return int(row["last"]) if row is not None else 0

    async def _walk(
        self, collection: str, tenant: str, project: int, cycle: str | None
    ) -> AsyncIterator[Sequence[Whole[Any]]]:
        """Read by short queries; ``cycle`` is where the cycle stands that may be hidden."""
        first, end = project_range(project)
        while True:
            # before the read: what an upload brings later has higher ids and hides itself
            hidden = await self._hidden_cycles(tenant) if cycle else set()
            query: Document = {
                "tenant": {"$in": everywhere(tenant)},
                "id": {"$gte": first, "$lt": end},
            }
            found = self._database[collection].find(query).sort("id", ASCENDING).limit(_BATCH)
            rows = await found.to_list(_BATCH)
            if not rows:
                return
            moving: Mapping[int, str] = {}
            if cycle:
                hidden |= await self._hidden_cycles(tenant)
                moving = await self._moving(tenant, project)
            yield [
                Whole(row, _aside(tenant, row, moving))
                for row in rows
                if cycle is None or self._shows(tenant, row, cycle, hidden, moving)
            ]
            first = rows[-1]["id"] + 1

    async def _hidden_cycles(self, tenant: str) -> set[int]:
        return set(await self._hidden.hidden_cycles(tenant))

    async def _moving(self, tenant: str, project: int) -> Mapping[int, str]:
        """Return cycles on their way, and the name of the tenant they stand under already."""
        query = {"tenant": tenant, "project": project, "state": "moving", "hidden": True}
        rows = await self._uploads.find(query, {"cycle": 1}).to_list(None)
        ids = [row["cycle"] for row in rows]
        names = {
            "tenant": {"$in": [*everywhere(tenant), shelved(tenant, Shelf.REMOVED)]},
            "id": {"$in": ids},
        }
        found = self._database[testcycles.COLLECTION].find(names, {"tenant": 1, "id": 1})
        return {row["id"]: row["tenant"] for row in await found.to_list(None)}

    def _shows(
        self,
        tenant: str,
        row: Document,
        cycle: str,
        hidden: Collection[int],
        moving: Mapping[int, str],
    ) -> bool:
        if row[cycle] in moving:
            return moving[row[cycle]] != shelved(tenant, Shelf.REMOVED)
        return row[cycle] not in hidden


def _aside(tenant: str, row: Document, moving: Mapping[int, str]) -> Aside | None:
    """Return how a thing is put aside; executions follow a cycle on its way as if it were there."""
    name = row["tenant"]
    if "cycle" in row and row["cycle"] in moving and name != name_of(tenant, Aside.ITSELF):
        back = moving[row["cycle"]] == tenant
        return None if back else Aside.ALONG
    return next((aside for aside in Aside if name_of(tenant, aside) == name), None)
