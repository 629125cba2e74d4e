"""The tenants whose flags are decided on their own: active ones that consent to LaunchDarkly."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from contracts.telemetry import ProcessorName
from contracts.tenancy import TenantState, TenantStatus
from kit.directory.copy import TENANTS
from kit.mongo import Database
from services.telemetry.adapters.mongo.documents import CONSENTS
from services.telemetry.domain.flags import Subject, context_key

_FRESH_SECONDS = 10.0
_BATCH = 1_000


class Handles(Protocol):
    """Random names of tenants; see ``adapters.mongo.handles``."""

    async def handle(self, tenant: str) -> str: ...


class MongoFlagSubjects:
    """Implements ``usecases.flags.FlagSubjects``.

    Consent is read anew each time; what the directory says of a tenant may be ten seconds old.
    """

    def __init__(self, database: Database, handles: Handles) -> None:
        self._consents = database[CONSENTS]
        self._tenants = database[TENANTS]
        self._handles = handles
        self._keys: dict[str, str] = {}
        self._asked: frozenset[str] = frozenset()
        self._subjects: Mapping[str, Subject] = {}
        self._read_at = float("-inf")

    async def consenting(self) -> Mapping[str, Subject]:
        """Return them, by tenant."""
        asked = {"tenant": {"$gt": ""}, "processors": ProcessorName.LAUNCHDARKLY.value}
        rows = await self._consents.find(asked, {"_id": 1}).to_list(None)
        tenants, now = frozenset(row["_id"] for row in rows), asyncio.get_running_loop().time()
        if tenants != self._asked or now - self._read_at >= _FRESH_SECONDS:
            self._subjects = await self._read(sorted(tenants))
            self._asked, self._read_at = tenants, now
        return self._subjects

    async def _read(self, tenants: list[str]) -> Mapping[str, Subject]:
        found: dict[str, Subject] = {}
        for begin in range(0, len(tenants), _BATCH):
            some = {"tenant": {"$in": tenants[begin : begin + _BATCH]}}
            active = {**some, "status": TenantStatus.ACTIVE.value}
            for row in await self._tenants.find(active).to_list(None):
                state = TenantState(**_state(row))
                found[state.tenant] = Subject.of(await self._key(state.tenant), state)
        self._keys = {tenant: key for tenant, key in self._keys.items() if tenant in found}
        return found

    async def _key(self, tenant: str) -> str:
        if tenant not in self._keys:
            self._keys[tenant] = context_key(await self._handles.handle(tenant))
        return self._keys[tenant]


def _state(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"_id", "seq"}}
