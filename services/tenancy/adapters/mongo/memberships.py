"""Memberships in MongoDB, with their state in the outbox."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.permissions import Membership
from kit.clock import Clock
from kit.ids import Ids
from kit.mongo import Database, Document, DuplicateKey, unavailable_when_down
from kit.outbox.entries import FIELD, entry
from services.tenancy.adapters.mongo.documents import MEMBERSHIPS


class MongoMemberships:
    """Implements ``MembershipStore``.

    Nobody does a resolution, so there is no audit row. A row that was forgotten may come back: so
    that its revision is above that of its tombstone, revisions begin at the time in milliseconds.
    """

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._memberships = database[MEMBERSHIPS]
        self._clock = clock
        self._ids = ids

    async def get(self, tenant: str, account: str) -> Membership | None:
        """Return the last one known."""
        query = {"_id": _id(tenant, account), "tenant": tenant, "deleted": False}
        with unavailable_when_down():
            row = await self._memberships.find_one(query)
        return load(row) if row is not None else None

    async def save(self, tenant: str, membership: Membership, seen_at: datetime | None) -> None:
        """Store one that was resolved, unless a newer one is there."""
        now = self._clock.now()
        fields = membership.model_dump(mode="python")
        found: Document = {name: {"$literal": value} for name, value in fields.items()}
        found |= {
            "tenant": tenant,
            "deleted": False,
            "seen_at": seen_at or {"$ifNull": ["$seen_at", now]},
            "rev": {"$add": [{"$ifNull": ["$rev", int(now.timestamp() * 1000)]}, 1]},
            FIELD: {"$concatArrays": [{"$ifNull": [f"${FIELD}", []]}, [self._entry()]]},
        }
        not_newer = {"$not": {"$gt": membership.resolved_at}}
        with unavailable_when_down():
            try:
                await self._memberships.update_one(
                    {
                        "_id": _id(tenant, membership.account_id),
                        "tenant": tenant,
                        "resolved_at": not_newer,
                    },
                    [{"$set": found}],
                    upsert=True,
                )
            except DuplicateKey:
                return  # what was resolved later is there already

    async def seen(self, tenant: str, account: str, at: datetime, not_since: datetime) -> None:
        """Note that somebody asked."""
        with unavailable_when_down():
            await self._memberships.update_one(
                {
                    "_id": _id(tenant, account),
                    "tenant": tenant,
                    "seen_at": {"$lt": not_since},
                    "deleted": False,
                },
                {"$set": {"seen_at": at}},
            )

    async def due(
        self, resolved_before: datetime, seen_after: datetime, without: Collection[str], limit: int
    ) -> Sequence[tuple[str, str]]:
        """Return what is too old, oldest first; of every tenant, this is upkeep."""
        query = {
            "resolved_at": {"$lt": resolved_before},
            "seen_at": {"$gt": seen_after},
            "tenant": {"$nin": list(without)},
            "deleted": False,
        }
        found = self._memberships.find(query, {"_id": 0, "tenant": 1, "account_id": 1})
        rows = await found.sort("resolved_at", 1).limit(limit).to_list(limit)
        return [(row["tenant"], row["account_id"]) for row in rows]

    async def forget(self, seen_before: datetime) -> None:
        """Let the relay publish tombstones and remove the rows; of every tenant, upkeep."""
        await self._memberships.update_many(
            {"seen_at": {"$lt": seen_before}, "deleted": False},
            {"$set": {"deleted": True}, "$inc": {"rev": 1}, "$push": {FIELD: self._entry()}},
        )

    def _entry(self) -> Document:
        return entry(self._clock, self._ids)


def load(row: Mapping[str, Any]) -> Membership:
    """Return the contract of a document."""
    return Membership.model_validate(row)


def _id(tenant: str, account: str) -> str:
    return f"{tenant}/{account}"
