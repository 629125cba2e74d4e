"""Test executions in MongoDB. No unique secondary index: the dearest thing in the whole path."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

from pymongo import ASCENDING, IndexModel

from kit.http.pages import CursorPage, OffsetPage
from kit.mongo import Database, insert_new
from kit.segments.claims import Claims
from services.executions.adapters.mongo import links
from services.executions.adapters.mongo.runqueries import SHOWN, newest, of_run, query_of
from services.executions.adapters.mongo.runtotals import CannotTell, RunTotals
from services.executions.adapters.mongo.versions import RemovedVersions
from services.executions.domain.testexecutions import TestExecution
from services.executions.usecases.testexecutions import ExecutionFilter
from services.executions.usecases.visibility import Hidden

COLLECTION = "test_executions"
INDEXES = [
    # ids of one project are one range, so this serves the project filter, too
    IndexModel([("tenant", ASCENDING), ("id", ASCENDING)], name="id"),
    IndexModel([("tenant", ASCENDING), ("cycle", ASCENDING), ("id", ASCENDING)], name="cycle"),
    IndexModel([("tenant", ASCENDING), ("case", ASCENDING), ("id", ASCENDING)], name="case"),
    IndexModel([("tenant", ASCENDING), ("updated_on", ASCENDING)], name="updated"),
    # with MongoDB's own on _id these are six, and there may be no more
    links.INDEX,
]
_FEW = 2_000
"""Changed runs that are sorted in memory."""


class ExecutionWriter:
    """Insert-only ingest (exempt from the tenant rule: the tenant is in ``_id``)."""

    def __init__(self, database: Database, claims: Claims) -> None:
        self._executions = database[COLLECTION]
        self._removed = RemovedVersions(database)
        self._claims = claims

    async def insert(self, documents: Sequence[Mapping[str, Any]], *, repeated: bool) -> None:
        """Insert the documents of one chunk.

        Its upload has claimed their ids; not so what is replayed after the upload was stored.
        """
        tenant, ids = documents[0]["tenant"], [d["id"] for d in documents]
        if await self._claims.stands(tenant, ids[0], documents[0]["upload"]):
            await self._insert(documents, repeated=repeated)
            return
        async with self._claims.writing(tenant, ids):
            await self._insert(documents, repeated=repeated)

    async def _insert(self, documents: Sequence[Mapping[str, Any]], *, repeated: bool) -> None:
        """Insert unordered; after a crash look first, which is far cheaper than duplicates."""
        wanted = [dict(d) for d in documents] if repeated else list(documents)
        if repeated:
            ids = [d["_id"] for d in wanted]
            rows = await self._executions.find({"_id": {"$in": ids}}, {"_id": 1}).to_list(None)
            present = {r["_id"] for r in rows}
            wanted = [d for d in wanted if d["_id"] not in present]
        await insert_new(self._executions, wanted)  # type: ignore[arg-type]
        # all of them: what a crash left stored has not been looked at
        await self._removed.follow(self._executions, documents)


class TestExecutionRepository:
    """Reads. ``hidden`` are the cycles of uploads that are not accepted."""

    __test__ = False

    def __init__(self, database: Database, totals: RunTotals | None = None) -> None:
        self._executions = database[COLLECTION]
        self._totals = totals

    async def get(self, tenant: str, execution: int) -> TestExecution | None:
        """Return one execution by id."""
        row: Any = await self._executions.find_one({"tenant": tenant, "id": execution}, SHOWN)
        return cast("TestExecution | None", row)

    async def has_step(self, tenant: str, execution: int, step: int) -> bool:
        """Whether an execution has this step now."""
        this = {"tenant": tenant, "id": execution, "steps.id": step}
        return await self._executions.find_one(this, {"_id": 1}) is not None

    async def page(
        self, tenant: str, wanted: ExecutionFilter, hidden: Hidden, page: OffsetPage
    ) -> tuple[int, Sequence[TestExecution]]:
        """Return the total and one offset page, by id."""
        # the runs of one case are few, and have an index of their own
        if self._totals is not None and wanted.case is None:
            with suppress(CannotTell):
                return await self._totals.page(tenant, wanted, hidden, page)
        if wanted.only_last:
            return await self._newest_page(tenant, wanted, await hidden.cycles(), page)
        query = query_of(tenant, wanted, await hidden.cycles())
        total = await self._executions.count_documents(query)
        rows: Any = (
            await self._executions.find(query, SHOWN)
            .sort("id", ASCENDING)
            .skip(page.start_at)
            .limit(page.max_results)
            .to_list(page.max_results)
        )
        return total, rows

    async def walk(
        self, tenant: str, wanted: ExecutionFilter, hidden: Hidden, page: CursorPage
    ) -> Sequence[TestExecution]:
        """Return up to ``limit + 1`` executions from an id on."""
        start, limit = page.start_at_id, page.limit + 1
        after = wanted.updated_after
        if after is not None and not wanted.only_last and wanted.case is None:
            few = await self._few_changed(tenant, after)
            if few:
                left_out = await hidden.cycles()
                return await self._from(tenant, wanted, left_out, start, limit, hint="updated")
        picky = wanted.only_last or bool(of_run(wanted))
        if self._totals is not None and wanted.case is None and picky:
            with suppress(CannotTell):
                rows: Any = await self._totals.walk(tenant, wanted, hidden, start, limit)
                return cast("Sequence[TestExecution]", rows)
        left_out = await hidden.cycles()
        if not wanted.only_last:
            return await self._from(tenant, wanted, left_out, start, limit)
        # an older start hides no newer run, so the cut comes after the grouping
        pipeline = [
            *newest(tenant, wanted, left_out),
            {"$match": {"id": {"$gte": start}}},
            {"$limit": limit},
        ]
        ids = [r["id"] async for r in self._executions.aggregate(pipeline, allowDiskUse=True)]
        return await self._by_ids(tenant, ids)

    async def _from(
        self,
        tenant: str,
        wanted: ExecutionFilter,
        hidden: Collection[int],
        start: int,
        limit: int,
        hint: str | None = None,
    ) -> Sequence[TestExecution]:
        query = query_of(tenant, wanted, hidden)
        query["id"] = {**query["id"], "$gte": max(start, query["id"]["$gte"])}
        found = self._executions.find(query, SHOWN).sort("id", ASCENDING).limit(limit)
        rows: Any = await (found.hint(hint) if hint is not None else found).to_list(limit)
        return cast("Sequence[TestExecution]", rows)

    async def _few_changed(self, tenant: str, after: datetime) -> bool:
        """Whether so few were changed since then that sorting them costs next to nothing."""
        query = {"tenant": tenant, "updated_on": {"$gt": after}}
        count = await self._executions.count_documents(query, limit=_FEW + 1, hint="updated")
        return bool(count <= _FEW)

    async def _newest_page(
        self, tenant: str, wanted: ExecutionFilter, hidden: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[TestExecution]]:
        ids = [{"$skip": page.start_at}, {"$limit": page.max_results}]
        pipeline = [
            *newest(tenant, wanted, hidden),
            {"$facet": {"total": [{"$count": "n"}], "ids": ids}},
        ]
        rows = await self._executions.aggregate(pipeline, allowDiskUse=True).to_list(1)
        total = rows[0]["total"][0]["n"] if rows[0]["total"] else 0
        return total, await self._by_ids(tenant, [r["id"] for r in rows[0]["ids"]])

    async def _by_ids(self, tenant: str, ids: Sequence[int]) -> Sequence[TestExecution]:
        rows: Any = (
            await self._executions.find({"tenant": tenant, "id": {"$in": list(ids)}}, SHOWN)
            .sort("id", ASCENDING)
            .to_list(None)
        )
        return cast("Sequence[TestExecution]", rows)
