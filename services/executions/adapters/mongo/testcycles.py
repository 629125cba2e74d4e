"""Test cycles in MongoDB."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

from pymongo import ASCENDING, IndexModel

from kit.grouping import Grouped
from kit.http.pages import CursorPage, OffsetPage
from kit.mongo import Database, Document, insert_new, unavailable_when_down
from services.executions.adapters.mongo import links
from services.executions.adapters.mongo.listing import (
    cursor_page,
    forget_field,
    offset_page,
    within,
)
from services.executions.adapters.mongo.versions import RemovedVersions
from services.executions.domain.testcycles import CycleContent, TestCycle
from services.executions.usecases.testcycles import CycleFilter

COLLECTION = "test_cycles"
INDEXES = [IndexModel([("tenant", ASCENDING), ("id", ASCENDING)], name="id"), links.INDEX]


class TestCycleRepository:
    """Reads take the ids to hide: cycles of uploads that are not accepted."""

    __test__ = False

    def __init__(self, database: Database) -> None:
        self._cycles = database[COLLECTION]
        self._removed = RemovedVersions(database)
        self._got = Grouped[str, int, TestCycle | None](self._get)

    async def insert(self, cycle: TestCycle) -> None:
        """Store a new cycle; one that is there stays."""
        with unavailable_when_down():
            await insert_new(self._cycles, [dict(cycle)])
            await self._removed.follow(self._cycles, [cycle])

    async def replace(self, cycle: TestCycle, content: CycleContent, now: datetime) -> bool:
        """Set what a replacement says; False when the cycle was changed since it was read."""
        with unavailable_when_down():
            result = await self._cycles.update_one(
                {"tenant": cycle["tenant"], "id": cycle["id"], "rev": cycle["rev"]},
                {"$set": {**content, "updated_on": now}, "$inc": {"rev": 1}},
            )
            if result.matched_count:
                await self._removed.follow(self._cycles, [{**cycle, **content}])
        return bool(result.matched_count)

    async def forget(self, tenant: str, field: int) -> None:
        """Remove every value of a custom field that is gone."""
        await forget_field(self._cycles, tenant, field)

    async def get(self, tenant: str, cycle: int) -> TestCycle | None:
        """Return one cycle by id."""
        return await self._got.get(tenant, cycle)

    async def _get(
        self, tenant: str, cycles: Sequence[int]
    ) -> Sequence[TestCycle | Exception | None]:
        rows: Any = await self._cycles.find({"tenant": tenant, "id": {"$in": cycles}}).to_list(None)
        found = {row["id"]: cast("TestCycle", row) for row in rows}
        return [found.get(cycle) for cycle in cycles]

    async def present(self, tenant: str, cycles: Collection[int]) -> set[int]:
        """Return those of the cycles that are there."""
        query = {"tenant": tenant, "id": {"$in": list(cycles)}}
        rows = await self._cycles.find(query, {"_id": 0, "id": 1}).to_list(None)
        return {row["id"] for row in rows}

    async def page(
        self, tenant: str, wanted: CycleFilter, hidden: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[TestCycle]]:
        """Return the total and one offset page, by id."""
        return await offset_page(self._cycles, tenant, _query(wanted, hidden), page)

    async def walk(
        self, tenant: str, wanted: CycleFilter, hidden: Collection[int], page: CursorPage
    ) -> Sequence[TestCycle]:
        """Return up to ``limit + 1`` cycles from an id on; one is the next page's."""
        return await cursor_page(self._cycles, tenant, _query(wanted, hidden), page)


def _query(wanted: CycleFilter, hidden: Collection[int]) -> Document:
    query = within(wanted.projects, wanted.updated_after)
    if hidden:
        query["id"]["$nin"] = list(hidden)
    if wanted.folder is not None:
        query["folder"] = wanted.folder
    if wanted.jira_version is not None:
        query["jira_version"] = wanted.jira_version
    return query
