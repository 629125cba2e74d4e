"""Records of API tokens in MongoDB."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from kit.auth.principal import Scope
from kit.mongo import Database, bulk_upsert, unavailable_when_down
from kit.outbox.entries import FIELD
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.documents import TOKENS
from services.tenancy.domain.tokens import ApiToken
from services.tenancy.usecases.ports import Note

_NEWEST_FIRST = [("created_at", -1), ("_id", 1)]


class MongoTokens:
    """Implements ``TokenStore``."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._tokens = database[TOKENS]
        self._changes = changes

    async def add(self, tenant: str, token: ApiToken, note: Note) -> None:
        """Store the record of a new token."""
        row = {
            "_id": _id(tenant, token.id),
            "tenant": tenant,
            "id": token.id,
            "name": token.name,
            "account_id": token.account_id,
            "scopes": sorted(s.value for s in token.scopes),
            "projects": None if token.projects is None else list(token.projects),
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "revoked_at": None,
            "requests_per_minute": token.requests_per_minute,
            "last_used_at": None,
            "forgotten": False,
        }
        with unavailable_when_down():
            await self._changes.insert(TOKENS, row, tenant, token.id, note)

    async def get(self, tenant: str, token: str) -> ApiToken | None:
        """Return one record."""
        with unavailable_when_down():
            row = await self._tokens.find_one({"_id": _id(tenant, token), "tenant": tenant})
        return load(row) if row is not None else None

    async def all(self, tenant: str) -> Sequence[ApiToken]:
        """Return the tenant's records, newest first."""
        with unavailable_when_down():
            rows = await self._tokens.find({"tenant": tenant}).sort(_NEWEST_FIRST).to_list(None)
        return [load(row) for row in rows]

    async def of_account(self, tenant: str, account: str) -> Sequence[ApiToken]:
        """Return the records of one account, newest first."""
        query = {"tenant": tenant, "account_id": account}
        with unavailable_when_down():
            rows = await self._tokens.find(query).sort(_NEWEST_FIRST).to_list(None)
        return [load(row) for row in rows]

    async def holders(self, tenant: str, at: datetime, account: str | None = None) -> Sequence[str]:
        """Return the accounts with tokens that are not revoked and expire later, sorted."""
        query = {
            "tenant": tenant,
            "account_id": {"$type": "string"} if account is None else account,
            "revoked_at": None,
            "expires_at": {"$gt": at},
        }
        with unavailable_when_down():
            rows = await self._tokens.find(query, {"_id": 0, "account_id": 1}).to_list(None)
        return sorted({row["account_id"] for row in rows})

    async def unexpired(self, tenant: str, account: str, at: datetime) -> int:
        """Count the records of one account that expire later."""
        query = {"tenant": tenant, "account_id": account, "expires_at": {"$gt": at}}
        with unavailable_when_down():
            return int(await self._tokens.count_documents(query))

    async def revoked(self, tenant: str) -> frozenset[str]:
        """Return the ids of revoked tokens that have not expired long ago."""
        query = {"tenant": tenant, "revoked_at": {"$type": "date"}, "forgotten": False}
        with unavailable_when_down():
            rows = await self._tokens.find(query, {"_id": 0, "id": 1}).to_list(None)
        return frozenset(row["id"] for row in rows)

    async def replace(self, tenant: str, token: ApiToken, note: Note) -> None:
        """Store a change; only the revocation can change."""
        with unavailable_when_down():
            await self._changes.update(
                TOKENS,
                _id(tenant, token.id),
                token.rev,
                {"revoked_at": token.revoked_at},
                tenant,
                token.id,
                note,
            )

    async def used(self, uses: Mapping[tuple[str, str], datetime]) -> None:
        """Move ``last_used_at`` forward, by itself: unordered and repeatable."""
        with unavailable_when_down():
            await bulk_upsert(
                self._tokens,
                [
                    UpdateOne({"_id": _id(tenant, token)}, {"$max": {"last_used_at": at}})
                    for (tenant, token), at in uses.items()
                ],
            )

    async def forget_expired_revocations(self, expired_before: datetime) -> None:
        """Let the relay publish tombstones; of every tenant, this is upkeep."""
        await self._tokens.update_many(
            {
                "revoked_at": {"$type": "date"},
                "expires_at": {"$lt": expired_before},
                "forgotten": False,
            },
            {
                "$set": {"forgotten": True},
                "$inc": {"rev": 1},
                "$push": {FIELD: self._changes.state_entry()},
            },
        )


def load(row: Mapping[str, Any]) -> ApiToken:
    """Return the domain object of a document."""
    projects = row["projects"]
    return ApiToken(
        tenant=row["tenant"],
        id=row["id"],
        name=row["name"],
        account_id=row["account_id"],
        scopes=frozenset(Scope(s) for s in row["scopes"]),
        projects=None if projects is None else tuple(projects),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        # rows of before have neither
        requests_per_minute=row.get("requests_per_minute"),
        last_used_at=row.get("last_used_at"),
        rev=row["rev"],
    )


def _id(tenant: str, token: str) -> str:
    return f"{tenant}/{token}"
