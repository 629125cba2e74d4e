"""Links in MongoDB: an array inside their case, written together with the case's state event."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel

from contracts.ids import project_of
from kit.mongo import Database, Document, insert_new
from services.testcases.adapters.mongo.documents import LinkDocument
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.testcases import TEST_CASES
from services.testcases.domain.links import MAX_LINKS, IssueLink, Link, LinkedCase

DELETED = "deleted_issues"
# long after tenancy has forgotten that an issue was there
_REMEMBERED = timedelta(days=1)
_BATCH = 500
"""Cases that one update changes."""
# hints: in a small project the planner takes the list of its cases to be as good
_BY_ID, _BY_ISSUE = "link", "issue"

INDEXES = {
    # a TTL index has one field: exempt from the tenant-first rule
    DELETED: [
        IndexModel(
            [("at", ASCENDING)],
            name="forget",
            expireAfterSeconds=int(_REMEMBERED.total_seconds()),
        )
    ],
}


class LinkRepository:
    """Implements ``LinkStore``; the tenant comes first."""

    def __init__(self, database: Database, pending: Pending) -> None:
        self._cases = database[TEST_CASES]
        self._pending = pending

    async def add(self, tenant: str, case: int, link: Link) -> bool:
        """Add a link; False when the case is gone, full, or has it already."""
        room = {
            "tenant": tenant,
            "project": project_of(case),
            "visible": True,
            "id": case,
            f"links.{MAX_LINKS - 1}": {"$exists": False},
            "links": {"$not": {"$elemMatch": _alike(link)}},
        }
        result = await self._cases.update_one(
            room, self._change({"$push": {"links": dict(link_document(link))}})
        )
        return self._told(result.modified_count)

    async def remove(self, tenant: str, project: int, link: int) -> bool:
        """Remove a link of a project; False when there is none."""
        result = await self._cases.update_one(
            {"tenant": tenant, "project": project, "visible": True, "links.id": link},
            self._change({"$pull": {"links": {"id": link}}}),
            hint=_BY_ID,
        )
        return self._told(result.modified_count)

    async def cases_of(
        self, tenant: str, issue: int, projects: Collection[int]
    ) -> Sequence[LinkedCase]:
        """Return the cases of these projects that are linked to an issue, by id."""
        query = {
            "tenant": tenant,
            "links.issue": issue,
            "project": {"$in": list(projects)},
            "visible": True,
        }
        shown = {"_id": 0, "id": 1, "project": 1, "version": 1}
        rows = await self._cases.find(query, shown).hint(_BY_ISSUE).to_list(None)
        rows.sort(key=lambda row: row["id"])
        return [LinkedCase(row["id"], row["project"], row["version"]) for row in rows]

    async def drop(self, tenant: str, issues: Collection[int]) -> None:
        """Remove every link to these issues, some cases at a time."""
        wanted = {"$in": list(issues)}
        linked = {"tenant": tenant, "links.issue": wanted}
        some = self._cases.find(linked, {"_id": 1}).hint(_BY_ISSUE).limit(_BATCH)
        while rows := await some.clone().to_list(_BATCH):
            result = await self._cases.update_many(
                linked | {"_id": {"$in": [row["_id"] for row in rows]}},
                self._change({"$pull": {"links": {"issue": wanted}}}),
            )
            self._told(result.modified_count)

    def _change(self, links: Document) -> Document:
        """Complete an update: changed now, and published."""
        change = {"$set": {"updated_on": self._pending.clock.now()}, "$inc": {"rev": 1}} | links
        change["$push"] = links.get("$push", {}) | {"outbox": self._pending.entry()}
        return change

    def _told(self, changed: int) -> bool:
        if changed:
            self._pending.nudge()
        return bool(changed)


class DeletedIssueRows:
    """Implements ``DeletedIssues``; the tenant comes first."""

    def __init__(self, database: Database, pending: Pending) -> None:
        self._rows = database[DELETED]
        self._clock = pending.clock

    async def add(self, tenant: str, issues: Collection[int]) -> None:
        """Note issues; repeats do no harm."""
        now = self._clock.now()
        rows: list[Document] = [
            {"_id": f"{tenant}/{issue}", "tenant": tenant, "issue": issue, "at": now}
            for issue in issues
        ]
        await insert_new(self._rows, rows)

    async def has(self, tenant: str, issue: int) -> bool:
        """Whether an issue was noted."""
        row = await self._rows.find_one({"_id": f"{tenant}/{issue}", "tenant": tenant})
        return row is not None


def _alike(link: Link) -> dict[str, Any]:
    """Say which stored links are the same as a new one."""
    if isinstance(link, IssueLink):
        return {"issue": link.issue}
    return {"url": link.url, "description": link.description}


def link_document(link: Link) -> LinkDocument:
    """Build what is stored of a link."""
    kept: LinkDocument = {"id": link.id, "kind": "issue", "type": link.type.value}
    if isinstance(link, IssueLink):
        return kept | {"issue": link.issue}
    return kept | {"kind": "web", "url": link.url, "description": link.description}
