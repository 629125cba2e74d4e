"""Which keys of pseudonyms exist, and their destruction. Needs no wrapping key."""

from collections.abc import Collection, Sequence
from datetime import datetime

from kit.mongo import Database, DuplicateKey
from services.telemetry.adapters.mongo.documents import PSEUDONYM_KEYS
from services.telemetry.adapters.mongo.pseudonym_keys import key_id
from services.telemetry.usecases.keys import KeyEntry


class MongoKeyRegister:
    """Implements ``usecases.keys.KeyRegister``."""

    def __init__(self, database: Database) -> None:
        self._rows = database[PSEUDONYM_KEYS]

    async def entries(self, tenant: str) -> Sequence[KeyEntry]:
        """Return every epoch of a tenant that has, or had, a key."""
        rows = self._rows.find({"tenant": tenant}, {"sealed": 0})
        found = [
            KeyEntry(
                row["epoch"],
                row.get("created_at"),
                row.get("destroyed_at"),
                row.get("destroyed_by"),
            )
            async for row in rows
        ]
        return sorted(found, key=lambda entry: entry.epoch)

    async def destroy(self, tenant: str, epochs: Collection[str], by: str, at: datetime) -> int:
        """Put tombstones in place of keys, also where there was none; return how many keys went."""
        gone = 0
        for epoch in sorted(epochs):
            gone += await self._bury(tenant, epoch, by, at)
        return gone

    async def _bury(self, tenant: str, epoch: str, by: str, at: datetime) -> int:
        ident = key_id(tenant, epoch)
        # a tombstone stays as it is: it says who was first
        buried = {"tenant": tenant, "_id": ident, "destroyed_at": {"$exists": False}}
        change = {"$set": {"destroyed_at": at, "destroyed_by": by}, "$unset": {"sealed": ""}}
        if (await self._rows.update_one(buried, change)).modified_count:
            return 1
        tombstone = {"tenant": tenant, "epoch": epoch, "destroyed_at": at, "destroyed_by": by}
        try:
            await self._rows.insert_one({"_id": ident, **tombstone})
        except DuplicateKey:
            # either a tombstone already, or a key that was made this very moment
            return (await self._rows.update_one(buried, change)).modified_count
        return 0
