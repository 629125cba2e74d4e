"""Tenants in MongoDB."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from contracts.tenancy import TenantStatus
from kit.mongo import Database, unavailable_when_down
from services.tenancy.adapters.mongo import sealed
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.documents import (
    TENANTS,
    ForgeInstallDocument,
    InstallDocument,
    InstallSecretDocument,
    StampDocument,
)
from services.tenancy.domain.connect_life import ExtrasAt
from services.tenancy.domain.deliveries import Stamp
from services.tenancy.domain.tenants import (
    ForgeInstall,
    Install,
    InstallSecret,
    JiraFacts,
    SystemToken,
    Tenant,
)
from services.tenancy.usecases.ports import Note


class MongoTenants:
    """Implements ``TenantStore``."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._tenants = database[TENANTS]
        self._changes = changes

    async def get(self, tenant: str) -> Tenant | None:
        """Return a tenant by id."""
        return await self._one({"_id": tenant})

    async def by_client_key(self, client_key_hash: str) -> Tenant | None:
        """Return the tenant with this keyed hash."""
        return await self._one({"install.client_key_hash": client_key_hash})

    async def all(self) -> Sequence[Tenant]:
        """Return every tenant, oldest first."""
        with unavailable_when_down():
            rows = await self._tenants.find({}).sort([("created_at", 1), ("_id", 1)]).to_list(None)
        return [load(row) for row in rows]

    async def add(self, tenant: Tenant, note: Note) -> None:
        """Store a new tenant."""
        row = {"_id": tenant.id, "created_at": tenant.created_at, **fields(tenant)}
        with unavailable_when_down():
            await self._changes.insert(TENANTS, row, tenant.id, tenant.id, note)

    async def replace(self, tenant: Tenant, note: Note) -> None:
        """Store a change."""
        with unavailable_when_down():
            await self._changes.update(
                TENANTS, tenant.id, tenant.rev, fields(tenant), tenant.id, tenant.id, note
            )

    async def wipe_replaced_secrets(self, now: datetime) -> None:
        """Forget previous secrets whose time is over; of every tenant, this is upkeep."""
        await self._tenants.update_many(
            {"install.previous.until": {"$lte": now}}, {"$set": {"install.previous": None}}
        )

    async def _one(self, query: Mapping[str, Any]) -> Tenant | None:
        with unavailable_when_down():
            row = await self._tenants.find_one(query)
        return load(row) if row is not None else None


def load(row: Mapping[str, Any]) -> Tenant:
    """Return the domain object of a document."""
    install = row["install"]
    return Tenant(
        id=row["_id"],
        status=TenantStatus(row["status"]),
        cell=row["cell"],
        created_at=row["created_at"],
        name=row["name"],
        site_url=row["site_url"],
        install=_load_install(install, row["status"]) if install is not None else None,
        # rows of the first release have no such fields
        forge=_load_forge(forge) if (forge := row.get("forge")) is not None else None,
        cloud_id=row.get("cloud_id"),
        facts=JiraFacts(**row.get("facts", {})),
        orphaned_at=row.get("orphaned_at"),
        rev=row["rev"],
    )


def fields(tenant: Tenant) -> dict[str, Any]:
    """Return what a change writes: everything but id, ``rev`` and outbox."""
    return {
        "status": tenant.status.value,
        "cell": tenant.cell,
        "name": tenant.name,
        "site_url": tenant.site_url,
        "install": _dump_install(tenant.install) if tenant.install is not None else None,
        "forge": _dump_forge(tenant.forge) if tenant.forge is not None else None,
        "cloud_id": tenant.cloud_id,
        "facts": asdict(tenant.facts),
        "orphaned_at": tenant.orphaned_at,
    }


def _dump_forge(forge: ForgeInstall) -> ForgeInstallDocument:
    token = forge.token
    return {
        "installation_id": forge.installation_id,
        "environment_id": forge.environment_id,
        "api_base_url": forge.api_base_url,
        "token": None
        if token is None
        else {
            "version": token.version,
            "sealed": sealed.dump(token.sealed),
            "until": token.until,
        },
        "last_iat": forge.last_iat,
        "life": _dump_stamp(forge.life),
        "removed": forge.removed,
    }


def _load_forge(row: Mapping[str, Any]) -> ForgeInstall:
    token = row["token"]
    return ForgeInstall(
        installation_id=row["installation_id"],
        environment_id=row["environment_id"],
        api_base_url=row["api_base_url"],
        token=None
        if token is None
        else SystemToken(token["version"], sealed.load(token["sealed"]), token["until"]),
        last_iat=row["last_iat"],
        life=_load_stamp(row["life"]),
        removed=row["removed"],
    )


def _dump_install(install: Install) -> InstallDocument:
    return {
        "client_key_hash": install.client_key_hash,
        "client_key": sealed.dump(install.client_key),
        "current": _dump_secret(install.current),
        "previous": _dump_secret(install.previous) if install.previous is not None else None,
        "entitlement": install.entitlement,
        "entitlement_id": install.entitlement_id,
        "installation_id": install.installation_id,
        "extras_at": {
            "entitlement": install.extras_at.entitlement,
            "entitlement_id": install.extras_at.entitlement_id,
            "installation_id": install.extras_at.installation_id,
        },
        "installed": _dump_stamp(install.installed),
        "life": _dump_stamp(install.life),
        "switch": _dump_stamp(install.switch),
        "removed": install.removed,
        "disabled": install.disabled,
    }


def _load_install(row: Mapping[str, Any], status: str) -> Install:
    previous = row["previous"]
    # the first release had one stamp for all calls, and the status alone said what they led to
    first = {"iat": row.get("last_iat", 0), "seen": row.get("seen", [])}
    return Install(
        client_key_hash=row["client_key_hash"],
        client_key=sealed.load(row["client_key"]),
        current=_load_secret(row["current"]),
        previous=_load_secret(previous) if previous is not None else None,
        entitlement=row["entitlement"],
        entitlement_id=row.get("entitlement_id"),
        installation_id=row.get("installation_id"),
        extras_at=ExtrasAt(**row.get("extras_at", {})),
        installed=_load_stamp(row.get("installed", first)),
        life=_load_stamp(row.get("life", first)),
        switch=_load_stamp(row.get("switch", first)),
        removed=row.get("removed", status == TenantStatus.UNINSTALLED),
        disabled=row.get("disabled", status == TenantStatus.DISABLED),
    )


def _dump_stamp(stamp: Stamp) -> StampDocument:
    return {"iat": stamp.iat, "seen": list(stamp.seen)}


def _load_stamp(row: Mapping[str, Any]) -> Stamp:
    return Stamp(row["iat"], tuple(row["seen"]))


def _dump_secret(secret: InstallSecret) -> InstallSecretDocument:
    return {
        "version": secret.version,
        "sealed": sealed.dump(secret.sealed),
        "until": secret.until,
    }


def _load_secret(row: Mapping[str, Any]) -> InstallSecret:
    return InstallSecret(row["version"], sealed.load(row["sealed"]), row["until"])
