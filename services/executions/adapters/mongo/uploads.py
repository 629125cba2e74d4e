"""Uploads: one row each, from the first provisional thing to long after the end."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, cast

from pymongo import ASCENDING, IndexModel
from typing_extensions import TypedDict

from contracts.classes import DataClass
from contracts.executions import UploadEnded
from contracts.usage import ProductEvent, UsageEventName
from kit.clock import Clock
from kit.errors import NotFound
from kit.grouping import Grouped
from kit.ids import Ids
from kit.mongo import Collection as MongoCollection
from kit.mongo import Database, Document, unavailable_when_down
from kit.outbox import entries
from kit.segments.claims import Claims
from kit.version import VERSION
from services.executions.domain.uploads import UNDECIDED, UploadState
from services.executions.usecases.housekeeping import LEASE
from services.executions.usecases.uploadports import Unstored, UploadRequest
from services.executions.usecases.uploadstatus import UploadView

COLLECTION = "uploads"
ENDED, USAGE = "ended", "usage"

INDEXES = [
    IndexModel(
        [("tenant", ASCENDING), ("cycle", ASCENDING)],
        name="hidden",
        partialFilterExpression={"hidden": True},
    ),
    IndexModel(
        [("tenant", ASCENDING), ("accepted_at", ASCENDING)],
        name="unstored",
        partialFilterExpression={"stored": False},
    ),
    # exempt from the tenant-first rule: these serve all tenants' housekeeping
    IndexModel(
        [("lease_until", ASCENDING)],
        name="undecided",
        partialFilterExpression={"lease_until": {"$exists": True}},
    ),
    IndexModel([("told", ASCENDING)], name="untold", partialFilterExpression={"told": False}),
    IndexModel([("forget_at", ASCENDING)], name="forget", expireAfterSeconds=0),
    entries.INDEX,
]

FORGET_AFTER = timedelta(days=8)
"""Longer than the result topic keeps chunks, so that a late one still finds its upload."""


class UploadRow(TypedDict, total=False):
    """One upload as stored."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    project: Annotated[int, DataClass.OPERATIONAL]
    format: Annotated[str, DataClass.OPERATIONAL]
    state: Annotated[str, DataClass.OPERATIONAL]
    hidden: Annotated[bool, DataClass.OPERATIONAL]
    """Whether its cycle and executions must not show; absent once nothing of it is left."""
    owner: Annotated[str, DataClass.OPERATIONAL]
    lease_until: Annotated[datetime, DataClass.OPERATIONAL]
    created_cases: Annotated[bool, DataClass.OPERATIONAL]
    cycle: Annotated[int, DataClass.OPERATIONAL]
    first_id: Annotated[int, DataClass.OPERATIONAL]
    results: Annotated[int, DataClass.OPERATIONAL]
    chunks: Annotated[int, DataClass.OPERATIONAL]
    parked: Annotated[list[int], DataClass.OPERATIONAL]
    """Chunks that became dead letters."""
    created_at: Annotated[datetime, DataClass.OPERATIONAL]
    accepted_at: Annotated[datetime, DataClass.OPERATIONAL]
    aborted_at: Annotated[datetime, DataClass.OPERATIONAL]
    stored: Annotated[bool, DataClass.OPERATIONAL]
    """False while accepted results wait for storage; absent before and after."""
    told: Annotated[bool, DataClass.OPERATIONAL]
    """Whether the owner of the cases knows how it ended."""
    forget_at: Annotated[datetime, DataClass.OPERATIONAL]
    outbox: Annotated[list[Any], DataClass.CUSTOMER_CONTENT]


def hiding(tenant: str) -> Document:
    """Return the query of what hides a cycle."""
    return {"tenant": tenant, "hidden": True, "cycle": {"$gt": 0}}


class UploadRepository:
    """Transitions of uploads."""

    def __init__(self, database: Database, instance: str, clock: Clock, ids: Ids) -> None:
        self._rows: MongoCollection = database[COLLECTION]
        self._claims = Claims(database, clock, ids)
        self._instance = instance
        self._clock = clock
        self._ids = ids
        self._hidden = Grouped[str, None, list[int]](self._hidden_cycles)

    async def begin(self, tenant: str, upload: str, request: UploadRequest) -> None:
        """Insert the row, open and hidden."""
        now = self._clock.now()
        row = UploadRow(
            _id=upload,
            tenant=tenant,
            project=request.project.id,
            format=request.format.value,
            state=UploadState.OPEN,
            hidden=True,
            owner=self._instance,
            lease_until=now + LEASE,
            created_cases=request.create_cases,
            created_at=now,
        )
        with unavailable_when_down():
            await self._rows.insert_one(dict(row))

    async def describe(
        self, tenant: str, upload: str, cycle: int, first_id: int, results: int
    ) -> None:
        """Write what was reserved; from now on the cycle's id is hidden.

        The ids are claimed until all is stored, or what is stored is removed.
        """
        fields = {"cycle": cycle, "first_id": first_id, "results": results}
        with unavailable_when_down():
            await asyncio.gather(
                self._rows.update_one({"_id": upload, "tenant": tenant}, {"$set": fields}),
                self._claims.take(tenant, (first_id, first_id + results), upload, cycle),
            )

    async def seal(self, tenant: str, upload: str, chunks: int) -> bool:
        """Say that Kafka has all chunks."""
        change = {"$set": {"state": UploadState.SEALED, "chunks": chunks}}
        return await self._change(tenant, upload, (UploadState.OPEN,), change)

    async def accept(self, tenant: str, upload: str, request: UploadRequest) -> bool:
        """Make everything of it visible, in one write with the events that tell it.

        True also when that was done already.
        """
        row = await self.read(tenant, upload)
        ended = UploadEnded(
            upload=upload,
            project=row["project"],
            accepted=True,
            created_cases=row["created_cases"],
        )
        now = self._clock.now()
        used = ProductEvent(
            name=UsageEventName.UPLOADED_AUTOMATION_RESULTS,
            account_id=request.account_id,
            url_path=request.url_path,
            user_agent=request.user_agent,
            app_version=VERSION,
            project=row["project"],
            format=request.format.value,
            count=row["results"],
            duration_ms=int((now - row["created_at"]).total_seconds() * 1000),
        )
        change = {
            "$set": {
                "state": UploadState.ACCEPTED,
                "accepted_at": now,
                "stored": False,
                "told": not row["created_cases"],
            },
            "$unset": {"hidden": "", "lease_until": ""},
            "$push": {
                "outbox": {
                    "$each": [
                        entries.entry(self._clock, self._ids, ENDED, ended.model_dump()),
                        entries.entry(self._clock, self._ids, USAGE, used.model_dump()),
                    ]
                }
            },
        }
        if await self._change(tenant, upload, (UploadState.SEALED,), change):
            return True
        # asked again because the first answer was lost
        return (await self.read(tenant, upload))["state"] == UploadState.ACCEPTED

    async def abort(self, tenant: str, upload: str) -> bool:
        """Give it up: the consumer drops its chunks, housekeeping removes the rest."""
        row = await self.read(tenant, upload)
        ended = UploadEnded(
            upload=upload,
            project=row["project"],
            accepted=False,
            created_cases=row["created_cases"],
        )
        now = self._clock.now()
        change = {
            "$set": {
                "state": UploadState.ABORTED,
                "aborted_at": now,
                "forget_at": now + FORGET_AFTER,
                "told": not row["created_cases"],
            },
            "$unset": {"lease_until": ""},
            "$push": {"outbox": entries.entry(self._clock, self._ids, ENDED, ended.model_dump())},
        }
        return await self._change(tenant, upload, UNDECIDED, change)

    async def stored(self, tenant: str, upload: str) -> None:
        """Note that all results of an accepted upload are stored."""
        mine = {"_id": upload, "tenant": tenant}
        with unavailable_when_down():
            row = await self._rows.find_one(mine, {"first_id": 1, "results": 1})
            if row is not None and "first_id" in row:
                # before the row says so: who finds it unsaid does this once more
                first = row["first_id"]
                await self._claims.end(tenant, (first, first + row["results"]), upload)
            await self._rows.update_one(mine, {"$unset": {"stored": ""}})

    async def told(self, tenant: str, upload: str) -> None:
        """Note that the owner of the cases knows how the upload ended."""
        with unavailable_when_down():
            await self._rows.update_one({"_id": upload, "tenant": tenant}, {"$set": {"told": True}})

    async def unstored(self, tenant: str) -> Unstored:
        """Sum what the tenant has waiting, and find the oldest of all tenants."""
        with unavailable_when_down():
            rows = await self._rows.find(
                {"tenant": tenant, "stored": False}, {"results": 1}
            ).to_list(None)
            oldest = await self._rows.find_one(
                {"stored": False}, {"accepted_at": 1}, sort=[("accepted_at", ASCENDING)]
            )
        age = 0.0
        if oldest is not None:
            age = (self._clock.now() - oldest["accepted_at"]).total_seconds()
        return Unstored(sum(r["results"] for r in rows), age)

    async def dropped(self, uploads: Collection[str]) -> set[str]:
        """Return those whose chunks must not be stored (exempt: random ids of all tenants)."""
        rows = await self._rows.find(
            {"_id": {"$in": list(uploads)}, "state": {"$ne": UploadState.ABORTED}}, {"_id": 1}
        ).to_list(None)
        return set(uploads) - {r["_id"] for r in rows}

    async def parked(self, upload: str, chunk: int) -> None:
        """Note that a chunk became a dead letter (exempt: as ``dropped``)."""
        await self._rows.update_one({"_id": upload}, {"$addToSet": {"parked": chunk}})

    async def hidden_cycles(self, tenant: str) -> list[int]:
        """Return the cycles of undecided and aborted uploads."""
        return await self._hidden.get(tenant, None)

    async def _hidden_cycles(
        self, tenant: str, waiters: Sequence[None]
    ) -> list[list[int] | Exception]:
        rows = await self._rows.find(hiding(tenant), {"_id": 0, "cycle": 1}).to_list(None)
        return [[r["cycle"] for r in rows] for _ in waiters]

    async def read(self, tenant: str, upload: str) -> UploadRow:
        """Return the row; raise ``NotFound``."""
        with unavailable_when_down():
            row = await self._rows.find_one({"_id": upload, "tenant": tenant})
        if row is None:
            raise NotFound(f"Upload {upload} does not exist.")
        return cast("UploadRow", row)

    async def view(self, tenant: str, upload: str) -> UploadView:
        """Return what a client may know of it; raise ``NotFound``."""
        row = await self.read(tenant, upload)
        return UploadView(
            UploadState(row["state"]),
            row.get("cycle"),
            row.get("results", 0),
            row.get("chunks", 0),
            row.get("parked", ()),
            row.get("accepted_at", row["created_at"]),
        )

    async def _change(
        self, tenant: str, upload: str, states: Collection[UploadState], change: Document
    ) -> bool:
        with unavailable_when_down():
            result = await self._rows.update_one(
                {"_id": upload, "tenant": tenant, "state": {"$in": list(states)}}, change
            )
        return result.matched_count == 1
