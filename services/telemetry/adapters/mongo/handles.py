"""Tenant handles: random names that say nothing outside this collection."""

from collections import OrderedDict
from collections.abc import Collection, Mapping

from pymongo import ASCENDING, IndexModel, ReturnDocument

from kit.errors import Unavailable
from kit.ids import Ids
from kit.mongo import Database, DuplicateKey
from services.telemetry.adapters.mongo.documents import TENANT_HANDLES

# the way back from a handle: the one filter without a tenant, because it finds the tenant
INDEXES = [IndexModel([("handle", ASCENDING)], unique=True)]

_CACHED = 10_000
_CHARACTERS = 26  # 130 random bits


class MongoHandles:
    """Implements ``usecases.anonymizing.Handles`` and ``usecases.gate.TenantOf``.

    A handle never changes, so both directions are cached.
    """

    def __init__(self, database: Database, ids: Ids) -> None:
        self._rows = database[TENANT_HANDLES]
        self._ids = ids
        self._handles: OrderedDict[str, str] = OrderedDict()
        self._tenants: OrderedDict[str, str] = OrderedDict()

    async def handle(self, tenant: str) -> str:
        """Return the tenant's handle; make it when there is none."""
        if (known := self._handles.get(tenant)) is not None:
            return known
        try:
            row = await self._rows.find_one_and_update(
                {"_id": tenant, "tenant": tenant},
                {"$setOnInsert": {"handle": self._ids.token(_CHARACTERS)}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKey:
            raise Unavailable("A tenant handle is being made; try again.") from None
        handle = str(row["handle"])
        _remember(self._handles, tenant, handle)
        return handle

    async def tenants(self, handles: Collection[str]) -> Mapping[str, str]:
        """Return the tenant of each handle that is known."""
        unknown = [handle for handle in handles if handle not in self._tenants]
        found = {h: self._tenants[h] for h in handles if h in self._tenants}
        if unknown:
            rows = await self._rows.find({"handle": {"$in": unknown}}).to_list(None)
            for row in rows:
                found[row["handle"]] = row["tenant"]
                _remember(self._tenants, row["handle"], row["tenant"])
        return found


def _remember(cache: OrderedDict[str, str], key: str, value: str) -> None:
    cache[key] = value
    while len(cache) > _CACHED:
        cache.popitem(last=False)
