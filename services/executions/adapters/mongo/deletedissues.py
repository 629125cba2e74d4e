"""Notes on issues that Jira deleted."""

from collections.abc import Collection
from datetime import datetime, timedelta

from pymongo import ASCENDING, IndexModel

from kit.mongo import Database, insert_new, unavailable_when_down
from services.executions.domain.deletedissues import DeletedIssue

COLLECTION = "deleted_issues"
# long after tenancy has forgotten that an issue was there
_REMEMBERED = timedelta(days=1)

INDEXES = [
    # exempt from the tenant-first rule: an index that forgets has one field
    IndexModel(
        [("at", ASCENDING)], name="forget", expireAfterSeconds=int(_REMEMBERED.total_seconds())
    )
]


class DeletedIssueNotes:
    """The rows."""

    def __init__(self, database: Database) -> None:
        self._rows = database[COLLECTION]

    async def add(self, tenant: str, issues: Collection[int], now: datetime) -> None:
        """Note issues; repeats do no harm."""
        rows = [
            DeletedIssue(_id=f"{tenant}/{issue}", tenant=tenant, issue=issue, at=now)
            for issue in issues
        ]
        await insert_new(self._rows, [dict(row) for row in rows])

    async def has(self, tenant: str, issue: int) -> bool:
        """Whether an issue was noted."""
        with unavailable_when_down():
            row = await self._rows.find_one({"_id": f"{tenant}/{issue}", "tenant": tenant})
        return row is not None
