"""Rows of attachments in MongoDB; the tenant comes first.

uploading ──▶ stored               in one write, which is when it shows
    └──────────┴─▶ removing ──▶ gone   its bytes go at once, and once more when writes that were
                                       on their way have arrived; then the row. A stored one goes
                                       when what it is attached to goes
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NotRequired

from pymongo import ASCENDING, IndexModel
from typing_extensions import TypedDict

from contracts.classes import DataClass
from kit.mongo import Database, Document, Session

COLLECTION = "attachments"
_BATCH = 100

INDEXES = {
    COLLECTION: [
        IndexModel(
            [(f, ASCENDING) for f in ("tenant", "kind", "entity", "part", "id")], name="place"
        ),
        # of all tenants, for the sweeper; holds nothing of what is stored
        IndexModel([("lease_until", ASCENDING)], name="lease", sparse=True),
    ]
}


class AttachmentState(StrEnum):
    """What a row stands for."""

    UPLOADING = "uploading"
    STORED = "stored"
    REMOVING = "removing"


class AttachmentDocument(TypedDict):
    """An attachment, or an upload that may become one. ``_id``: tenant/id."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    id: Annotated[int, DataClass.OPERATIONAL]
    kind: Annotated[str, DataClass.OPERATIONAL]
    entity: Annotated[int, DataClass.OPERATIONAL]
    part: Annotated[int | None, DataClass.OPERATIONAL]
    name: Annotated[str, DataClass.CUSTOMER_CONTENT]
    content_type: Annotated[str, DataClass.CUSTOMER_CONTENT]
    state: Annotated[str, DataClass.OPERATIONAL]
    started_at: Annotated[datetime, DataClass.OPERATIONAL]
    stored_at: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    size: NotRequired[Annotated[int, DataClass.OPERATIONAL]]
    sha256: NotRequired[Annotated[str, DataClass.CUSTOMER_CONTENT]]
    """Of the bytes: it says whether a file is a known one."""
    lease_until: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    """When an upload counts as abandoned, or the remains of one are looked for once more."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a file is attached to: an entity, or a part of one, by public ids."""

    kind: str
    entity: int
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """One that shows."""

    tenant: str
    id: int
    name: str
    content_type: str
    size: int
    sha256: str

    @property
    def key(self) -> str:
        """Where its bytes are."""
        return key_of(self.tenant, self.id)


@dataclass(frozen=True, slots=True)
class Remains:
    """What a sweeper has to look after."""

    tenant: str
    id: int
    state: AttachmentState


def key_of(tenant: str, ident: int) -> str:
    """Return the key of a row and of its bytes."""
    return f"{tenant}/{ident}"


class AttachmentRows:
    """Reads show what is stored and nothing else."""

    def __init__(self, database: Database) -> None:
        self._rows = database[COLLECTION]

    async def begin(
        self,
        tenant: str,
        place: Place,
        ident: int,
        name: str,
        content_type: str,
        now: datetime,
        until: datetime,
    ) -> None:
        """Note an upload before its first byte."""
        row: AttachmentDocument = {
            "_id": key_of(tenant, ident),
            "tenant": tenant,
            "id": ident,
            "kind": place.kind,
            "entity": place.entity,
            "part": place.part,
            "name": name,
            "content_type": content_type,
            "state": AttachmentState.UPLOADING,
            "started_at": now,
            "lease_until": until,
        }
        await self._rows.insert_one(dict(row))

    async def renew(self, tenant: str, ident: int, until: datetime) -> bool:
        """Renew an upload's lease; False when it was given up meanwhile."""
        change = {"$set": {"lease_until": until}}
        return await self._change(tenant, ident, AttachmentState.UPLOADING, change)

    async def stored(self, tenant: str, ident: int, size: int, sha256: str, now: datetime) -> bool:
        """Let an upload show; False when it was given up meanwhile."""
        state = AttachmentState.STORED
        facts = {"state": state, "size": size, "sha256": sha256, "stored_at": now}
        change = {"$set": facts, "$unset": {"lease_until": ""}}
        return await self._change(tenant, ident, AttachmentState.UPLOADING, change)

    async def give_up(
        self, tenant: str, ident: int, until: datetime, *, due: datetime | None = None
    ) -> bool:
        """Let an upload never show; False when it is stored, or not due."""
        change = {"$set": {"state": AttachmentState.REMOVING, "lease_until": until}}
        return await self._change(tenant, ident, AttachmentState.UPLOADING, change, due)

    async def remove(
        self, tenant: str, kind: str, entity: int, parts: Collection[int], now: datetime
    ) -> None:
        """Let nothing of these parts of an entity show any more; a sweeper does the rest."""
        of_parts: Document = {"tenant": tenant, "kind": kind, "entity": entity}
        of_parts["part"] = {"$in": list(parts)}
        change = {"$set": {"state": AttachmentState.REMOVING, "lease_until": now}}
        await self._rows.update_many(of_parts, change)

    async def forget(self, tenant: str, ident: int) -> None:
        """Remove the row of one whose bytes are gone."""
        state = AttachmentState.REMOVING
        await self._rows.delete_one(
            {"tenant": tenant, "_id": key_of(tenant, ident), "state": state}
        )

    async def drop(
        self,
        tenant: str,
        kind: str,
        entity: int,
        parts: Collection[int],
        until: datetime,
        session: Session | None = None,
    ) -> None:
        """Let nothing of parts that are gone show; a sweeper removes the bytes later."""
        living = [AttachmentState.UPLOADING, AttachmentState.STORED]
        await self._rows.update_many(
            {
                "tenant": tenant,
                "kind": kind,
                "entity": entity,
                "part": {"$in": list(parts)},
                "state": {"$in": living},
            },
            {"$set": {"state": AttachmentState.REMOVING, "lease_until": until}},
            session=session,
        )

    async def drop_all(
        self, tenant: str, kind: str, entities: Collection[int], until: datetime
    ) -> None:
        """Let nothing of these entities show, nor of their parts; a sweeper removes the bytes."""
        living = [AttachmentState.UPLOADING, AttachmentState.STORED]
        await self._rows.update_many(
            {
                "tenant": tenant,
                "kind": kind,
                "entity": {"$in": list(entities)},
                "state": {"$in": living},
            },
            {"$set": {"state": AttachmentState.REMOVING, "lease_until": until}},
        )

    async def drop_one(self, tenant: str, place: Place, ident: int, now: datetime) -> bool:
        """Let one attachment show no more; False when there is none. A sweeper does the rest."""
        change = {"$set": {"state": AttachmentState.REMOVING, "lease_until": now}}
        result = await self._rows.update_one(self._at(tenant, place) | {"id": ident}, change)
        return bool(result.matched_count)

    async def attached(
        self, tenant: str, kind: str, entities: Collection[int], most: int
    ) -> tuple[int, Sequence[int]]:
        """Count what is attached to entities and their parts; return that and the first ids."""
        query = {
            "tenant": tenant,
            "kind": kind,
            "entity": {"$in": list(entities)},
            "state": AttachmentState.STORED,
        }
        rows = await self._rows.find(query, {"_id": 0, "id": 1}).limit(most).to_list(most)
        count = len(rows) if len(rows) < most else await self._rows.count_documents(query)
        return count, [row["id"] for row in rows]

    async def having(
        self, tenant: str, kind: str, first: int, end: int
    ) -> AsyncIterator[tuple[int, Sequence[int]]]:
        """Yield the entities of a range of ids that have attachments, with the ids of those."""
        stages: list[Document] = [
            {
                "$match": {
                    "tenant": tenant,
                    "kind": kind,
                    "entity": {"$gte": first, "$lt": end},
                    "state": AttachmentState.STORED,
                }
            },
            {"$group": {"_id": "$entity", "ids": {"$push": "$id"}}},
        ]
        async for row in self._rows.aggregate(stages, allowDiskUse=True):
            yield row["_id"], row["ids"]

    async def of(self, tenant: str, place: Place) -> Sequence[tuple[int, str]]:
        """Return ids and names of what is attached, oldest first."""
        query = self._at(tenant, place)
        rows = self._rows.find(query, {"_id": 0, "id": 1, "name": 1}).sort("id", ASCENDING)
        return [(row["id"], row["name"]) for row in await rows.to_list(None)]

    async def get(self, tenant: str, place: Place, ident: int) -> Attachment | None:
        """Return one that is attached there."""
        row = await self._rows.find_one(self._at(tenant, place) | {"id": ident})
        if row is None:
            return None
        return Attachment(
            tenant, ident, row["name"], row["content_type"], row["size"], row["sha256"]
        )

    async def due(self, now: datetime) -> Sequence[Remains]:
        """Return some of what a sweeper has to look after, of all tenants, the oldest first."""
        rows = self._rows.find({"lease_until": {"$lt": now}}, {"tenant": 1, "id": 1, "state": 1})
        found = await rows.sort("lease_until", ASCENDING).limit(_BATCH).to_list(_BATCH)
        return [Remains(r["tenant"], r["id"], AttachmentState(r["state"])) for r in found]

    def _at(self, tenant: str, place: Place) -> Document:
        return {
            "tenant": tenant,
            "kind": place.kind,
            "entity": place.entity,
            "part": place.part,
            "state": AttachmentState.STORED,
        }

    async def _change(
        self,
        tenant: str,
        ident: int,
        state: AttachmentState,
        change: Document,
        due: datetime | None = None,
    ) -> bool:
        query: Document = {"tenant": tenant, "_id": key_of(tenant, ident), "state": state}
        if due is not None:
            query["lease_until"] = {"$lt": due}
        return bool((await self._rows.update_one(query, change)).matched_count)
