"""Provisional cases and the verdicts on uploads, in MongoDB."""

import contextlib
import hashlib
from collections.abc import Collection, Sequence
from datetime import timedelta

from pymongo import ASCENDING, IndexModel

from kit.mongo import Database, DuplicateKey, insert_new
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.testcases import (
    TEST_CASES,
    WITHOUT_STEPS,
    document,
    test_case,
)
from services.testcases.adapters.mongo.totals import Totals
from services.testcases.usecases.provisional import Candidate, Provisional

ENDED = "ended_uploads"
_MANY = 1_000
_THERE = {"removed": {"$exists": False}}
# requests of an upload come within minutes of its end, repeated events within Kafka's retention
_REMEMBERED = timedelta(days=30)
INDEXES = {
    # a TTL index has one field: exempt from the tenant-first rule
    ENDED: [
        IndexModel(
            [("ended_on", ASCENDING)],
            name="forget",
            expireAfterSeconds=int(_REMEMBERED.total_seconds()),
        )
    ],
}


class ProvisionalRepository:
    """Implements ``ProvisionalStore`` and ``UploadStore``; the tenant comes first."""

    def __init__(self, database: Database, pending: Pending, totals: Totals) -> None:
        self._cases = database[TEST_CASES]
        self._ended = database[ENDED]
        self._pending = pending
        self._totals = totals

    async def candidates(
        self, tenant: str, project: int, names: Collection[str], upload: str
    ) -> Sequence[Candidate]:
        """Return all cases with one of the names, provisional ones included, by id."""
        query = {"tenant": tenant, "project": project, "name": {"$in": list(names)}, **_THERE}
        rows = await self._cases.find(query, WITHOUT_STEPS).to_list(None)
        rows.sort(key=lambda row: row["id"])
        return [
            Candidate(test_case(r), r["visible"], upload in r.get("provisional_for", ()))
            for r in rows
        ]

    async def hold(self, tenant: str, project: int, cases: Collection[int], upload: str) -> None:
        """Add the upload to those of the cases that are still there and still provisional."""
        await self._cases.update_many(
            {
                "tenant": tenant,
                "project": project,
                "visible": False,
                "id": {"$in": list(cases)},
                **_THERE,
            },
            {"$addToSet": {"provisional_for": upload}},
        )

    async def insert(
        self, tenant: str, upload: str, cases: Sequence[Provisional]
    ) -> Sequence[Provisional]:
        """Store new cases held by the upload; return those whose document id is taken."""
        rows = []
        for made in cases:
            row = document(_row_id(tenant, made), tenant, made.case, made.script)
            rows.append(dict(row) | {"provisional_for": [upload]})
        return [cases[position] for position in await insert_new(self._cases, rows)]

    async def renamed(self, tenant: str, project: int, cases: Sequence[Provisional]) -> set[str]:
        """Return the names whose document id belongs to a case that is not to be found by them.

        It has another name now, or is archived.
        """
        names = {_row_id(tenant, made): made.case.name for made in cases}
        query = {"_id": {"$in": list(names)}, "tenant": tenant, "project": project}
        rows = await self._cases.find(query, {"name": 1, "removed": 1}).to_list(None)
        return {names[r["_id"]] for r in rows if "removed" in r or r["name"] != names[r["_id"]]}

    async def decide(self, tenant: str, project: int, upload: str, *, accepted: bool) -> bool:
        """Write the verdict down unless there is one; return the one that stands."""
        first = {
            "project": project,
            "accepted": accepted,
            "ended_on": self._pending.clock.now(),
        }
        mine = {"_id": f"{tenant}/{upload}", "tenant": tenant}
        with contextlib.suppress(DuplicateKey):  # two upserts at once: the other one wrote it
            await self._ended.update_one(mine, {"$setOnInsert": first}, upsert=True)
        stands = await self.verdict(tenant, upload)
        return accepted if stands is None else stands

    async def verdict(self, tenant: str, upload: str) -> bool | None:
        """Return whether the upload was accepted; None while it goes on."""
        row = await self._ended.find_one({"_id": f"{tenant}/{upload}", "tenant": tenant})
        return bool(row["accepted"]) if row is not None else None

    async def accept(self, tenant: str, upload: str) -> None:
        """Make the upload's cases visible, each with its state event in the same write."""
        held = {"tenant": tenant, "provisional_for": upload, "visible": False}
        while rows := await self._cases.find(held, {"id": 1}).limit(_MANY).to_list(_MANY):
            these = held | {"_id": {"$in": [row["_id"] for row in rows]}}
            async with self._totals.writing(tenant, [row["id"] for row in rows]):
                await self._cases.update_many(
                    these,
                    {
                        # changed now, so that a client that follows updatedAfter meets them
                        "$set": {"visible": True, "updated_on": self._pending.clock.now()},
                        "$unset": {"provisional_for": ""},
                        "$inc": {"rev": 1},
                        "$push": {"outbox": self._pending.entry()},
                    },
                )
            self._pending.nudge()

    async def discard(self, tenant: str, upload: str) -> None:
        """Let go of the upload's cases and delete those that no other upload holds."""
        await self._cases.update_many(
            {"tenant": tenant, "provisional_for": upload, "visible": False},
            {"$pull": {"provisional_for": upload}},
        )
        # also what an interrupted attempt let go of
        await self._cases.delete_many({"tenant": tenant, "provisional_for": [], "visible": False})


def _row_id(tenant: str, made: Provisional) -> str:
    digest = hashlib.sha256(made.case.name.encode()).hexdigest()
    salt = f"/{made.salt}" if made.salt else ""
    return f"{tenant}/{made.case.project}/name/{digest}{salt}"
