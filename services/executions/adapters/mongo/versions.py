"""What became of Jira's versions, and taking those that are gone out of cycles and executions.

The row of a removed version is stored before documents are searched for it, and whoever stores a
document that names a version looks for the row afterwards: so neither order leaves one behind.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING

from contracts.ids import MAX_ID, project_range
from kit.directory import copy as directory_copy
from kit.mongo import Collection, Database, insert_new
from kit.segments.claims import Claims
from services.executions.domain.versions import RemovedVersion

COLLECTION = "removed_versions"
_WINDOW = 5_000
"""Documents that one update looks at: no index holds versions, and a project may have millions."""
_LONGEST_CHAIN = 20


class RemovedVersions:
    """The rows."""

    def __init__(self, database: Database) -> None:
        self._rows = database[COLLECTION]

    async def add(self, row: RemovedVersion) -> None:
        """Store a row; one that is there stays."""
        await insert_new(self._rows, [dict(row)])

    async def current(self, tenant: str, version: int) -> int | None:
        """Return what stands for a version now: itself, what it was merged into, or None."""
        seen = {version}
        for _ in range(_LONGEST_CHAIN):
            row = await self._rows.find_one({"_id": f"{tenant}/{version}", "tenant": tenant})
            if row is None:
                return version
            into = row["merged_into"]
            if into is None or into in seen:
                return None
            version = into
            seen.add(version)
        return None

    async def follow(self, collection: Collection, documents: Iterable[Mapping[str, Any]]) -> None:
        """Correct documents that were just stored, where their version is gone."""
        named: dict[tuple[str, int], list[str]] = {}
        for d in documents:
            if d["jira_version"] is not None:
                named.setdefault((d["tenant"], d["jira_version"]), []).append(d["_id"])
        for (tenant, version), ids in named.items():
            now = await self.current(tenant, version)
            if now != version:
                await collection.update_many(
                    {"tenant": tenant, "_id": {"$in": ids}, "jira_version": version},
                    {"$set": {"jira_version": now}},
                )


class VersionReplacer:
    """Changes the version of stored cycles and executions."""

    def __init__(self, database: Database, claims: Claims) -> None:
        self._claims = claims
        self._projects = database[directory_copy.PROJECTS]
        self._cycles = database["test_cycles"]
        self._executions = database["test_executions"]

    async def project(self, tenant: str, jira_project: int) -> int | None:
        """Return our id of a Jira project, None when the tenant does not use it."""
        row = await self._projects.find_one(
            {"tenant": tenant, "jira_project_id": jira_project}, {"id": 1}
        )
        return None if row is None else int(row["id"])

    async def replace(
        self, tenant: str, project: int | None, version: int, by: int | None, now: datetime
    ) -> None:
        """Put ``by`` in the place of a version; ``project`` None: wherever it is named."""
        first, end = (0, MAX_ID + 1) if project is None else project_range(project)
        changed = {"jira_version": by, "updated_on": now}
        async for span in _windows(self._cycles, tenant, first, end):
            await self._cycles.update_many(
                {"tenant": tenant, "id": span, "jira_version": version},
                {"$set": changed, "$inc": {"rev": 1}},
            )
        async for span in _windows(self._executions, tenant, first, end):
            named = {"tenant": tenant, "id": span, "jira_version": version}
            rows = await self._executions.find(named, {"_id": 0, "id": 1}).to_list(None)
            if rows:
                # whoever stores another one meanwhile looks for the row of the version
                ids = [row["id"] for row in rows]
                async with self._claims.writing(tenant, ids):
                    await self._executions.update_many(
                        {"tenant": tenant, "id": {"$in": ids}, "jira_version": version},
                        {"$set": changed},
                    )


async def _windows(
    collection: Collection, tenant: str, first: int, end: int
) -> AsyncIterator[dict[str, int]]:
    """Cut a range of ids into ones of at most ``_WINDOW`` documents; reads the index alone."""
    start = first
    while True:
        found = (
            await collection.find(
                {"tenant": tenant, "id": {"$gte": start, "$lt": end}}, {"_id": 0, "id": 1}
            )
            .sort("id", ASCENDING)
            .skip(_WINDOW)
            .limit(1)
            .to_list(1)
        )
        stop = found[0]["id"] if found else end
        yield {"$gte": start, "$lt": stop}
        if stop == end:
            return
        start = stop
