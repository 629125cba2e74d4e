"""How every change is stored: the document with its pending events, and the audit row, or none."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.usage import ProductEvent
from kit.clock import Clock
from kit.ids import Ids
from kit.mongo import Database, Document, DuplicateKey, Session, WriteConflict, transaction
from kit.outbox.entries import FIELD, entry
from services.tenancy.adapters.mongo.documents import AUDIT, AuditDocument
from services.tenancy.usecases.ports import ChangedMeanwhile, Note

STATE = "state"
USAGE = "usage"


@dataclass(frozen=True)
class Write:
    """One document as it shall be; ``rev`` is the one that was read, 0 for a new document."""

    collection: str
    document_id: str
    rev: int
    fields: Mapping[str, Any]
    tenant: str
    subject: str
    note: Note | None
    """None: upkeep, without an audit row."""


class Changes:
    """Writes of one service; ``rev`` guards against lost updates."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def insert(
        self, collection: str, document: Mapping[str, Any], tenant: str, subject: str, note: Note
    ) -> None:
        """Store a new document; raise ``ChangedMeanwhile`` when something of it is taken."""
        fields = {name: value for name, value in document.items() if name != "_id"}
        await self.together([Write(collection, document["_id"], 0, fields, tenant, subject, note)])

    async def update(
        self,
        collection: str,
        document_id: str,
        rev: int,
        fields: Mapping[str, Any],
        tenant: str,
        subject: str,
        note: Note,
    ) -> None:
        """Change the document that was read at ``rev``."""
        await self.together([Write(collection, document_id, rev, fields, tenant, subject, note)])

    async def together(
        self,
        writes: Sequence[Write],
        also: Callable[[Session], Awaitable[None]] | None = None,
    ) -> None:
        """Store all of it or nothing; raise ``ChangedMeanwhile`` when something is not as read."""
        try:
            async with transaction(self._database) as session:
                for write in writes:
                    await self._write(write, session)
                if also is not None:
                    await also(session)
        except (DuplicateKey, WriteConflict):
            raise ChangedMeanwhile from None

    async def _write(self, write: Write, session: Session) -> None:
        collection, note = self._database[write.collection], write.note
        usage = None if note is None else note.usage
        if not write.rev:
            row = {"_id": write.document_id, **write.fields, "rev": 1}
            row[FIELD] = self._entries(usage)
            await collection.insert_one(row, session=session)
        else:
            result = await collection.update_one(
                {"_id": write.document_id, "rev": write.rev},
                self._modification(write.rev, write.fields, usage),
                session=session,
            )
            if not result.matched_count:
                raise ChangedMeanwhile
        if note is not None:
            await self._database[AUDIT].insert_one(
                self._audit(write.tenant, write.subject, note), session=session
            )

    async def update_unnoted(
        self, collection: str, document_id: str, rev: int, fields: Mapping[str, Any]
    ) -> None:
        """Change a document by upkeep: nobody did it, so there is no audit row."""
        result = await self._database[collection].update_one(
            {"_id": document_id, "rev": rev}, self._modification(rev, fields, None)
        )
        if not result.matched_count:
            raise ChangedMeanwhile

    async def note(self, tenant: str, subject: str, note: Note) -> None:
        """Record what changed no document that others know of."""
        await self._database[AUDIT].insert_one(self._audit(tenant, subject, note))

    def state_entry(self) -> Document:
        """Return a pending state event."""
        return entry(self._clock, self._ids, STATE)

    def _modification(
        self, rev: int, fields: Mapping[str, Any], usage: ProductEvent | None
    ) -> Document:
        return {
            "$set": {**fields, "rev": rev + 1},
            "$push": {FIELD: {"$each": self._entries(usage)}},
        }

    def _entries(self, usage: ProductEvent | None) -> list[Document]:
        entries = [self.state_entry()]
        if usage is not None:
            entries.append(entry(self._clock, self._ids, USAGE, usage.model_dump()))
        return entries

    def _audit(self, tenant: str, subject: str, note: Note) -> Document:
        actor = note.by.actor
        row: AuditDocument = {
            "_id": self._ids.uuid7(),
            "tenant": tenant,
            "at": self._clock.now(),
            "action": note.action.value,
            "subject": subject,
            "actor": actor.kind.value,
            "account_id": actor.account_id,
            "token_id": actor.token_id,
        }
        return dict(row)
