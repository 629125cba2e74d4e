"""The audit trail in MongoDB, for reading; ``changes`` writes it."""

from collections.abc import Sequence
from datetime import datetime

from kit.mongo import Database, Document, unavailable_when_down
from services.tenancy.adapters.mongo.documents import AUDIT
from services.tenancy.usecases.audit import AuditEntry


class MongoAudit:
    """Implements ``AuditTrail``."""

    def __init__(self, database: Database) -> None:
        self._rows = database[AUDIT]

    async def count(self, tenant: str, since: datetime | None) -> int:
        """Count the rows."""
        with unavailable_when_down():
            return await self._rows.count_documents({"tenant": tenant, **_from(since)})

    async def page(
        self, tenant: str, since: datetime | None, start: int, limit: int
    ) -> Sequence[AuditEntry]:
        """Read rows; those of one moment in the order of their ids, which grow."""
        query = {"tenant": tenant, **_from(since)}
        with unavailable_when_down():
            rows = await (
                self._rows.find(query)
                .sort([("at", -1), ("_id", -1)])
                .skip(start)
                .limit(limit)
                .to_list(None)
            )
        return [
            AuditEntry(
                id=row["_id"],
                at=row["at"],
                action=row["action"],
                subject=row["subject"],
                actor=row["actor"],
                account_id=row["account_id"],
                token_id=row["token_id"],
            )
            for row in rows
        ]


def _from(since: datetime | None) -> Document:
    return {} if since is None else {"at": {"$gte": since}}
