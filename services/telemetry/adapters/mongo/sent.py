"""Ids of diagnostics that BugSnag has accepted: it has no idempotency key of its own.

Kept a day longer than the anonymous topic keeps records; a dead letter that is replayed later was
not accepted.
"""

from collections.abc import Collection
from datetime import timedelta

from pymongo import ASCENDING, IndexModel

from contracts.topics import ANONYMOUS_DIAGNOSTIC
from kit.clock import Clock
from kit.mongo import Database, insert_new
from services.telemetry.adapters.mongo.documents import BUGSNAG_SENT

KEPT = (ANONYMOUS_DIAGNOSTIC.retention or timedelta()) + timedelta(days=1)
INDEXES = [
    IndexModel([("at", ASCENDING)], name="old", expireAfterSeconds=int(KEPT.total_seconds()))
]


class MongoSent:
    """Implements ``usecases.once.Sent``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._rows = database[BUGSNAG_SENT]
        self._clock = clock

    async def known(self, ids: Collection[str]) -> Collection[str]:
        """Return those that were accepted."""
        rows = await self._rows.find({"_id": {"$in": list(ids)}}, {"_id": 1}).to_list(None)
        return [row["_id"] for row in rows]

    async def add(self, ids: Collection[str]) -> None:
        """Write down more."""
        now = self._clock.now()
        await insert_new(self._rows, [{"_id": ident, "at": now} for ident in ids])
