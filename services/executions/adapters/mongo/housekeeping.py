"""What housekeeping needs of the uploads of all tenants (exempt from the tenant-first rule)."""

from datetime import datetime

from kit.mongo import Database
from services.executions.adapters.mongo import ledger, testcycles, testexecutions, uploads
from services.executions.domain.uploads import UNDECIDED, UploadState
from services.executions.usecases.housekeeping import Ended, Undecided

_BATCH = 200


class HousekeepingRows:
    """Finds uploads that were left behind, and removes what aborted ones stored."""

    def __init__(self, database: Database) -> None:
        self._uploads = database[uploads.COLLECTION]
        self._cycles = database[testcycles.COLLECTION]
        self._executions = database[testexecutions.COLLECTION]
        self._ledger = database[ledger.COLLECTION]

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

    async def left_behind(self, now: datetime) -> list[Undecided]:
        """Return undecided uploads whose process is gone."""
        rows = await self._uploads.find({"lease_until": {"$lt": now}}).to_list(_BATCH)
        return [Undecided(r["tenant"], r["_id"]) for r in rows]

    async def unfinished(self) -> list[Ended]:
        """Return ended uploads with something left to do."""
        rows = await self._uploads.find({"unfinished": True}).to_list(_BATCH)
        return [
            Ended(
                tenant=r["tenant"],
                upload=r["_id"],
                project=r["project"],
                accepted=r["state"] == UploadState.ACCEPTED,
                told=r["told"],
                chunks=r.get("chunks", 0),
                ended_at=r["accepted_at"] if "accepted_at" in r else r["aborted_at"],
                cycle=r.get("cycle"),
                stored=r.get("stored", True),
            )
            for r in rows
        ]

    async def remove(self, ended: Ended) -> None:
        """Remove executions, ledger rows and cycle of an aborted upload."""
        prefix = f"{ended.tenant}/{ended.upload}/"
        # one range of ``_id``; '0' follows '/'
        await self._executions.delete_many({"_id": {"$gt": prefix, "$lt": prefix[:-1] + "0"}})
        await self._ledger.delete_many(
            {"_id": {"$gt": f"{ended.upload}/", "$lt": f"{ended.upload}0"}}
        )
        if ended.cycle is not None:
            await self._cycles.delete_one({"_id": f"{ended.tenant}/{ended.cycle}"})

    async def forget(self, ended: Ended) -> None:
        """Say that nothing of an aborted upload is left to hide."""
        await self._uploads.update_one(
            {"_id": ended.upload, "tenant": ended.tenant},
            {"$unset": {"hidden": "", "unfinished": ""}},
        )
