"""Facts of Jira sites in the documents of their tenants."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

from contracts.tenancy import TenantStatus
from kit.mongo import Database, Document, unavailable_when_down
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.documents import TENANTS
from services.tenancy.domain.facts import PERIOD, Reading
from services.tenancy.domain.tenants import Tenant

_NEEDED = {"facts.read_at": 1, "install.installed.iat": 1}
_MOST = 500
"""Of those unread for long; a round reads far fewer."""


class MongoFacts:
    """Implements ``FactStore``."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._tenants = database[TENANTS]
        self._changes = changes

    async def readings(self, now: datetime, without: Collection[str]) -> Sequence[Reading]:
        """Return those of every tenant, this is upkeep: unread for long, and installed lately.

        A tenant whose install is older was read since, or has been unread for long.
        """
        others = {"status": TenantStatus.ACTIVE.value, "_id": {"$nin": list(without)}}
        has_jira = {"$or": [{"install": {"$type": "object"}}, {"forge": {"$type": "object"}}]}
        unread = {"facts.read_at": {"$not": {"$gt": now - PERIOD}}}
        lately = {"install.installed.iat": {"$gte": int((now - PERIOD).timestamp())}}
        with unavailable_when_down():
            old = self._tenants.find({**others, **has_jira, **unread}, _NEEDED)
            rows = await old.sort("facts.read_at", 1).limit(_MOST).to_list(None)
            rows += await self._tenants.find({**others, **lately}, _NEEDED).to_list(None)
        return list({row["_id"]: _reading(row) for row in rows}.values())

    async def store(self, tenant: Tenant) -> None:
        """Change what was read at ``tenant.rev``; nobody did it, so there is no audit row."""
        fields = {"facts": asdict(tenant.facts), "cloud_id": tenant.cloud_id}
        with unavailable_when_down():
            await self._changes.update_unnoted(TENANTS, tenant.id, tenant.rev, fields)

    async def touch(self, tenant: Tenant) -> None:
        """Set the time only: no new revision, no event."""
        with unavailable_when_down():
            await self._tenants.update_one(
                {"_id": tenant.id, "rev": tenant.rev},
                {"$set": {"facts.read_at": tenant.facts.read_at}},
            )


def _reading(row: Document) -> Reading:
    return Reading(
        row["_id"],
        row.get("facts", {}).get("read_at"),
        (row.get("install") or {}).get("installed", {}).get("iat", 0),
    )
