"""Accounts with tokens that a site left out of its answer, in MongoDB, which forgets them."""

from collections.abc import Collection, Mapping
from datetime import datetime

from kit.mongo import Database, unavailable_when_down
from services.tenancy.adapters.mongo.documents import MISSING_ACCOUNTS


class MongoMissingAccounts:
    """Implements ``MissingAccounts``."""

    def __init__(self, database: Database) -> None:
        self._rows = database[MISSING_ACCOUNTS]

    async def since(self, tenant: str, accounts: Collection[str]) -> Mapping[str, datetime]:
        """Return when each was first left out, of those that were."""
        query = {"tenant": tenant, "account_id": {"$in": list(accounts)}}
        with unavailable_when_down():
            rows = await self._rows.find(query).to_list(None)
        return {row["account_id"]: row["since"] for row in rows}

    async def note(self, tenant: str, account: str, at: datetime) -> None:
        """Keep the first time."""
        with unavailable_when_down():
            await self._rows.update_one(
                {"_id": f"{tenant}/{account}", "tenant": tenant},
                {"$setOnInsert": {"account_id": account, "since": at}},
                upsert=True,
            )

    async def clear(self, tenant: str, accounts: Collection[str]) -> None:
        """Forget some."""
        query = {"tenant": tenant, "account_id": {"$in": list(accounts)}}
        with unavailable_when_down():
            await self._rows.delete_many(query)
