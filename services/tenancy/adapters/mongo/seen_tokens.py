"""Ids of used tokens in MongoDB, which forgets them by itself."""

from datetime import datetime

from kit.mongo import Database, DuplicateKey, unavailable_when_down
from services.tenancy.adapters.mongo.documents import SEEN_TOKENS, SeenTokenDocument


class MongoSeenTokens:
    """Implements ``SeenTokens``."""

    def __init__(self, database: Database) -> None:
        self._seen = database[SEEN_TOKENS]

    async def has(self, tenant: str, token: str) -> bool:
        """Whether the token was acted on."""
        with unavailable_when_down():
            row = await self._seen.find_one({"_id": _id(tenant, token)}, {"_id": 1})
        return row is not None

    async def keep(self, tenant: str, token: str, until: datetime) -> bool:
        """Remember it; return whether it is new."""
        row: SeenTokenDocument = {"_id": _id(tenant, token), "tenant": tenant, "until": until}
        try:
            with unavailable_when_down():
                await self._seen.insert_one(dict(row))
        except DuplicateKey:
            return False
        return True


def _id(tenant: str, token: str) -> str:
    return f"{tenant}/{token}"
