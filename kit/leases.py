"""Leases: one holder at a time, by a document with an expiry."""

from datetime import timedelta

from kit.clock import Clock
from kit.mongo import Collection, DuplicateKey


class Lease:
    """A named lease. Renew it well before ``ttl`` is over; clocks may differ by less than that."""

    def __init__(
        self, collection: Collection, name: str, holder: str, ttl: timedelta, clock: Clock
    ) -> None:
        self._collection = collection
        self._name = name
        self._holder = holder
        self.ttl = ttl
        self._clock = clock

    async def hold(self) -> bool:
        """Take or renew the lease; False while somebody else has it."""
        now = self._clock.now()
        free_or_mine = {"$or": [{"until": {"$lt": now}}, {"holder": self._holder}]}
        try:
            result = await self._collection.update_one(
                {"_id": self._name, **free_or_mine},
                {"$set": {"holder": self._holder, "until": now + self.ttl}},
                upsert=True,
            )
        except DuplicateKey:
            return False
        return bool(result.matched_count or result.upserted_id)

    async def release(self) -> None:
        """Give the lease up, if it is ours."""
        await self._collection.delete_one({"_id": self._name, "holder": self._holder})
