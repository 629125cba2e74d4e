"""Consent, one document per tenant. Never cached: a withdrawal counts at once, everywhere."""

from collections.abc import Collection, Mapping
from typing import Any

from contracts.telemetry import ProcessorName
from kit.clock import Clock
from kit.mongo import Database, DuplicateKey
from services.telemetry.adapters.mongo.documents import CONSENTS
from services.telemetry.usecases.consent import Choices, LastChange


class MongoConsents:
    """Implements ``usecases.consent.Consents``."""

    def __init__(self, database: Database) -> None:
        self._rows = database[CONSENTS]

    async def choices(self, tenants: Collection[str]) -> Mapping[str, Choices]:
        """Return what each tenant chose."""
        wanted = list(set(tenants))
        rows = await self._rows.find({"_id": {"$in": wanted}}).to_list(None) if wanted else []
        return {
            row["_id"]: Choices(_known(row["processors"]), row.get("keep_keys", False))
            for row in rows
        }

    async def granted(self, tenants: Collection[str]) -> Mapping[str, frozenset[ProcessorName]]:
        """Return the processors that each tenant consents to."""
        chosen = await self.choices(tenants)
        return {tenant: choices.processors for tenant, choices in chosen.items()}

    async def last_change(self, tenant: str) -> LastChange | None:
        """Return who changed it last."""
        row = await self._rows.find_one({"_id": tenant, "tenant": tenant})
        return None if row is None else LastChange(row["changed_at"], row["changed_by"])

    async def replace(self, tenant: str, choices: Choices, by: str, clock: Clock) -> None:
        """Replace everything that a tenant chose."""
        chosen = {"processors": sorted(choices.processors), "keep_keys": choices.keep_keys}
        await self._write(tenant, {"$set": chosen}, by, clock)

    async def change(
        self, tenant: str, processor: ProcessorName, *, on: bool, by: str, clock: Clock
    ) -> None:
        """Turn one processor on or off."""
        operator = "$addToSet" if on else "$pull"
        await self._write(tenant, {operator: {"processors": processor.value}}, by, clock)

    async def _write(self, tenant: str, change: dict[str, Any], by: str, clock: Clock) -> None:
        stamps = {"changed_at": clock.now(), "changed_by": by}
        update = {**change, "$set": {**change.get("$set", {}), **stamps}}
        key = {"_id": tenant, "tenant": tenant}
        try:
            await self._rows.update_one(key, update, upsert=True)
        except DuplicateKey:
            # two first writes at once: the document is there now
            await self._rows.update_one(key, update)


def _known(names: list[str]) -> frozenset[ProcessorName]:
    return frozenset(name for name in ProcessorName if name.value in names)
