"""What is registered on each site, in MongoDB: one row per tenant, with one writer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from contracts.tenancy import TenantStatus
from kit.mongo import Database, Document, unavailable_when_down
from services.tenancy.adapters.mongo.documents import AUDIT, PROJECTS, SITE_WEBHOOKS, TENANTS
from services.tenancy.domain.site_webhooks import SiteWebhook, SiteWebhooks
from services.tenancy.usecases.site_webhooks import Installed, Tenants


class MongoSiteWebhooks:
    """Implements ``WebhookStore``."""

    def __init__(self, database: Database) -> None:
        self._rows = database[SITE_WEBHOOKS]
        self._tenants = database[TENANTS]
        self._projects = database[PROJECTS]
        self._audit = database[AUDIT]

    async def due(self, now: datetime) -> Collection[str]:
        """Return those of every tenant, this is upkeep."""
        with unavailable_when_down():
            rows = await self._rows.find({"due_at": {"$lte": now}}, {"_id": 1}).to_list(None)
        return [row["_id"] for row in rows]

    async def changed(self, since: datetime) -> Collection[str]:
        """Return those of every tenant, this is upkeep: by their audit rows and installs."""
        installed = {
            "status": TenantStatus.ACTIVE.value,
            "install.installed.iat": {"$gte": int(since.timestamp())},
        }
        with unavailable_when_down():
            noted = await self._audit.distinct("tenant", {"at": {"$gte": since}})
            rows = await self._tenants.find(installed, {"_id": 1}).to_list(None)
        return {*noted, *(row["_id"] for row in rows)}

    async def installed(self, tenants: Tenants) -> Sequence[Installed]:
        """Return those of several tenants, this is upkeep."""
        active = {"status": TenantStatus.ACTIVE.value, "install.removed": False}
        query = {**_among("_id", tenants), **active}
        with unavailable_when_down():
            rows = await self._tenants.find(query, {"install.installed.iat": 1}).to_list(None)
        return [Installed(r["_id"], r["install"]["installed"]["iat"]) for r in rows]

    async def in_use(self, tenants: Tenants) -> Mapping[str, Collection[int]]:
        """Return those of several tenants, this is upkeep."""
        shown = {**_among("tenant", tenants), "enabled": True, "deleted": False}
        wanted = {"tenant": 1, "jira_project_id": 1}
        found: dict[str, set[int]] = {}
        with unavailable_when_down():
            async for row in self._projects.find(shown, wanted):
                found.setdefault(row["tenant"], set()).add(row["jira_project_id"])
        return found

    async def rows(self, tenants: Tenants) -> Mapping[str, SiteWebhooks]:
        """Return those of several tenants, this is upkeep."""
        with unavailable_when_down():
            rows = await self._rows.find(_among("_id", tenants)).to_list(None)
        return {row["_id"]: _load(row) for row in rows}

    async def save(self, row: SiteWebhooks) -> None:
        """Put the row in the place of the one before."""
        fields = asdict(row)
        tenant = fields.pop("tenant")
        with unavailable_when_down():
            stored = {"_id": tenant, **fields, "due_at": row.due_at()}
            await self._rows.replace_one({"_id": tenant}, stored, upsert=True)

    async def remove(self, tenant: str) -> None:
        """Forget a row."""
        with unavailable_when_down():
            await self._rows.delete_one({"_id": tenant})


def _among(field: str, tenants: Tenants) -> Document:
    return {} if tenants is None else {field: {"$in": list(tenants)}}


def _load(row: Document) -> SiteWebhooks:
    fields = {k: v for k, v in row.items() if k not in {"_id", "due_at"}}
    webhooks = tuple(
        SiteWebhook(w["id"], tuple(w["projects"]), w["expires_at"]) for w in fields.pop("webhooks")
    )
    refused = tuple(fields.pop("refused"))
    return SiteWebhooks(row["_id"], webhooks=webhooks, refused=refused, **fields)
