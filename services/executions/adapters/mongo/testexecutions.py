"""Test executions in MongoDB. No unique secondary index: the dearest thing in the whole path."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from pymongo import ASCENDING, IndexModel

from contracts.ids import project_range
from kit.http.pages import CursorPage, OffsetPage
from kit.mongo import Database, insert_new
from services.executions.adapters.mongo import links
from services.executions.adapters.mongo.versions import RemovedVersions
from services.executions.domain.testexecutions import TestExecution
from services.executions.usecases.testexecutions import ExecutionFilter

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
_SHOWN = {"steps": 0}
"""Steps are read by their own routes alone (``executionwrites``): they may be 4 MiB."""


class ExecutionWriter:
    """Insert-only ingest (exempt from the tenant rule: the tenant is in ``_id``)."""

    def __init__(self, database: Database) -> None:
        self._executions = database[COLLECTION]
        self._removed = RemovedVersions(database)

    async def insert(self, documents: Sequence[Mapping[str, Any]], *, repeated: bool) -> None:
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

    def __init__(self, database: Database) -> None:
        self._executions = database[COLLECTION]

    async def get(self, tenant: str, execution: int) -> TestExecution | None:
        """Return one execution by id."""
        row: Any = await self._executions.find_one({"tenant": tenant, "id": execution}, _SHOWN)
        return cast("TestExecution | None", row)

    async def page(
        self, tenant: str, wanted: ExecutionFilter, hidden: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[TestExecution]]:
        """Return the total and one offset page, by id."""
        if wanted.only_last:
            return await self._newest_page(tenant, wanted, hidden, page)
        query = _query(tenant, wanted, hidden)
        total = await self._executions.count_documents(query)
        rows: Any = (
            await self._executions.find(query, _SHOWN)
            .sort("id", ASCENDING)
            .skip(page.start_at)
            .limit(page.max_results)
            .to_list(page.max_results)
        )
        return total, rows

    async def walk(
        self, tenant: str, wanted: ExecutionFilter, hidden: Collection[int], page: CursorPage
    ) -> Sequence[TestExecution]:
        """Return up to ``limit + 1`` executions from an id on."""
        if not wanted.only_last:
            query = _query(tenant, wanted, hidden, page.start_at_id)
            rows: Any = (
                await self._executions.find(query, _SHOWN)
                .sort("id", ASCENDING)
                .limit(page.limit + 1)
                .to_list(page.limit + 1)
            )
            return cast("Sequence[TestExecution]", rows)
        # an older start hides no newer run, so the cut comes after the grouping
        pipeline = [
            *_newest(tenant, wanted, hidden),
            {"$match": {"id": {"$gte": page.start_at_id}}},
            {"$limit": page.limit + 1},
        ]
        ids = [r["id"] async for r in self._executions.aggregate(pipeline, allowDiskUse=True)]
        return await self._by_ids(tenant, ids)

    async def _newest_page(
        self, tenant: str, wanted: ExecutionFilter, hidden: Collection[int], page: OffsetPage
    ) -> tuple[int, Sequence[TestExecution]]:
        ids = [{"$skip": page.start_at}, {"$limit": page.max_results}]
        pipeline = [
            *_newest(tenant, wanted, hidden),
            {"$facet": {"total": [{"$count": "n"}], "ids": ids}},
        ]
        rows = await self._executions.aggregate(pipeline, allowDiskUse=True).to_list(1)
        total = rows[0]["total"][0]["n"] if rows[0]["total"] else 0
        return total, await self._by_ids(tenant, [r["id"] for r in rows[0]["ids"]])

    async def _by_ids(self, tenant: str, ids: Sequence[int]) -> Sequence[TestExecution]:
        rows: Any = (
            await self._executions.find({"tenant": tenant, "id": {"$in": list(ids)}}, _SHOWN)
            .sort("id", ASCENDING)
            .to_list(None)
        )
        return cast("Sequence[TestExecution]", rows)


def _newest(tenant: str, wanted: ExecutionFilter, hidden: Collection[int]) -> list[dict[str, Any]]:
    """The newest run of each case in each cycle is the one with the highest id.

    Which run is the newest does not depend on when it ended or was stored, so those filters come
    after the grouping.
    """
    alone = {"$cond": [{"$eq": ["$cycle", None]}, "$id", None]}
    of_run = {name: f"${name}" for name in ("id", "end", "jira_version", "updated_on")}
    return [
        {"$match": _scope(tenant, wanted, hidden)},
        {
            "$group": {
                "_id": {"cycle": "$cycle", "case": "$case", "alone": alone},
                # documents compare by their first field first
                "newest": {"$max": of_run},
            }
        },
        {"$replaceRoot": {"newRoot": "$newest"}},
        {"$match": _of_run(wanted)},
        {"$sort": {"id": ASCENDING}},
    ]


def _query(
    tenant: str, wanted: ExecutionFilter, hidden: Collection[int], start: int = 0
) -> dict[str, Any]:
    return _scope(tenant, wanted, hidden, start) | _of_run(wanted)


def _scope(
    tenant: str, wanted: ExecutionFilter, hidden: Collection[int], start: int = 0
) -> dict[str, Any]:
    ids: dict[str, Any] = {"$gte": start}
    query: dict[str, Any] = {"tenant": tenant, "id": ids}
    if len(wanted.projects) == 1:
        (project,) = wanted.projects
        first, end = project_range(project)
        ids |= {"$gte": max(first, start), "$lt": end}
    else:
        query["project"] = {"$in": sorted(wanted.projects)}
    if wanted.cycle in hidden:
        query["cycle"] = {"$in": []}
    elif wanted.cycle is not None:
        query["cycle"] = wanted.cycle
    elif hidden:
        query["cycle"] = {"$nin": list(hidden)}
    if wanted.case is not None:
        query["case"] = wanted.case
    return query


def _of_run(wanted: ExecutionFilter) -> dict[str, Any]:
    query: dict[str, Any] = {}
    if wanted.jira_version is not None:
        query["jira_version"] = wanted.jira_version
    ended = {"$gt": wanted.ended_after, "$lt": wanted.ended_before}
    if any(ended.values()):
        query["end"] = {k: v for k, v in ended.items() if v is not None}
    if wanted.updated_after is not None:
        query["updated_on"] = {"$gt": wanted.updated_after}
    return query
