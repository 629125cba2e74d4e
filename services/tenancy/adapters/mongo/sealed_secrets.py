"""Every sealed secret of the database, whatever it belongs to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kit.mongo import Database, Document, unavailable_when_down
from services.tenancy.adapters.mongo import sealed
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.sealed_fields import SEALED_FIELDS, SealedField
from services.tenancy.domain.secret import Sealed
from services.tenancy.domain.signing_keys import NO_TENANT
from services.tenancy.usecases.ports import ChangedMeanwhile, Note
from services.tenancy.usecases.rewrap import KeyCount, SealedRecord, SealedValue

_BY_COLLECTION: dict[str, list[SealedField]] = {}
for _field in SEALED_FIELDS:
    _BY_COLLECTION.setdefault(_field.collection, []).append(_field)


class MongoSealedSecrets:
    """Implements ``SealedSecrets``. The key id in each document is the only bookmark."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    @property
    def collections(self) -> Sequence[str]:
        """Return the names of the collections that hold sealed secrets."""
        return list(_BY_COLLECTION)

    async def counts(self) -> Sequence[KeyCount]:
        """Count secrets by collection and key."""
        found: dict[tuple[str, str], int] = {}
        with unavailable_when_down():
            for field in SEALED_FIELDS:
                groups = self._database[field.collection].aggregate(
                    [
                        {"$match": {f"{field.path}.key_id": {"$exists": True}}},
                        {"$group": {"_id": f"${field.path}.key_id", "secrets": {"$sum": 1}}},
                    ]
                )
                async for group in groups:
                    known = found.get((field.collection, group["_id"]), 0)
                    found[field.collection, group["_id"]] = known + group["secrets"]
        return [KeyCount(*place, secrets) for place, secrets in sorted(found.items())]

    async def batch(
        self, collection: str, key_id: str, after: str | None, limit: int
    ) -> Sequence[SealedRecord]:
        """Return the next documents, by id, with secrets under another key than this one."""
        fields = _BY_COLLECTION[collection]
        other = {"$exists": True, "$ne": key_id}
        query: Document = {"$or": [{f"{field.path}.key_id": other} for field in fields]}
        if after is not None:
            query["_id"] = {"$gt": after}
        wanted = dict.fromkeys(["rev", *(f.path.partition(".")[0] for f in fields)], 1)
        with unavailable_when_down():
            rows = (
                await self._database[collection]
                .find(query, wanted)
                .sort("_id", 1)
                .limit(limit)
                .to_list(None)
            )
        return [
            SealedRecord(
                collection, row["_id"], row.get("rev"), tuple(_values(fields, row, key_id))
            )
            for row in rows
        ]

    async def store(self, record: SealedRecord, rewrapped: Mapping[str, Sealed]) -> None:
        """Put wrapped keys in the place of those that were read; nothing else changes.

        ``rev`` moves on, so that a writer who has read the former keys decides again; the keys
        themselves are compared, because wiping a previous secret does not move it.
        """
        query: Document = {"_id": record.id}
        change: Document = {}
        for value in record.values:
            if value.path in rewrapped:
                query[f"{value.path}.wrapped"] = value.sealed.wrapped
                change[f"{value.path}.key_id"] = rewrapped[value.path].key_id
                change[f"{value.path}.wrapped"] = rewrapped[value.path].wrapped
        if record.rev is not None:
            query["rev"] = record.rev
            change["rev"] = record.rev + 1
        with unavailable_when_down():
            result = await self._database[record.collection].update_one(query, {"$set": change})
        if not result.matched_count:
            raise ChangedMeanwhile

    async def note(self, key_id: str, note: Note) -> None:
        """Record that secrets were put under a key."""
        with unavailable_when_down():
            await self._changes.note(NO_TENANT, key_id, note)


def _values(
    fields: Sequence[SealedField], row: Mapping[str, Any], key_id: str
) -> Iterator[SealedValue]:
    for field in fields:
        found = field.within(row)
        if found is not None and found[0]["key_id"] != key_id:
            place = field.place_of(row["_id"], found[1])
            yield SealedValue(field.path, place, sealed.load(found[0]))
