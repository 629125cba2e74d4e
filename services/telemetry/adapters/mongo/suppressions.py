"""Erased accounts. Few, so each process keeps them, and reads once a second what is new."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel

from contracts.topics import ANONYMOUS, DLQ_RETENTION
from kit.clock import Clock
from kit.mongo import Database, insert_new
from services.telemetry.adapters.mongo.documents import SUPPRESSED_ACCOUNTS, SUPPRESSED_USERS

# anonymised before and replayed from a DLQ at the very end
KEPT = (ANONYMOUS.retention or timedelta()) + DLQ_RETENTION + timedelta(days=1)
INDEXES = {
    SUPPRESSED_ACCOUNTS: [IndexModel([("at", ASCENDING)], name="new")],
    SUPPRESSED_USERS: [
        IndexModel([("at", ASCENDING)], name="old", expireAfterSeconds=int(KEPT.total_seconds()))
    ],
}
FRESH_SECONDS = 1.0
# clocks differ, and a write may take a while from its time stamp to the majority
_OVERLAP = timedelta(minutes=5)


class MongoSuppressions:
    """Implements ``usecases.suppression.Suppressions`` and ``usecases.erasing.SuppressionList``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._accounts_rows = database[SUPPRESSED_ACCOUNTS]
        self._users_rows = database[SUPPRESSED_USERS]
        self._clock = clock
        self._accounts: dict[str, set[str]] = {}
        self._users: set[str] = set()
        self._read_to: datetime | None = None
        self._fresh_until = float("-inf")

    async def accounts(self) -> Mapping[str, Collection[str]]:
        """Return digests of erased accounts, by tenant."""
        await self._refresh()
        return self._accounts

    async def users(self, identities: Collection[str]) -> Collection[str]:
        """Return those that are pseudonyms of erased accounts."""
        await self._refresh()
        return self._users.intersection(identities) if self._users else ()

    async def add_account(self, tenant: str, digest: str) -> None:
        """Drop the account's events from now on."""
        row = {"tenant": tenant, "digest": digest, "at": self._clock.now()}
        await insert_new(self._accounts_rows, [{"_id": f"{tenant}/{digest}", **row}])

    async def add_users(self, tenant: str, pseudonyms: Collection[str]) -> None:
        """Drop what was anonymised already and is still on its way."""
        row = {"tenant": tenant, "at": self._clock.now()}
        if pseudonyms:
            await insert_new(self._users_rows, [{"_id": one, **row} for one in pseudonyms])

    async def forget(self, tenant: str) -> None:
        """Forget the accounts of a tenant that has no keys any more."""
        await self._accounts_rows.delete_many({"tenant": tenant})

    async def _refresh(self) -> None:
        loop_now = asyncio.get_running_loop().time()
        if loop_now < self._fresh_until:
            return
        now = self._clock.now()
        await self._read_new(self._read_to)
        self._read_to, self._fresh_until = now - _OVERLAP, loop_now + FRESH_SECONDS

    async def _read_new(self, since: datetime | None) -> None:
        new: dict[str, Any] = {} if since is None else {"at": {"$gte": since}}
        async for row in self._accounts_rows.find(new):
            self._accounts.setdefault(row["tenant"], set()).add(row["digest"])
        async for row in self._users_rows.find(new, {"_id": 1}):
            self._users.add(row["_id"])
