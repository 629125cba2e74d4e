"""Facts of Jira sites in the documents of their tenants."""

from collections.abc import Sequence
from dataclasses import asdict

from contracts.tenancy import TenantStatus
from kit.mongo import Database, unavailable_when_down
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.documents import TENANTS
from services.tenancy.domain.facts import Reading
from services.tenancy.domain.tenants import Tenant

_NEEDED = {"facts.read_at": 1, "install.installed.iat": 1}


class MongoFacts:
    """Implements ``FactStore``."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._tenants = database[TENANTS]
        self._changes = changes

    async def readings(self) -> Sequence[Reading]:
        """Return those of every tenant, this is upkeep; the longest unread first."""
        active = {
            "status": TenantStatus.ACTIVE.value,
            "$or": [{"install": {"$type": "object"}}, {"forge": {"$type": "object"}}],
        }
        with unavailable_when_down():
            rows = await self._tenants.find(active, _NEEDED).sort("facts.read_at", 1).to_list(None)
        return [
            Reading(
                row["_id"],
                row.get("facts", {}).get("read_at"),
                (row.get("install") or {}).get("installed", {}).get("iat", 0),
            )
            for row in rows
        ]

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
