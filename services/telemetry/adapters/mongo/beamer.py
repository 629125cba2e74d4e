"""Whom Beamer knows, and how often it was asked, by all processes together."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel

from kit.clock import Clock
from kit.mongo import Database, DuplicateKey
from services.telemetry.adapters.mongo.documents import BEAMER_QUOTA, BEAMER_USERS
from services.telemetry.usecases.notices import NoAnswer

INDEXES = {
    BEAMER_USERS: [IndexModel([("tenant", ASCENDING)])],
    # months have no time stamp, and stay
    BEAMER_QUOTA: [IndexModel([("at", ASCENDING)], name="old", expireAfterSeconds=3_600)],
}
PER_SECOND = 25
"""Of the vendor's 30: clocks of processes differ."""
_LEFT_OVER = 0.1
_CIRCUIT = "circuit"


class MongoBeamerUsers:
    """Implements ``usecases.notices.KnownUsers`` and ``usecases.erasing.BeamerUsers``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._rows = database[BEAMER_USERS]
        self._clock = clock

    async def attributes(self, tenant: str, user: str) -> str | None:
        """Return the hash of what was sent, None for a user that was not."""
        row = await self._rows.find_one({"_id": f"{tenant}/{user}", "tenant": tenant})
        return None if row is None else str(row["attributes"])

    async def note(self, tenant: str, user: str, attributes: str) -> None:
        """Write down what was sent."""
        sent = {"user": user, "attributes": attributes, "at": self._clock.now()}
        await self._rows.update_one(
            {"_id": f"{tenant}/{user}", "tenant": tenant}, {"$set": sent}, upsert=True
        )

    async def of(self, tenant: str) -> Sequence[str]:
        """Return the users of a tenant."""
        return [row["user"] async for row in self._rows.find({"tenant": tenant}, {"user": 1})]

    async def forget(self, tenant: str, pseudonyms: Collection[str] | None = None) -> None:
        """Forget some users, or all of a tenant."""
        if pseudonyms is None:
            await self._rows.delete_many({"tenant": tenant})
        else:
            await self._rows.delete_many({"tenant": tenant, "user": {"$in": list(pseudonyms)}})


class MongoBeamerQuota:
    """Implements ``adapters.processors.beamer.Quota``."""

    def __init__(self, database: Database, monthly: int, clock: Clock) -> None:
        self._rows = database[BEAMER_QUOTA]
        self._monthly = monthly
        self._clock = clock

    async def take(self, *, last: bool = False) -> None:
        """Count one; notices leave a tenth of the month to erasure."""
        now = self._clock.now()
        if await self._rows.find_one({"_id": _CIRCUIT, "until": {"$gt": now}}):
            raise NoAnswer("circuit open")
        second = f"second/{int(now.timestamp())}"
        if not await self._count(second, PER_SECOND, {"at": now}):
            raise NoAnswer("rate")
        most = self._monthly if last else self._monthly - int(self._monthly * _LEFT_OVER)
        if not await self._count(f"month/{now:%Y-%m}", most, {}):
            raise NoAnswer("monthly quota")

    async def close_for(self, span: timedelta) -> None:
        """Let nobody ask for a while."""
        until = self._clock.now() + span
        await self._rows.update_one({"_id": _CIRCUIT}, {"$max": {"until": until}}, upsert=True)

    async def _count(self, ident: str, most: int, new: dict[str, Any]) -> bool:
        change: dict[str, Any] = {"$inc": {"requests": 1}}
        if new:
            change["$setOnInsert"] = new
        below = {"_id": ident, "requests": {"$lt": most}}
        for last in (False, True):
            try:
                await self._rows.update_one(below, change, upsert=True)
            except DuplicateKey:
                # full; or somebody else made it this very moment
                if last or (await self._rows.find_one(below)) is None:
                    return False
            else:
                return True
        return False
