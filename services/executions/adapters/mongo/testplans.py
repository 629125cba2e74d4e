"""Test plans in MongoDB."""

from collections.abc import Collection, Sequence
from typing import Any, cast

from pymongo import ASCENDING, IndexModel

from kit.http.pages import CursorPage, OffsetPage
from kit.mongo import Database, insert_new, unavailable_when_down
from services.executions.adapters.mongo import links
from services.executions.adapters.mongo.listing import (
    cursor_page,
    forget_field,
    offset_page,
    within,
)
from services.executions.domain.testplans import TestPlan
from services.executions.usecases.testplans import PlanFilter

COLLECTION = "test_plans"
_TO_CYCLE = {"links.cycle": {"$exists": True}}

INDEXES = [
    IndexModel([("tenant", ASCENDING), ("id", ASCENDING)], name="id"),
    links.INDEX,
    IndexModel(
        [("tenant", ASCENDING), ("links.cycle", ASCENDING)],
        name="cycles",
        partialFilterExpression=_TO_CYCLE,
    ),
]


class TestPlanRepository:
    """Implements ``PlanStore``."""

    __test__ = False

    def __init__(self, database: Database) -> None:
        self._plans = database[COLLECTION]

    async def insert(self, plan: TestPlan) -> None:
        """Store a new plan."""
        with unavailable_when_down():
            await insert_new(self._plans, [dict(plan)])

    async def forget(self, tenant: str, field: int) -> None:
        """Remove every value of a custom field that is gone."""
        await forget_field(self._plans, tenant, field)

    async def get(self, tenant: str, plan: int) -> TestPlan | None:
        """Return one plan by id."""
        row: Any = await self._plans.find_one({"tenant": tenant, "id": plan})
        return cast("TestPlan | None", row)

    async def page(
        self, tenant: str, wanted: PlanFilter, page: OffsetPage
    ) -> tuple[int, Sequence[TestPlan]]:
        """Return the total and one offset page, by id."""
        query = within(wanted.projects, wanted.updated_after)
        return await offset_page(self._plans, tenant, query, page)

    async def walk(self, tenant: str, wanted: PlanFilter, page: CursorPage) -> Sequence[TestPlan]:
        """Return up to ``limit + 1`` plans from an id on; one is the next page's."""
        query = within(wanted.projects, wanted.updated_after)
        return await cursor_page(self._plans, tenant, query, page)

    async def of_cycles(self, tenant: str, cycles: Collection[int]) -> Sequence[TestPlan]:
        """Return the plans that are linked to cycles, by id; of each, id and links alone."""
        query = {"tenant": tenant, "links.cycle": {"$in": list(cycles)}}
        rows: Any = await self._plans.find(
            query, {"_id": 0, "id": 1, "links.id": 1, "links.type": 1, "links.cycle": 1}
        ).to_list(None)
        return sorted(rows, key=lambda row: int(row["id"]))
