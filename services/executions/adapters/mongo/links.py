"""Links in MongoDB: an array inside the cycle, plan or execution that has them."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel

from kit.mongo import Collection as MongoCollection
from kit.mongo import unavailable_when_down
from kit.segments.claims import Claims
from kit.shelves import everywhere
from services.executions.domain.links import MAX_LINKS, Holder, Link
from services.executions.usecases.links import Linked, Once

_BATCH = 500
"""Documents that one update changes when issues are gone."""
_SOME = {"$exists": True}

INDEX = IndexModel(
    [("tenant", ASCENDING), ("links.issue", ASCENDING), ("links.id", ASCENDING)],
    name="links",
    partialFilterExpression={"links.id": _SOME},
)
"""Holds nothing of documents without links, which are nearly all; inserting them costs as before.

One for both questions, as executions may have six indexes at most: by issue it is a seek, by a
link's id one seek per issue that the tenant's links lead to (1 ms for 400, 150 for 25,000).
"""


_CYCLE = {Holder.TEST_CYCLE: "id", Holder.TEST_EXECUTION: "cycle"}
"""Where stands the cycle that may be hidden, and with it what has the link."""


class LinkRepository:
    """The links in one collection. Cycles and plans have a revision, executions have none."""

    def __init__(
        self, collection: MongoCollection, holder: Holder, claims: Claims | None = None
    ) -> None:
        self._rows = collection
        # executions alone are counted by segments
        self._claims = claims if holder is Holder.TEST_EXECUTION else None
        self._cycle = _CYCLE.get(holder)
        self._more = {} if holder is Holder.TEST_EXECUTION else {"$inc": {"rev": 1}}

    async def add(
        self, tenant: str, entity: int, link: Link, now: datetime, *, once: Once | None
    ) -> bool:
        """Add a link; False when it is full or has one with the same value of ``once``."""
        room: dict[str, Any] = {
            "tenant": tenant,
            "id": entity,
            f"links.{MAX_LINKS - 1}": {"$exists": False},
        }
        if once is not None:
            room[f"links.{once}"] = {"$ne": link[once]}
        change = self._change(now, {"$push": {"links": dict(link)}})
        with unavailable_when_down():
            async with self._writing(tenant, (entity,)):
                result = await self._rows.update_one(room, change)
        return bool(result.modified_count)

    async def find(self, tenant: str, link: int) -> Linked | None:
        """Return what has the link."""
        with unavailable_when_down():
            row = await self._rows.find_one({"tenant": tenant, "links.id": link}, self._shown())
        return None if row is None else self._linked(row)

    async def remove(self, tenant: str, entity: int, link: int, now: datetime) -> bool:
        """Remove a link; False when it is gone."""
        change = self._change(now, {"$pull": {"links": {"id": link}}})
        with unavailable_when_down():
            async with self._writing(tenant, (entity,)):
                result = await self._rows.update_one(
                    {"tenant": tenant, "id": entity, "links.id": link}, change
                )
        return bool(result.modified_count)

    async def of_issue(
        self, tenant: str, issue: int, projects: Collection[int], hidden: Collection[int]
    ) -> Sequence[Linked]:
        """Return what is linked to an issue in these projects, by id."""
        query: dict[str, Any] = {
            "tenant": tenant,
            "links.issue": issue,
            "links.id": _SOME,
            "project": {"$in": sorted(projects)},
        }
        if self._cycle is not None:
            query[self._cycle] = {"$nin": list(hidden)}
        with unavailable_when_down():
            # the planner might take the hidden cycles for the narrower condition
            rows = await self._rows.find(query, self._shown()).hint("links").to_list(None)
        return sorted((self._linked(row) for row in rows), key=lambda linked: linked.id)

    async def has(self, tenant: str, entity: int, link: Link, once: Once) -> bool:
        """Whether it has a link with the same value of ``once``."""
        query = {"tenant": tenant, "id": entity, f"links.{once}": link[once]}
        with unavailable_when_down():
            return await self._rows.find_one(query, {"_id": 1}) is not None

    async def drop(self, tenant: str, issues: Collection[int], now: datetime) -> None:
        """Remove every link to these issues, a bounded number of documents at a time."""
        gone = {"$in": list(issues)}
        # also of what is archived: it may come back
        names = {"$in": everywhere(tenant)}
        query = {"tenant": names, "links.issue": gone, "links.id": _SOME}
        change = self._change(now, {"$pull": {"links": {"issue": gone}}})
        some = self._rows.find(query, {"_id": 1, "id": 1}).hint("links").limit(_BATCH)
        while rows := await some.clone().to_list(_BATCH):
            async with self._writing(tenant, [row["id"] for row in rows]):
                await self._rows.update_many(
                    query | {"_id": {"$in": [row["_id"] for row in rows]}}, change
                )

    def _writing(self, tenant: str, ids: Collection[int]) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._claims is None else self._claims.writing(tenant, ids)

    def _change(self, now: datetime, links: Mapping[str, Any]) -> dict[str, Any]:
        """Complete an update: a change of links is a change of what has them."""
        return {"$set": {"updated_on": now}, **self._more, **links}

    def _shown(self) -> dict[str, int]:
        return {"_id": 0, "id": 1} | ({} if self._cycle is None else {self._cycle: 1})

    def _linked(self, row: Mapping[str, Any]) -> Linked:
        return Linked(row["id"], None if self._cycle is None else row[self._cycle])
