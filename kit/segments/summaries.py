"""Summaries: what a segment holds, in groups of documents that are alike, and which ones these are.

The light part of a summary (counts and bounds by group) is kept in memory; the details (each
document's id and value) are read when a request needs them.
"""

import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any

from pymongo import ASCENDING, IndexModel
from typing_extensions import TypedDict

from contracts.classes import DataClass
from kit.mongo import Database
from kit.segments.ranges import ids_of

Key = tuple[Any, ...]
"""What the documents of a group have in common."""


class StoredGroup(TypedDict):
    """One group; ``ids`` are offsets in the segment, in the order of the values, compressed."""

    key: Annotated[list[int | bool | None], DataClass.OPERATIONAL]
    count: Annotated[int, DataClass.OPERATIONAL]
    low: Annotated[int, DataClass.OPERATIONAL]
    high: Annotated[int, DataClass.OPERATIONAL]
    changed: Annotated[datetime, DataClass.OPERATIONAL]
    ids: Annotated[bytes, DataClass.OPERATIONAL]
    values: Annotated[bytes, DataClass.OPERATIONAL]


class StoredSummary(TypedDict):
    """The summary of one segment. ``_id`` is tenant/segment; counts while its stamp is current."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    segment: Annotated[int, DataClass.OPERATIONAL]
    stamp: Annotated[str, DataClass.OPERATIONAL]
    top: Annotated[int, DataClass.OPERATIONAL]
    """The highest id it has seen."""
    groups: list[StoredGroup]


INDEXES = [IndexModel([("tenant", ASCENDING), ("segment", ASCENDING)], name="segment")]


@dataclass(frozen=True, slots=True)
class Group:
    """Documents with the same key. ``low`` and ``high`` bound their values."""

    key: Key
    count: int
    low: int
    high: int
    changed: datetime
    """The latest change of any of them."""


@dataclass(frozen=True, slots=True)
class Details:
    """The documents of a group by value."""

    ids: Sequence[int]
    values: "array[int]"

    def between(self, above: int | None, below: int | None) -> Sequence[int]:
        """Return the ids whose values lie strictly between, in no order."""
        first = 0 if above is None else bisect_right(self.values, above)
        end = len(self.values) if below is None else bisect_left(self.values, below)
        return self.ids[first:end]


@dataclass(frozen=True)
class Summary:
    """The light part."""

    segment: int
    stamp: str
    top: int
    groups: tuple[Group, ...]

    @cached_property
    def count(self) -> int:
        """How many documents the segment holds."""
        return sum(g.count for g in self.groups)

    @cached_property
    def changed(self) -> datetime | None:
        """The latest change of any document."""
        return max((g.changed for g in self.groups), default=None)

    def by(self, part: int) -> Mapping[Any, Sequence[int]]:
        """Return the numbers of the groups by one part of their keys."""
        return self._by[part]

    @cached_property
    def _by(self) -> list[dict[Any, list[int]]]:
        width = len(self.groups[0].key) if self.groups else 0
        found: list[dict[Any, list[int]]] = [{} for _ in range(width)]
        for number, group in enumerate(self.groups):
            for place, value in zip(found, group.key, strict=True):
                place.setdefault(value, []).append(number)
        return found


@dataclass(frozen=True, slots=True)
class Member:
    """One document, as whoever makes a summary knows it."""

    id: int
    value: int
    key: Key
    changed: datetime


def stored(tenant: str, segment: int, stamp: str, members: Iterable[Member]) -> StoredSummary:
    """Make the summary of a segment's documents."""
    base = ids_of(segment)[0]
    by_key: dict[Key, list[Member]] = {}
    for member in members:
        by_key.setdefault(member.key, []).append(member)
    groups: list[StoredGroup] = []
    for key, some in by_key.items():
        some.sort(key=lambda m: m.value)
        groups.append(
            StoredGroup(
                key=list(key),
                count=len(some),
                low=some[0].value,
                high=some[-1].value,
                changed=max(m.changed for m in some),
                ids=_packed("H", (m.id - base for m in some)),
                values=_packed("q", (m.value for m in some)),
            )
        )
    return StoredSummary(
        _id=summary_id(tenant, segment),
        tenant=tenant,
        segment=segment,
        stamp=stamp,
        top=max((m.id for some in by_key.values() for m in some), default=base - 1),
        groups=groups,
    )


class Summaries:
    """The stored summaries of one collection."""

    def __init__(self, database: Database, collection: str) -> None:
        self._rows = database[collection]

    async def within(self, tenant: str, segments: range) -> list[Summary]:
        """Return the summaries of consecutive segments, whatever their stamps."""
        span = {"$gte": segments.start, "$lt": segments.stop}
        return await self._found({"tenant": tenant, "segment": span})

    async def of(self, tenant: str, segments: Sequence[int]) -> list[Summary]:
        """Return the summaries of some segments, whatever their stamps."""
        return await self._found({"tenant": tenant, "segment": {"$in": list(segments)}})

    async def _found(self, query: Mapping[str, Any]) -> list[Summary]:
        light = {"_id": 0, "groups.ids": 0, "groups.values": 0}
        rows = await self._rows.find(query, light).to_list(None)
        return [
            Summary(
                row["segment"],
                row["stamp"],
                row["top"],
                tuple(
                    Group(tuple(g["key"]), g["count"], g["low"], g["high"], g["changed"])
                    for g in row["groups"]
                ),
            )
            for row in rows
        ]

    async def details(
        self, tenant: str, summaries: Iterable[Summary]
    ) -> dict[int, Sequence[Details]]:
        """Return the details by segment; of one that was made anew in between there are none."""
        stamps = {s.segment: s.stamp for s in summaries}
        rows = await self._rows.find(
            {"tenant": tenant, "segment": {"$in": list(stamps)}},
            {"_id": 0, "segment": 1, "stamp": 1, "groups.ids": 1, "groups.values": 1},
        ).to_list(None)
        return {
            row["segment"]: [_details(row["segment"], g) for g in row["groups"]]
            for row in rows
            if row["stamp"] == stamps[row["segment"]]
        }

    async def save(self, row: StoredSummary) -> None:
        """Store a summary in the place of the former one."""
        mine = {"_id": row["_id"], "tenant": row["tenant"]}
        await self._rows.replace_one(mine, dict(row), upsert=True)


def summary_id(tenant: str, segment: int) -> str:
    """Return the id of a segment's summary."""
    return f"{tenant}/{segment}"


def _details(segment: int, group: Mapping[str, Any]) -> Details:
    base = ids_of(segment)[0]
    return Details(
        [base + i for i in _unpacked("H", group["ids"])], _unpacked("q", group["values"])
    )


def _packed(code: str, values: Iterable[int]) -> bytes:
    return zlib.compress(array(code, values).tobytes(), 1)


def _unpacked(code: str, data: bytes) -> "array[int]":
    found = array(code)
    found.frombytes(zlib.decompress(data))
    return found
