"""Summaries of test executions: by cycle, Jira version and whether a later run of the case exists.

A run's place in its summary depends on other runs of its case in its cycle, wherever these are.
So a new run makes the segments of the older ones void when its own segment gets its summary; until
then the cycles of its segment are looked at run by run (``runlasts``). Whoever takes a run out of
sight claims the segments of the others first.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kit.mongo import Collection as MongoCollection
from kit.segments.claims import Claims
from kit.segments.known import Known, Segments
from kit.segments.ranges import Range, ids_of, runs, segment_of
from kit.segments.summaries import Member, StoredSummary, stored

COLLECTION = "execution_summaries"
CYCLE, VERSION, LAST = range(3)
"""The parts of a group's key; its values are the ends of the runs in milliseconds."""
_CYCLES = 500


class RunSummaries:
    """Implements ``Maker``."""

    def __init__(self, executions: MongoCollection, segments: Segments, claims: Claims) -> None:
        self._executions = executions
        self._segments = segments
        self._claims = claims

    async def make(self, tenant: str, known: Known, segments: Sequence[int]) -> list[StoredSummary]:
        """Return the summaries with the stamps that ``known`` has."""
        cycles: set[int] = set()
        spans = list(runs(segments))
        for span in spans:
            cycles |= await self._cycles(tenant, span)
        repeats = await self._repeats(tenant, cycles)
        # the highest id is the newest
        older = {run for ids in repeats for run in ids[:-1]}
        await self._void_stale(tenant, known, segments, older)
        made = []
        for segment in segments:
            members = await self._members(tenant, ids_of(segment), older)
            made.append(stored(tenant, segment, known.stamp(segment), members))
        return made

    async def _cycles(self, tenant: str, span: Range) -> set[int]:
        match = {"tenant": tenant, "id": {"$gte": span[0], "$lt": span[1]}}
        pipeline: list[dict[str, Any]] = [{"$match": match}, {"$group": {"_id": "$cycle"}}]
        found = await self._executions.aggregate(pipeline).to_list(None)
        return {r["_id"] for r in found if r["_id"] is not None}

    async def _repeats(self, tenant: str, cycles: Collection[int]) -> list[list[int]]:
        """Return the runs, in order, of each case that ran more than once in one of the cycles."""
        found: list[list[int]] = []
        ordered = sorted(cycles)
        for start in range(0, len(ordered), _CYCLES):
            pipeline: list[dict[str, Any]] = [
                {"$match": {"tenant": tenant, "cycle": {"$in": ordered[start : start + _CYCLES]}}},
                {
                    "$group": {
                        "_id": {"cycle": "$cycle", "case": "$case"},
                        "ids": {"$push": "$id"},
                        "n": {"$sum": 1},
                    }
                },
                {"$match": {"n": {"$gt": 1}}},
            ]
            rows = self._executions.aggregate(pipeline, allowDiskUse=True)
            found += [sorted(r["ids"]) async for r in rows]
        return found

    async def _void_stale(
        self, tenant: str, known: Known, making: Sequence[int], older: Collection[int]
    ) -> None:
        """Void the summaries elsewhere that take an older run for the last one, or may come to."""
        elsewhere: dict[int, set[int]] = {}
        for run in older:
            elsewhere.setdefault(segment_of(run), set()).add(run)
        for segment in making:
            elsewhere.pop(segment, None)
        valid = [known.summaries[s] for s in elsewhere if s in known.summaries]
        details = await self._segments.details(tenant, valid) or {}
        void = []
        for segment, stale in elsewhere.items():
            parts = details.get(segment)
            if parts is not None:
                groups = known.summaries[segment].groups
                last = [d.ids for g, d in zip(groups, parts, strict=True) if g.key[LAST]]
                if not any(run in stale for ids in last for run in ids):
                    continue
            void.append(segment)
        await self._claims.void(tenant, void)

    async def _members(self, tenant: str, span: Range, older: Collection[int]) -> Sequence[Member]:
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {"tenant": tenant, "id": {"$gte": span[0], "$lt": span[1]}}},
            {
                "$group": {
                    "_id": {"cycle": "$cycle", "version": "$jira_version"},
                    "ids": {"$push": "$id"},
                    "ends": {"$push": {"$toLong": "$end"}},
                    "changed": {"$max": "$updated_on"},
                }
            },
        ]
        members = []
        async for row in self._executions.aggregate(pipeline):
            cycle, version = row["_id"].get("cycle"), row["_id"].get("version")
            members += [
                Member(run, end, (cycle, version, run not in older), row["changed"])
                for run, end in zip(row["ids"], row["ends"], strict=True)
            ]
        return members
