"""Signing keys in MongoDB. They belong to no tenant."""

from collections.abc import Mapping, Sequence
from typing import Any

from kit.mongo import Database, unavailable_when_down
from services.tenancy.adapters.mongo import sealed
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.documents import SIGNING_KEYS
from services.tenancy.domain.signing_keys import NO_TENANT, SigningKey
from services.tenancy.usecases.ports import Note


class MongoSigningKeys:
    """Implements ``SigningKeyStore``."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._keys = database[SIGNING_KEYS]
        self._changes = changes

    async def all(self) -> Sequence[SigningKey]:
        """Return every key, oldest first."""
        with unavailable_when_down():
            rows = await self._keys.find({}).sort("generation", 1).to_list(None)
        return [load(row) for row in rows]

    async def add(self, key: SigningKey, note: Note) -> None:
        """Store a new key."""
        row = {
            "_id": key.kid,
            "generation": key.generation,
            "public_pem": key.public_pem,
            "not_before": key.not_before,
            **_changing(key),
        }
        with unavailable_when_down():
            await self._changes.insert(SIGNING_KEYS, row, NO_TENANT, key.kid, note)

    async def replace(self, key: SigningKey) -> None:
        """Store a change."""
        with unavailable_when_down():
            await self._changes.update_unnoted(SIGNING_KEYS, key.kid, key.rev, _changing(key))


def load(row: Mapping[str, Any]) -> SigningKey:
    """Return the domain object of a document."""
    private = row["private"]
    return SigningKey(
        kid=row["_id"],
        generation=row["generation"],
        public_pem=row["public_pem"],
        private=sealed.load(private) if private is not None else None,
        not_before=row["not_before"],
        retired_at=row["retired_at"],
        rev=row["rev"],
    )


def _changing(key: SigningKey) -> dict[str, Any]:
    return {
        "private": sealed.dump(key.private) if key.private is not None else None,
        "retired_at": key.retired_at,
    }
