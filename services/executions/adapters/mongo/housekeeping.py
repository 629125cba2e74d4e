"""What housekeeping needs of the uploads of all tenants (exempt from the tenant-first rule)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING

from kit.mongo import Database
from kit.segments.claims import Claims
from services.executions.adapters.mongo import ledger, testcycles, testexecutions, uploads
from services.executions.domain.uploads import UNDECIDED, UploadState
from services.executions.usecases.housekeeping import UploadRef

_BATCH = 200
_FIELDS = {"tenant": 1, "project": 1, "state": 1, "chunks": 1, "parked": 1, "cycle": 1}


class HousekeepingRows:
    """Finds uploads that were left behind, and removes what aborted ones stored."""

    def __init__(self, database: Database, claims: Claims) -> None:
        self._uploads = database[uploads.COLLECTION]
        self._cycles = database[testcycles.COLLECTION]
        self._executions = database[testexecutions.COLLECTION]
        self._ledger = database[ledger.COLLECTION]
        self._claims = claims

    async def renew(self, instance: str, until: datetime) -> None:
        """Renew the leases of the uploads that this process works on."""
        await self._uploads.update_many(
            {
                "owner": instance,
                "state": {"$in": list(UNDECIDED)},
                "lease_until": {"$exists": True},
            },
            {"$set": {"lease_until": until}},
        )

    async def left_behind(self, now: datetime) -> list[UploadRef]:
        """Return undecided uploads whose process is gone."""
        return await self._found({"lease_until": {"$lt": now}})

    async def unstored(self) -> list[UploadRef]:
        """Return accepted uploads that wait for storage, the oldest first."""
        return await self._found({"stored": False}, sort="accepted_at")

    async def removable(self, ended_before: datetime) -> list[UploadRef]:
        """Return aborted uploads that are hidden still."""
        aborted = {"hidden": True, "state": UploadState.ABORTED}
        return await self._found({**aborted, "aborted_at": {"$lt": ended_before}})

    async def untold(self) -> list[UploadRef]:
        """Return ended uploads of which the owner of the cases does not know."""
        return await self._found({"told": False})

    async def remove(self, aborted: UploadRef) -> None:
        """Remove executions, ledger rows and cycle; then nothing is left to hide."""
        prefix = f"{aborted.tenant}/{aborted.upload}/"
        # one range of ``_id``; '0' follows '/'
        await self._executions.delete_many({"_id": {"$gt": prefix, "$lt": prefix[:-1] + "0"}})
        await self._ledger.delete_many(
            {"_id": {"$gt": f"{aborted.upload}/", "$lt": f"{aborted.upload}0"}}
        )
        if aborted.cycle is not None:
            await self._cycles.delete_one({"_id": f"{aborted.tenant}/{aborted.cycle}"})
        mine = {"_id": aborted.upload, "tenant": aborted.tenant}
        row = await self._uploads.find_one(mine, {"first_id": 1, "results": 1})
        if row is not None and "first_id" in row:
            span = row["first_id"], row["first_id"] + row["results"]
            await self._claims.end(aborted.tenant, span, aborted.upload)
        await self._uploads.update_one(mine, {"$unset": {"hidden": ""}})

    async def _found(self, query: Mapping[str, Any], sort: str | None = None) -> list[UploadRef]:
        cursor = self._uploads.find(query, _FIELDS)
        if sort is not None:
            cursor = cursor.sort(sort, ASCENDING)
        return [
            UploadRef(
                tenant=r["tenant"],
                upload=r["_id"],
                project=r["project"],
                accepted=r["state"] == UploadState.ACCEPTED,
                chunks=r.get("chunks", 0) - len(r.get("parked", ())),
                cycle=r.get("cycle"),
            )
            for r in await cursor.limit(_BATCH).to_list(_BATCH)
        ]
