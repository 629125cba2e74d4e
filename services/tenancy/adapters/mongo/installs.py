"""Finding tenants by their installs, many with one query."""

from collections.abc import Sequence

from kit.mongo import Database, unavailable_when_down
from services.tenancy.adapters.mongo.documents import TENANTS
from services.tenancy.adapters.mongo.tenants import load
from services.tenancy.domain.tenants import Tenant


class MongoInstalls:
    """Implements ``Installs``."""

    def __init__(self, database: Database) -> None:
        self._tenants = database[TENANTS]

    async def by_client_keys(self, client_key_hashes: Sequence[str]) -> Sequence[Tenant]:
        """Return the tenants that have one of these keyed hashes."""
        with unavailable_when_down():
            rows = await self._tenants.find(
                {"install.client_key_hash": {"$in": list(client_key_hashes)}}
            ).to_list(None)
        return [load(row) for row in rows]
