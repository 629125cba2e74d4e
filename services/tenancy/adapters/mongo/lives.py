"""Tenants by their aliases, and changes of several tenants at once, in MongoDB."""

from collections.abc import Mapping, Sequence
from typing import Any

from kit.mongo import Database, Session, unavailable_when_down
from services.tenancy.adapters.mongo.changes import Changes, Write
from services.tenancy.adapters.mongo.documents import SITE_CLAIMS, TENANTS
from services.tenancy.adapters.mongo.tenants import MongoTenants, fields, load
from services.tenancy.domain.tenants import Tenant
from services.tenancy.usecases.lives import Change, Claim
from services.tenancy.usecases.ports import ChangedMeanwhile

_HAS_JIRA = {"$or": [{"install": {"$type": "object"}}, {"forge": {"$type": "object"}}]}


class MongoLives(MongoTenants):
    """Implements ``LifeStore``."""

    def __init__(self, database: Database, changes: Changes) -> None:
        super().__init__(database, changes)
        self._claims = database[SITE_CLAIMS]

    async def by_installation(self, installation_id: str) -> Tenant | None:
        """Return the tenant whose Forge installation it is."""
        return await self._one({"forge.installation_id": installation_id})

    async def naming_installation(self, installation_id: str) -> Sequence[Tenant]:
        """Return the tenants whose Connect payload named it."""
        return await self._several({"install.installation_id": installation_id})

    async def of_cloud(self, cloud_id: str) -> Sequence[Tenant]:
        """Return the tenants of a cloud id."""
        return await self._several({"cloud_id": cloud_id})

    async def at_site(self, site_url: str) -> Sequence[Tenant]:
        """Return the tenants with Jira at a base URL; one without may name any."""
        return await self._several({"site_url": site_url, **_HAS_JIRA})

    async def claim(self, site_url: str) -> Claim | None:
        """Return who is at a site."""
        with unavailable_when_down():
            row = await self._claims.find_one({"_id": site_url})
        return None if row is None else Claim(row["_id"], row["tenant"], row["iat"], row["rev"])

    async def store(self, changes: Sequence[Change], claim: Claim | None = None) -> None:
        """Store everything in one transaction."""

        async def claimed(session: Session) -> None:
            if claim is not None:
                await self._claimed(claim, session)

        with unavailable_when_down():
            await self._changes.together([_write(change) for change in changes], claimed)

    async def _claimed(self, claim: Claim, session: Session) -> None:
        row = {"tenant": claim.tenant, "iat": claim.iat, "rev": claim.rev + 1}
        if not claim.rev:
            await self._claims.insert_one({"_id": claim.site_url, **row}, session=session)
            return
        result = await self._claims.update_one(
            {"_id": claim.site_url, "rev": claim.rev}, {"$set": row}, session=session
        )
        if not result.matched_count:
            raise ChangedMeanwhile

    async def _several(self, query: Mapping[str, Any]) -> Sequence[Tenant]:
        with unavailable_when_down():
            rows = await self._tenants.find(query).sort("_id", 1).to_list(None)
        return [load(row) for row in rows]


def _write(change: Change) -> Write:
    tenant = change.tenant
    content = fields(tenant)
    if not tenant.rev:
        content["created_at"] = tenant.created_at
    return Write(TENANTS, tenant.id, tenant.rev, content, tenant.id, tenant.id, change.note)
