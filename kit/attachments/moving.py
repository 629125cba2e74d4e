"""Attachments of a whole project: read for an export, put back under their ids by an import."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta

from pymongo import ASCENDING, IndexModel

from contracts.ids import project_range
from kit.attachments.rows import (
    COLLECTION,
    Attachment,
    AttachmentRows,
    AttachmentState,
    Place,
    key_of,
)
from kit.attachments.store import ByteStore
from kit.clock import Clock
from kit.counters import Counters
from kit.errors import InvalidInput, Unavailable
from kit.mongo import Database, Document

INDEX = IndexModel([("tenant", ASCENDING), ("id", ASCENDING)], name="id")
_BATCH = 200
_LEASE = timedelta(minutes=5)
_RENEW = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Placed:
    """An attachment and where it is attached."""

    place: Place
    attachment: Attachment


class MovingAttachments:
    """Nobody's rights are looked at here; the tenant comes first."""

    def __init__(
        self, database: Database, store: ByteStore, counters: Counters, clock: Clock
    ) -> None:
        self._documents = database[COLLECTION]
        self._rows = AttachmentRows(database)
        self._store = store
        self._counters = counters
        self._clock = clock

    async def walk(self, tenant: str, project: int) -> AsyncIterator[Sequence[Placed]]:
        """Yield what is stored in a project, by id, some at a time."""
        first, end = project_range(project)
        while True:
            query: Document = {"tenant": tenant, "id": {"$gte": first, "$lt": end}}
            found = self._documents.find(query | {"state": AttachmentState.STORED})
            rows = await found.sort("id", ASCENDING).limit(_BATCH).to_list(_BATCH)
            if not rows:
                return
            yield [_placed(row) for row in rows]
            first = rows[-1]["id"] + 1

    async def reserve(self, tenant: str, project: int, number: int) -> None:
        """Make sure that no other attachment gets a number up to this one."""
        await self._counters.at_least(f"{tenant}/{project}/attachment", number)

    async def put(self, placed: Placed, pieces: AsyncIterator[bytes]) -> None:
        """Store a file under its own id, unless it is stored.

        Raises ``InvalidInput`` when the bytes are not what is said of them, ``Unavailable`` when
        somebody else puts it.
        """
        attachment, now = placed.attachment, self._clock.now()
        tenant, ident = attachment.tenant, attachment.id
        key = key_of(tenant, ident)
        row = await self._documents.find_one({"_id": key, "tenant": tenant})
        if row is not None and row["state"] == AttachmentState.STORED:
            return
        if row is not None:
            # remains of an import that broke off; its bytes may be there in part
            await self._store.delete(key)
            await self._documents.delete_one({"_id": key, "tenant": tenant, "state": row["state"]})
        name, kind = attachment.name, attachment.content_type
        await self._rows.begin(tenant, placed.place, ident, name, kind, now, now + _LEASE)
        try:
            async with aclosing(self._measured(attachment, pieces)) as stream:
                await self._store.put(key, stream)
        except InvalidInput:
            await self._rows.give_up(tenant, ident, now)
            raise
        size, digest = attachment.size, attachment.sha256
        if not await self._rows.stored(tenant, ident, size, digest, self._clock.now()):
            raise Unavailable("Storing an attachment took too long; try again.")

    async def _measured(
        self, attachment: Attachment, pieces: AsyncIterator[bytes]
    ) -> AsyncGenerator[bytes, None]:
        digest, size, renewed = hashlib.sha256(), 0, self._clock.now()
        async for piece in pieces:
            digest.update(piece)
            size += len(piece)
            if (now := self._clock.now()) - renewed >= _RENEW:
                renewed = now
                await self._rows.renew(attachment.tenant, attachment.id, now + _LEASE)
            yield piece
        if (size, digest.hexdigest()) != (attachment.size, attachment.sha256):
            raise InvalidInput(f"Attachment {attachment.id} is damaged.")


def _placed(row: Document) -> Placed:
    return Placed(
        Place(row["kind"], row["entity"], row["part"]),
        Attachment(
            row["tenant"], row["id"], row["name"], row["content_type"], row["size"], row["sha256"]
        ),
    )
