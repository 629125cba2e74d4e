"""Test cycles in MongoDB."""

from collections.abc import Collection, Sequence
from typing import Any, cast

from pymongo import ASCENDING, IndexModel

from contracts.ids import project_of, project_range
from kit.http.pages import CursorPage, OffsetPage
from kit.mongo import Database, insert_new, unavailable_when_down
from services.executions.adapters.mongo import links
from services.executions.adapters.mongo.versions import RemovedVersions
from services.executions.domain.testcycles import TestCycle
from services.executions.usecases.testcycles import CycleFilter

COLLECTION = "test_cycles"
INDEXES = [IndexModel([("tenant", ASCENDING), ("id", ASCENDING)], name="id"), links.INDEX]


class TestCycleRepository:
    """Reads take the ids to hide: cycles of uploads that are not accepted."""

    __test__ = False

    def __init__(self, database: Database) -> None:
        self._cycles = database[COLLECTION]
        self._removed = RemovedVersions(database)

    async def insert(self, cycle: TestCycle) -> None:
        """Store a new cycle; one that is there stays."""
        with unavailable_when_down():
            await insert_new(self._cycles, [dict(cycle)])
            await self._removed.follow(self._cycles, [cycle])

    async def forget(self, tenant: str, field: int) -> None:
        """Remove every value of a custom field that is gone."""
        first, end = project_range(project_of(field))
        await self._cycles.update_many(
            {"tenant": tenant, "id": {"$gte": first, "$lt": end}, "custom_fields.field": field},
            {"$pull": {"custom_fields": {"field": field}}},
        )

    async def get(self, tenant: str, cycle: int) -> TestCycle | None:
        """Return one cycle by id."""
        row: Any = await self._cycles.find_one({"tenant": tenant, "id": cycle})
        return cast("TestCycle | None", row)

    async def page(
        self, tenant: str, wanted: CycleFilter, hidden: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[TestCycle]]:
        """Return the total and one offset page, by id."""
        query = _query(tenant, wanted, hidden)
        total = await self._cycles.count_documents(query)
        rows: Any = (
            await self._cycles.find(query)
            .sort("id", ASCENDING)
            .skip(page.start_at)
            .limit(page.max_results)
            .to_list(page.max_results)
        )
        return total, rows

    async def walk(
        self, tenant: str, wanted: CycleFilter, hidden: Collection[int], page: CursorPage
    ) -> Sequence[TestCycle]:
        """Return up to ``limit + 1`` cycles from an id on; one is the next page's."""
        query = _query(tenant, wanted, hidden, page.start_at_id)
        rows: Any = (
            await self._cycles.find(query)
            .sort("id", ASCENDING)
            .limit(page.limit + 1)
            .to_list(page.limit + 1)
        )
        return cast("Sequence[TestCycle]", rows)


def _query(
    tenant: str, wanted: CycleFilter, hidden: Collection[int], start: int = 0
) -> dict[str, Any]:
    ids: dict[str, Any] = {"$gte": start}
    query: dict[str, Any] = {"tenant": tenant, "id": ids}
    if len(wanted.projects) == 1:
        (project,) = wanted.projects
        first, end = project_range(project)
        ids |= {"$gte": max(first, start), "$lt": end}
    else:
        query["project"] = {"$in": sorted(wanted.projects)}
    if hidden:
        ids["$nin"] = list(hidden)
    if wanted.folder is not None:
        query["folder"] = wanted.folder
    if wanted.jira_version is not None:
        query["jira_version"] = wanted.jira_version
    if wanted.updated_after is not None:
        query["updated_on"] = {"$gt": wanted.updated_after}
    return query
